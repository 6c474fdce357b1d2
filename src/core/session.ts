/** The interface of a session: opening, running, steering, closing. The implementation is session/driver.ts. */

import type { SomeLimits } from "./agent.ts";
import type { Clock } from "./clock.ts";
import type { ApprovalRequestedEvent, SessionEvent } from "./events.ts";
import type { TurnGuard } from "./guard.ts";
import type { Metadata, Observer } from "./observer.ts";
import type { Provider, ProviderTraits } from "./provider.ts";
import type { ProvisionHandle } from "./provisioning.ts";
import type { ContentBlock, Outcome, ToolResult } from "./results.ts";
import type { KeepEvents, Run } from "./run.ts";
import type { Store } from "./store.ts";
import type { TranscriptMessage } from "./transcript.ts";

/** What a run is started with: text, text with images and documents, or an outcome where the host grades such. */
export type Prompt = string | readonly ContentBlock[] | { readonly outcome: Outcome };

/** Approves or denies a call that needs approval. */
export type OnApproval = (request: ApprovalRequestedEvent) => Decision | Promise<Decision>;

/** Yes, or no with a reason the model is told. */
export type Decision = boolean | { readonly allow: boolean; readonly why?: string | undefined };

/**
 * What to do when another process has the session open (its lease is alive): fail, wait until it is released, or take
 * it over.
 */
export type IfOwned = "fail" | "wait" | "take";

/** How a session is opened. */
export interface OpenOptions {
  /** The loop host, such as `local({ model })` or `claude()`. */
  readonly provider: Provider;
  /**
   * A session to attach to. `claude()` fails with `session_not_found` for one that its host does not know, since hosts make
   * ids there; `local()` and `agentcore()` begin a conversation under an id that nothing is on record of. Default: a new
   * one.
   */
  readonly sessionId?: string | undefined;
  /**
   * What `provision()` made for this agent at this provider: a new session is made from that, and nothing is looked up.
   * Default: none, and the provider makes or finds what it needs.
   */
  readonly provisioned?: ProvisionHandle | undefined;
  /**
   * A conversation to go on from, as an earlier result's `transcript`. Only where this side holds the conversation.
   * Default: none.
   */
  readonly history?: readonly TranscriptMessage[] | undefined;
  /** Where the journal is kept. Default: in memory, for the life of the session. */
  readonly store?: Store | undefined;
  /**
   * What to do when another process has the session open, as its lease in the store says: "fail" with
   * `session_owned`, "wait" until it is free, or "take" it; whoever had it then fails with `stale_owner`. Default "fail".
   */
  readonly ifOwned?: IfOwned | undefined;
  /**
   * Whether a stored session may go on with an agent that is not the one it was begun with; refused, opening fails with
   * `agent_changed`. Default "refuse".
   */
  readonly ifAgentChanged?: "refuse" | "accept" | undefined;
  /** Handed to every tool as `context`. Default: undefined. */
  readonly context?: unknown;
  /** Asked about calls that need approval. Default: none, and they wait for `approve` or `deny`. */
  readonly onApproval?: OnApproval | undefined;
  /**
   * What to do about a call of a tool the agent does not have: "answer" it with an error at once, or after
   * `answerAfterMs` milliseconds in which others who hold the session may; "leave" it to them; or "fail" the run with
   * `unresolved_requires_action`. Default: "leave" what the host would have a worker run, "answer" everything else.
   */
  readonly ifCallUnknown?: IfCallUnknown | undefined;
  /**
   * Observers of the session: they get every event, and wrap each tool, each model request and what is sent. Default:
   * none.
   */
  readonly observers?: readonly Observer[] | undefined;
  /**
   * Names and values attached to the session: in each tool's context, and for observers. Never sent to the host.
   * Default: none.
   */
  readonly metadata?: Metadata | undefined;
  /** Sees every event of every run: an observer's `event` alone. What it throws is ignored. Default: none. */
  readonly onEvent?: ((event: SessionEvent) => void) | undefined;
  /**
   * Gets every step of the loop, for debugging: the input, and the commands that followed. `replaySteps` of
   * `loophost/testing` replays them. They hold messages, inputs and results of tools. What it throws is ignored.
   * Default: none.
   */
  readonly onStep?: ((step: LoopStep) => void) | undefined;
  /** Asked after every turn whether the run may go on, else it fails with `halted`; `budget(...)` makes one. Default: none. */
  readonly guard?: TurnGuard | undefined;
  /** Limits that replace the agent's own; one that is none is refused with `invalid_agent`. Default: the agent's. */
  readonly limits?: SomeLimits | undefined;
  /** Which events results keep: "whole" ones, "all" with the pieces of text, too, or "none". Default "whole". */
  readonly keepEvents?: KeepEvents | undefined;
  /** Cancels opening, which then rejects with `aborted`. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** Where time comes from, for tests. Default: the clock of this machine. */
  readonly clock?: Clock | undefined;
}

