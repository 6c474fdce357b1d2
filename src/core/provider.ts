/**
 * The provider port: what an adapter to a loop host has to be.
 *
 * Two families fit it. *Session + event log* hosts push events and take inputs out-of-band; their results go back
 * each on its own. *One call per turn* hosts answer a call with a stream; the results of a turn go back together.
 * The traits say which; the loop never asks for a provider's name.
 */

import type { Agent } from "./agent.ts";
import type { ArtifactStorage } from "./artifacts.ts";
import type { LoophostError } from "./errors.ts";
import type {
  MessageEvent,
  ContextCompactedEvent,
  ModelAskedEvent,
  DeltasRetractedEvent,
  OutcomeEvaluatedEvent,
  ProviderEvent,
  RetryingEvent,
  ServerToolCalledEvent,
  ServerToolFinishedEvent,
  StreamLostEvent,
  StreamRestoredEvent,
  TextDeltaEvent,
  ThinkingDeltaEvent,
  ThreadChangedEvent,
  UsageEvent,
} from "./events.ts";
import type { Json } from "./json.ts";
import type { ModelRequest, TraceContext } from "./observer.ts";
import type { ProvisionHandle, Provisioning } from "./provisioning.ts";
import type { ContentBlock, Ending, EndingDetails, Outcome, ToolResult, Usage } from "./results.ts";
import type { TranscriptMessage } from "./transcript.ts";

/** An adapter to one loop host: a value made by a factory such as `claude()`, `agentcore()` or `local()`. */
export interface Provider {
  readonly name: string;
  readonly traits: ProviderTraits;
  /** Where the host is, such as "api.anthropic.com", for those who watch. */
  readonly address?: string | undefined;
  /**
   * Contract: called once per session. Resolves when inputs can be sent. Given a `sessionId` it attaches to that
   * session and emits its past between `catchup.started` and `catchup.ended` before it resolves; otherwise it makes
   * a new session. Rejects with a LoophostError, having released what it made.
   */
  open(request: OpenRequest): Promise<Connection>;
  /** Makes agents and environments ahead of sessions; absent where the provider cannot. */
  readonly provisioning?: Provisioning | undefined;
  /** Where it keeps the files of a session; absent where it keeps none. */
  readonly artifacts?: ArtifactStorage | undefined;
}

/** How a loop host differs from others, as data. */
export interface ProviderTraits {
  /** "each": a result is sent as soon as it is there. "together": all results of a turn are sent at once, in call order. */
  readonly answers: "each" | "together";
  /** Who holds the conversation: the loop host, or this side (then `history` seeds it and results have a transcript). */
  readonly history: "host" | "here";
  /** Whether the host goes on by itself once it has an input, so that a run this process lost goes on there. */
  readonly worksAlone: boolean;
}

/** What a provider is given to open a session. */
export interface OpenRequest {
  readonly agent: Agent;
  /** The session to attach to; a new one when absent. */
  readonly sessionId: string | undefined;
  /** A conversation to go on from; only given to providers whose trait `history` is "here". */
  readonly history: readonly TranscriptMessage[] | undefined;
  /** What this provider provisioned, to make a new session from; undefined when the user gave nothing. */
  readonly provisioned?: ProvisionHandle | undefined;
  /** The value of the last `cursor` event on record for this session; undefined without one, or without a store. */
  readonly cursor: Json | undefined;
  /**
   * Takes the host's events, in order, each whole event exactly once. Synchronous and never throws, so that nothing
   * stands between the wire and the loop. After `close()` it ignores what it is given.
   */
  readonly emit: (event: HostEvent) => void;
  /**
   * Resolves once the last `cursor` emitted is durable, at once without a store: for a host to which a request must not
   * be sent twice, and which cannot be queried after a crash. Rejects when it could not be written.
   */
  readonly whenKept: () => Promise<void>;
  /** Makes a request to a model, where this process makes it, with the session's observers around it. */
  readonly aroundModel: <T>(request: ModelRequest, work: () => T) => T;
  /** Headers to send along with what is sent now, so that the host continues the run's trace; empty where nobody traces. */
  readonly traceContext: () => TraceContext;
  /** Aborted when the session closes or opening takes too long. */
  readonly signal: AbortSignal;
}

