/**
 * The events of a session: one closed union, the same for every loop host.
 *
 * Normalising adds, never replaces: where an event came from the host, the host's own rides along as `raw`;
 * what we do not know passes through as `provider`.
 */

import type { ErrorCode } from "./errors.ts";
import type { Json } from "./json.ts";
import type { Ending, EndingDetails, Money, OutcomeVerdict, Terminal, ToolResult, Usage } from "./results.ts";

interface FromHost {
  /** The host's event, untouched. */
  readonly raw?: unknown;
  /** The host's id of the agent thread this happened in, when it is not the main one. */
  readonly thread?: string | undefined;
}

/** A run began. Always the first event of a run. */
export interface RunStartedEvent {
  readonly type: "run.started";
  readonly runId: string;
  readonly sessionId: string;
}

/** The host began a turn; counted from 1 in each run. */
export interface TurnStartedEvent extends FromHost {
  readonly type: "turn.started";
  readonly turn: number;
}

/** A piece of text while the agent writes. The whole text follows as `message`, and replaces the pieces. */
export interface TextDeltaEvent extends FromHost {
  readonly type: "text.delta";
  readonly text: string;
  /** The id of the message it is a piece of, where the host may write several at once. */
  readonly messageId?: string | undefined;
  /** Which block of that message. */
  readonly index?: number | undefined;
}

/** A piece of the agent's thinking while it thinks. */
export interface ThinkingDeltaEvent extends FromHost {
  readonly type: "thinking.delta";
  readonly text: string;
}

/** Discard the deltas since the last whole event: the host starts that message again. */
export interface DeltasRetractedEvent extends FromHost {
  readonly type: "deltas.retracted";
  readonly reason: string;
}

/** A whole message of the agent. */
export interface MessageEvent extends FromHost {
  readonly type: "message";
  readonly text: string;
  /** The host's id of it, where its deltas name it. */
  readonly id?: string | undefined;
}