/** The `context` an agent's tools need, as part of the options; nothing where none of them names one. */
export type NeedsContext<Context> = unknown extends Context
  ? unknown
  : undefined extends Context
    ? { readonly context?: Context }
    : { readonly context: Context };

/** A step of the loop as plain data: something that happened, and what the loop asked for because of it. */
export interface LoopStep {
  /** How the host takes results, as its provider's trait says. */
  readonly answers: ProviderTraits["answers"];
  readonly input: Readonly<Record<string, unknown>> & { readonly type: string };
  readonly commands: readonly (Readonly<Record<string, unknown>> & { readonly do: string })[];
}

/** What is done about a call of a tool the agent does not have. */
export type IfCallUnknown = "answer" | "leave" | "fail" | { readonly answerAfterMs: number };

/** How one run is started. */
export interface RunOptions {
  /** System instructions that apply from this message on, where the host supports them. Default: none. */
  readonly system?: string | undefined;
  /** Cancels the run when it aborts: the run rejects with `aborted`, and the host is told to stop. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /**
   * What to do when nothing goes on until somebody approves or answers: "hold" the run open for the session's `approve`,
   * `deny` and `answer`, or "return" it with terminal `requires_action`, to be taken up with `resume`. Default "hold".
   * Calls that the host's own workers have to answer are waited for either way.
   */
  readonly ifWaiting?: "hold" | "return" | undefined;
  /**
   * What a message does that finds an earlier run open, because it waits for somebody or its process died: "queue"
   * delivers it once that is finished, in order, whichever process does; "deny" denies the calls that wait, and
   * delivers it then; "refuse" throws `session_busy`. Not for `resume`. Default "queue".
   */
  readonly ifOpen?: IfOpen | undefined;
}

/** What a message does that finds an earlier run open. */
export type IfOpen = "queue" | "deny" | "refuse";

/** A conversation held with a loop host. */
export interface Session<Output = unknown> extends AsyncDisposable {
  readonly id: string;
  /**
   * Starts a run with a message. Work the session still has open is finished first; a message that waits for it is on
   * record, and outlives this run and this process (`ifOpen`).
   *
   * @throws LoophostError `invalid_options` for options that cannot be used; `session_busy` while another run is under way
   * here, or with `ifOpen: "refuse"` one is open; `session_closed` after close
   */
  send(prompt: Prompt, options?: RunOptions): Run<Output>;
  /**
   * Resumes unfinished work: a run that was cut off by a crash, or calls that were decided meanwhile. With nothing to
   * do it resolves at once with the last ending.
   */
  resume(options?: RunOptions): Run<Output>;
  /**
   * Stops what the host is doing, from this moment; the run then ends with the ending "interrupted", and what waited to be
   * sent is dropped. Resolves once it is on record: whoever takes the session up then does not go on with the run. Does
   * nothing when no run is under way.
   *
   * @throws LoophostError `store_failed` or `stale_owner` when it could not be recorded; the run was stopped all the same
   */
  interrupt(): Promise<void>;
  /**
   * Approves a call that waits for approval: this call, with this name and input. Resolves when the decision is
   * durable; a crash before that loses it.
   *
   * @throws LoophostError `already_decided` when the call has been decided, and that decision holds; `invalid_options`
   * when the call does not wait for approval
   */
  approve(callId: string): Promise<void>;
  /** Denies a call that waits for approval; the model gets the reason. Otherwise as `approve`. */
  deny(callId: string, why?: string): Promise<void>;
  /** Posts the result of a call of an external tool. Otherwise as `approve`. */
  answer(callId: string, result: string | ToolResult): Promise<void>;
  /** Sends an event in the host's own form. */
  sendEvent(event: unknown): Promise<void>;
  /**
   * Closes the session and releases its lease; the session itself still exists at the host. An open run fails with
   * `session_closed`; one whose end is being recorded ends as it does. With a store it resolves once everything is
   * durable and another process may open the session.
   *
   * @throws LoophostError `store_failed` or `stale_owner` when what was under way could not be recorded
   */
  close(): Promise<void>;
}