/** A session held with a loop host. */
export interface Connection {
  readonly sessionId: string;
  /**
   * Contract: resolves when the host has taken the inputs, all or none; what they cause arrives through `emit`.
   * Rejects with a LoophostError. A transient one promises that the host accepted none of the inputs: the loop then retries tool results.
   * Never reject with one after a lost response, unless you checked the host or a repeat is idempotent. A result the host already
   * has is a success.
   */
  send(inputs: readonly HostInput[], signal: AbortSignal): Promise<void>;
  /** Contract: emits events that were missed, from the host's history, before it resolves; else a no-op. */
  catchUp(): Promise<void>;
  /** The conversation so far, where this side holds it; else null. */
  transcript(): readonly TranscriptMessage[] | null;
  /** Contract: releases everything; never rejects; the session itself lives on at the host. */
  close(): Promise<void>;
}

/** What we send to a loop host. */
export type HostInput =
  | {
      readonly type: "message";
      readonly content: readonly ContentBlock[];
      /** Ours, unique in the session: names the message in `input.taken` and `turn.done`. Never sent to the host. */
      readonly id?: string | undefined;
    }
  /** A goal to work towards, instead of a message. */
  | { readonly type: "outcome"; readonly outcome: Outcome; readonly id?: string | undefined }
  /** Instructions from here on; follows the message or outcome it goes along with, in the same `send`. */
  | { readonly type: "system"; readonly text: string }
  | { readonly type: "tool_result"; readonly callId: string; readonly result: ToolResult }
  | {
      readonly type: "verdict";
      readonly callId: string;
      readonly allow: boolean;
      readonly why: string | undefined;
    }
  | { readonly type: "interrupt" }
  /** Continue a conversation that owes a reply (see `reply.owed`). */
  | { readonly type: "continue" }
  /** An event in the host's own form, passed on untouched. */
  | { readonly type: "raw"; readonly event: unknown };

/** Whether an input starts work at the host, which then appears in its history: a message or an outcome. */
export function isMessage(input: HostInput): input is Extract<HostInput, { type: "message" | "outcome" }> {
  return input.type === "message" || input.type === "outcome";
}

/** Inputs in groups: each message with the instructions that go along with it. */
export function byMessage(inputs: readonly HostInput[]): readonly (readonly HostInput[])[] {
  const groups: HostInput[][] = [];
  for (const input of inputs) {
    const last = groups.at(-1);
    if (last === undefined || isMessage(input)) groups.push([input]);
    else last.push(input);
  }
  return groups;
}

/** Events that go to the reader as they are; the loop takes no decision on them. */
export type PassedOnEvent =
  | TextDeltaEvent
  | ThinkingDeltaEvent
  | DeltasRetractedEvent
  | MessageEvent
  | ServerToolCalledEvent
  | ServerToolFinishedEvent
  | ContextCompactedEvent
  /** The loop counts the turns. */
  | Omit<ModelAskedEvent, "turn">
  | UsageEvent
  | OutcomeEvaluatedEvent
  | ThreadChangedEvent
  | RetryingEvent
  | StreamLostEvent
  | StreamRestoredEvent
  | ProviderEvent;

interface Raw {
  readonly raw?: unknown;
  readonly thread?: string | undefined;
}

