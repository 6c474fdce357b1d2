/** What the loop knows, what can happen to it, and what it asks its driver to do. Plain data; see machine.ts. */

import type { LoophostError } from "../errors.ts";
import type { SessionEvent } from "../events.ts";
import type { HostInput, LoopEvent, ProviderTraits } from "../provider.ts";
import type { RunEnd, ToolResult } from "../results.ts";

/** A call of the open turn, and how far it has come. */
export interface Call {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
  /** Why the input could not be parsed; undefined when it could. */
  readonly problem: string | undefined;
  /** Who runs it: a tool of ours ("tool"), the host once it has our verdict ("verdict"), or somebody else ("others"). */
  readonly kind: "tool" | "verdict" | "others";
  readonly status: "seen" | "running" | "asking" | "awaiting" | "answered" | "posting" | "posted";
  /** Whether somebody allowed it; then it is not asked about again. */
  readonly approved: boolean;
  /** The result or verdict to post, once there is one. */
  readonly answer: HostInput | undefined;
  readonly raw: unknown;
  /** The thread it came from, when that is not the main one. */
  readonly thread: string | undefined;
}

/** What a run is held to, whichever host it runs on. */
export interface RunPolicy {
  readonly maxTurns: number;
  /** Whether each turn waits for the guard's decision before anything follows from it. */
  readonly guarded: boolean;
  /** A tool the run may not end without having called. */
  readonly terminalTool: { readonly name: string; readonly maxReprompts: number } | undefined;
  /** Whether a completed run owes an output, which is checked before the run ends. */
  readonly owesOutput: boolean;
}

/** Everything the loop knows. Posted calls and old turns are removed, so the state does not grow with the session (no leak). */
export interface LoopState {
  readonly answers: ProviderTraits["answers"];
  readonly policy: RunPolicy;
  readonly runOpen: boolean;
  /** A run whose start is being written to the store: it can be cancelled, and nothing of it has been sent. */
  readonly starting: StartInput | undefined;
  /** What is to be sent once the turn under way is over: it outlives a run that is returned because it waits. */
  readonly pendingInput: readonly HostInput[];
  /** The id of the message the run sent last, as far as it has one. */
  readonly inputId: string | undefined;
  /** Whether the host has begun to work on this run's input, so that the end of a turn is ours. */
  readonly inputSeen: boolean;
  readonly turn: number;
  readonly turnOpen: boolean;
  /** Turns of this run before its latest input was taken: those before a re-prompt. */
  readonly turnsBefore: number;
  /** Whether the guard has not decided yet about the turn that ended. */
  readonly guarding: boolean;
  readonly reprompts: number;
  readonly terminalToolCalled: boolean;
  readonly output: "unchecked" | "checking" | "checked";
  /** Whether the conversation ends with something unanswered that nothing is working on, so that a run must send `continue`. */
  readonly replyOwed: boolean;
  readonly catchingUp: boolean;
  readonly interrupted: boolean;
  /**
   * Whether the run is released for another process as soon as nothing is under way here; with "turn", only after the
   * turn under way.
   */
  readonly suspended: false | "now" | "turn";
  readonly calls: readonly Call[];
  /** Calls the host waits for that we have not seen; null when it waits for none it named. */
  readonly missing: readonly string[] | null;
  readonly catchUpAsked: boolean;
  /** User messages in the host's log, as far as its past was read. */
  readonly messagesSeen: number;
  /** How the last turn ended, since the last message that was seen. */
  readonly lastEnd: Final | undefined;
  /** How the session ended for good. */
  readonly over: Final | undefined;
  /** The end that was reached, while posts that it overtook are still being confirmed. */
  readonly final: Final | undefined;
  /** The ids of the last `run.waiting`, to emit it once and not after every event (deduplicated). */
  readonly waitingOn: string;
}

/** How a run ends, before that is emitted. */
export interface Final extends RunEnd {
  /** What to send instead of ending, when the run may not end yet. */
  readonly reprompt?: readonly HostInput[] | undefined;
}