/** The model called one of our tools. */
export interface ToolCalledEvent extends FromHost {
  readonly type: "tool.called";
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

/** A tool began to execute here. */
export interface ToolStartedEvent {
  readonly type: "tool.started";
  readonly id: string;
  readonly name: string;
}

/**
 * Progress of a tool call, as its tool reports it. Neither journalled nor in results; while unread, the newest of a
 * call replaces the one before (bounded).
 */
export interface ToolProgressEvent {
  readonly type: "tool.progress";
  readonly id: string;
  readonly name: string;
  /** What the tool gave to `context.progress()`, as JSON would keep it. */
  readonly progress: Json;
}

/** A call has its result. `replayed` when it came from the journal and nothing was executed. */
export interface ToolFinishedEvent {
  readonly type: "tool.finished";
  readonly id: string;
  readonly name: string;
  readonly result: ToolResult;
  readonly durationMs: number;
  readonly replayed: boolean;
}

/** The host has the result of a call. */
export interface ToolPostedEvent {
  readonly type: "tool.posted";
  readonly id: string;
}

/**
 * A call needs approval (human in the loop) and does not run without: answer with `session.approve(id)` or
 * `session.deny(id)`.
 */
export interface ApprovalRequestedEvent extends FromHost {
  readonly type: "approval.requested";
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

/**
 * The run waits for a person: nothing continues until these calls are approved, denied or answered. Each call is here
 * in full, so that whoever decides sees all of its input.
 */
export interface RunWaitingEvent {
  readonly type: "run.waiting";
  readonly on: readonly WaitingCall[];
}

/** A call that waits for somebody, with the whole input it would run with. */
export interface WaitingCall {
  readonly id: string;
  readonly what: "approval" | "answer";
  readonly name: string;
  readonly input: unknown;
}

/** The host called a tool of its own. Observed, never run here. */
export interface ServerToolCalledEvent extends FromHost {
  readonly type: "server_tool.called";
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

/** A tool of the host's finished. */
export interface ServerToolFinishedEvent extends FromHost {
  readonly type: "server_tool.finished";
  readonly id: string;
  readonly isError: boolean;
}

/** The conversation was made smaller. `dropped` holds what the model no longer sees, as far as this side held it. */
export interface ContextCompactedEvent extends FromHost {
  readonly type: "context.compacted";
  readonly messagesBefore?: number | undefined;
  readonly messagesAfter?: number | undefined;
  readonly dropped?: readonly unknown[] | undefined;
}

/** A model is asked; `usage` tells when it has answered, or failed to. */
export interface ModelAskedEvent extends FromHost {
  readonly type: "model.asked";
  readonly turn: number;
  /** The model's id, where the host tells. */
  readonly model?: string | undefined;
  /** The service it is asked at, such as "anthropic", where the host knows. */
  readonly service?: string | undefined;
}

/** Tokens were spent: what is new since the last such event. */
export interface UsageEvent extends FromHost {
  readonly type: "usage";
  readonly usage: Usage;
  /** The model that spent them, where the host tells. */
  readonly model?: string | undefined;
  /** Whether the request to the model failed; what it spent is then often unknown, and told as 0. */
  readonly isError?: boolean | undefined;
  /** What the whole session has cost so far, by the host's list prices. */
  readonly cost?: Money | undefined;
}

/** A grader judged the work towards an outcome. */
export interface OutcomeEvaluatedEvent extends FromHost, OutcomeVerdict {
  readonly type: "outcome.evaluated";
  readonly outcomeId: string;
}

/** A sub-agent of the host started, became idle or ended. Its id is in `thread`. */
export interface ThreadChangedEvent extends FromHost {
  readonly type: "thread.changed";
  readonly agentName: string;
  readonly status: "created" | "running" | "idle" | "rescheduled" | "terminated";
}

/** The turn is over. */
export interface TurnEndedEvent extends FromHost {
  readonly type: "turn.ended";
  readonly turn: number;
  readonly terminal: Terminal;
  readonly ending: Ending;
  readonly stopReason: unknown;
  readonly details?: EndingDetails | undefined;
}

/** A request to the host failed and is retried after a delay (backoff). */
export interface RetryingEvent extends FromHost {
  readonly type: "retrying";
  readonly attempt: number;
  readonly delayMs: number;
  readonly reason: string;
}

/** The event stream broke and is being reconnected. */
export interface StreamLostEvent {
  readonly type: "stream.lost";
  readonly reason: string;
}

/** The event stream is reconnected, and the events missed meanwhile have been emitted. */
export interface StreamRestoredEvent {
  readonly type: "stream.restored";
}

/** An event of the host that has no type of its own here, untouched. */
export interface ProviderEvent extends FromHost {
  readonly type: "provider";
}

/** The run reached a terminal. Always the last event of a run that did. */
export interface RunEndedEvent {
  readonly type: "run.ended";
  readonly terminal: Terminal;
  readonly ending: Ending;
  readonly stopReason: unknown;
  readonly details?: EndingDetails | undefined;
}

/** The run failed. The last event of such a run; the iterator and `result()` then throw the error itself. */
export interface RunFailedEvent {
  readonly type: "run.failed";
  readonly code: ErrorCode;
  readonly message: string;
}

/** Everything that can happen in a session. */
export type SessionEvent =
  | RunStartedEvent
  | TurnStartedEvent
  | TextDeltaEvent
  | ThinkingDeltaEvent
  | DeltasRetractedEvent
  | MessageEvent
  | ToolCalledEvent
  | ToolStartedEvent
  | ToolProgressEvent
  | ToolFinishedEvent
  | ToolPostedEvent
  | ApprovalRequestedEvent
  | RunWaitingEvent
  | ServerToolCalledEvent
  | ServerToolFinishedEvent
  | ContextCompactedEvent
  | ModelAskedEvent
  | UsageEvent
  | OutcomeEvaluatedEvent
  | ThreadChangedEvent
  | TurnEndedEvent
  | RetryingEvent
  | StreamLostEvent
  | StreamRestoredEvent
  | ProviderEvent
  | RunEndedEvent
  | RunFailedEvent;

/** The events that are pieces of a whole one still to come. */
export type DeltaEvent = TextDeltaEvent | ThinkingDeltaEvent;

/** Whether an event is a piece of a whole one still to come. */
export function isDelta(event: { readonly type: string }): event is DeltaEvent {
  return event.type === "text.delta" || event.type === "thinking.delta";
}