/** Events the loop decides on. */
export type LoopEvent =
  /**
   * The host began to work on a message of ours: ends of turns from now on are its own. `inputId` is the id it was sent with;
   * without one it is taken for the message that was sent last, which is a race when another was sent just before.
   */
  | ({ readonly type: "input.taken"; readonly inputId?: string | undefined } & Raw)
  | ({ readonly type: "turn.began" } & Raw)
  /** The model called a tool of ours. `problem` says why the input could not be read, for the model to mend it. */
  | ({
      readonly type: "call";
      readonly id: string;
      readonly name: string;
      readonly input: unknown;
      readonly problem?: string;
      /**
       * A host tool that an external worker will execute. No `tool.called` is emitted for it, and it is
       * left to them unless `ifCallUnknown` says otherwise.
       */
      readonly isOthers?: boolean;
    } & Raw)
  /** A tool of the host's waits for a verdict. */
  | ({
      readonly type: "verdict.needed";
      readonly id: string;
      readonly name: string;
      readonly input: unknown;
    } & Raw)
  /** The host has the answer to a call, from us or from anybody, or wants none any more. */
  | ({ readonly type: "call.answered"; readonly id: string } & Raw)
  /**
   * The turn is over; `needs` names the calls that block it when the ending is "requires_action", and `inputId` the message it
   * answers, where the host tells: the end of another message's turn is then not taken for ours.
   */
  | ({
      readonly type: "turn.done";
      readonly ending: Ending;
      readonly stopReason: unknown;
      readonly details?: EndingDetails | undefined;
      readonly needs?: readonly string[];
      readonly inputId?: string | undefined;
    } & Raw)
  /**
   * The conversation ends with an unanswered message or result and nothing is working on it: a process died, or the
   * given history ends so. The loop answers with `continue` once a run begins. Not from hosts that run by themselves.
   */
  | { readonly type: "reply.owed" }
  /** A user message is in the host's log; emitted while history is replayed, once for each: after a crash the loop counts them to find out which message the host already has. */
  | { readonly type: "message.seen" }
  /** The session is over for good. */
  | ({
      readonly type: "session.over";
      readonly ending: Ending;
      readonly stopReason: unknown;
      readonly details?: EndingDetails | undefined;
    } & Raw)
  /** The turn failed; with `sessionOver`, so did the connection. */
  | { readonly type: "failed"; readonly error: LoophostError; readonly sessionOver: boolean }
  /** History replay begins: events until `catchup.ended` happened earlier, and nothing is decided before its end. */
  | { readonly type: "catchup.started" }
  | { readonly type: "catchup.ended" };

/** What goes into the journal and nowhere else; neither the loop nor the reader is told. */
export type RecordedEvent =
  | {
      readonly type: "transcript.added";
      readonly message: TranscriptMessage;
      /** Whether it is the message that was sent. */
      readonly isInput?: boolean | undefined;
      readonly usage?: Usage | undefined;
      /** How the turn ended, when this message ended it. */
      readonly end?: { readonly ending: Ending; readonly stopReason: unknown } | undefined;
    }
  | { readonly type: "transcript.replaced"; readonly messages: readonly TranscriptMessage[] }
  /**
   * A position at a host that does not replay its past: opaque to the loop, given back in `OpenRequest.cursor`. Emitted
   * before a `call`, it is durable before that call's tool starts.
   */
  | { readonly type: "cursor"; readonly value: Json };

/** What a loop host tells us. */
export type HostEvent = PassedOnEvent | LoopEvent | RecordedEvent;

const PASSED_ON: ReadonlySet<string> = new Set<PassedOnEvent["type"]>([
  "text.delta",
  "thinking.delta",
  "deltas.retracted",
  "message",
  "server_tool.called",
  "server_tool.finished",
  "context.compacted",
  "model.asked",
  "usage",
  "outcome.evaluated",
  "thread.changed",
  "retrying",
  "stream.lost",
  "stream.restored",
  "provider",
]);

const RECORDED: ReadonlySet<string> = new Set<RecordedEvent["type"]>([
  "transcript.added",
  "transcript.replaced",
  "cursor",
]);

/** Whether an event goes to the reader as it is. */
export function isPassedOn<T extends { readonly type: string }>(
  event: T,
): event is Extract<T, PassedOnEvent> {
  return PASSED_ON.has(event.type);
}

/** Whether an event is for the journal. */
export function isRecordedEvent(event: HostEvent): event is RecordedEvent {
  return RECORDED.has(event.type);
}