/** What is known of a run that is taken up after its process died. */
interface ResumedRun {
  readonly turns: number;
  /** Whether the host runs by itself: then a run that has not ended goes on there. */
  readonly runsElsewhere: boolean;
  readonly end: RunEnd | undefined;
}

/** A run is requested: nothing is sent before "started", but it can be cancelled from here on. */
export interface StartInput {
  readonly type: "start";
  readonly inputs: readonly HostInput[];
  readonly policy: RunPolicy;
  readonly resumed?: ResumedRun | undefined;
}

/** What can happen to the loop. */
export type LoopInput =
  | LoopEvent
  /** Messages on record that an earlier process did not get to send; they go out before any other. */
  | { readonly type: "unsent"; readonly inputs: readonly HostInput[] }
  | StartInput
  /** The start of the run is on record: what it sends may go out. */
  | { readonly type: "started" }
  | { readonly type: "approval.needed"; readonly id: string }
  | { readonly type: "answer.needed"; readonly id: string }
  | {
      readonly type: "decided";
      readonly id: string;
      readonly allow: boolean;
      readonly why: string | undefined;
    }
  | {
      readonly type: "finished";
      readonly id: string;
      readonly result: ToolResult;
      readonly durationMs: number;
      readonly replayed: boolean;
    }
  | { readonly type: "posted"; readonly ids: readonly string[] }
  | { readonly type: "post.failed"; readonly ids: readonly string[]; readonly error: LoophostError }
  | { readonly type: "caught.up" }
  /** The output is valid; one that is not comes as "stop". */
  | { readonly type: "output.checked" }
  /** The guard lets the run go on. */
  | { readonly type: "guarded" }
  | { readonly type: "interrupt" }
  /** Returns the run unfinished: its open calls and unsent messages stay for the run that resumes it. */
  | { readonly type: "park" }
  /** Drains: no tool is started, running ones are awaited, and the run is released for another process to resume. */
  | { readonly type: "suspend"; readonly awaitTurn: boolean }
  /** A call that was to be executed was not begun, because the session is suspended. */
  | { readonly type: "held"; readonly id: string }
  /** Ends the run with an error: its deadline, an abort, a guard. */
  | { readonly type: "stop"; readonly error: LoophostError };

/** What the driver has to do. */
export type Command =
  | { readonly do: "tell"; readonly event: SessionEvent }
  | { readonly do: "send"; readonly inputs: readonly HostInput[] }
  | { readonly do: "post"; readonly ids: readonly string[]; readonly inputs: readonly HostInput[] }
  | { readonly do: "execute"; readonly call: Call }
  | { readonly do: "cancel"; readonly ids: readonly string[] }
  | { readonly do: "catch up" }
  | { readonly do: "guard" }
  | { readonly do: "check output" }
  | ({ readonly do: "end" } & RunEnd)
  | { readonly do: "fail"; readonly error: LoophostError };

/** The loop before its first input. */
export function initialState(answers: ProviderTraits["answers"]): LoopState {
  return {
    answers,
    policy: {
      maxTurns: Number.POSITIVE_INFINITY,
      guarded: false,
      terminalTool: undefined,
      owesOutput: false,
    },
    runOpen: false,
    starting: undefined,
    pendingInput: [],
    inputId: undefined,
    inputSeen: false,
    turn: 0,
    turnOpen: false,
    turnsBefore: 0,
    guarding: false,
    reprompts: 0,
    terminalToolCalled: false,
    output: "unchecked",
    replyOwed: false,
    catchingUp: false,
    interrupted: false,
    suspended: false,
    calls: [],
    missing: null,
    catchUpAsked: false,
    messagesSeen: 0,
    lastEnd: undefined,
    over: undefined,
    final: undefined,
    waitingOn: "",
  };
}

/** Whether something is unfinished: a turn at the host, or a call of ours. */
export function isUnfinished({ turnOpen, missing, calls }: LoopState): boolean {
  return turnOpen || missing !== null || calls.some((call) => call.status !== "posted");
}
