/**
 * The observer port: observers get every event of a session, and wrap what is executed and sent, since events alone
 * cannot put a context, such as a span, around the work they are about.
 */

import type { Agent } from "./agent.ts";
import type { Clock } from "./clock.ts";
import type { SessionEvent } from "./events.ts";
import type { HostInput, Provider } from "./provider.ts";
import type { ToolCall } from "./results.ts";

/**
 * Watches sessions; every method is optional. What an observer throws or rejects with is dropped and counted, and a
 * method that wraps work cannot prevent it, repeat it, or change what it returns. Events and calls are no copies: whoever
 * writes into one changes the run.
 */
export interface Observer {
  /** Told every event of every run, in order and synchronously, deltas and progress included. */
  event?(event: SessionEvent, about: About): void;
  /** Wraps an execution of a tool. Contract: calls `work` once, at once, and returns what it returns. */
  tool?<T>(call: ToolCall, about: About, work: () => T): T;
  /** Wraps what is sent to the host: messages, results, an interrupt. The same contract. */
  send?<T>(inputs: readonly HostInput[], about: About, work: () => T): T;
  /** Wraps a request to a model, where this process makes it. The same contract. */
  model?<T>(request: ModelRequest, about: About, work: () => T): T;
  /** The context that continues the trace of the run, or of one call in it, in another process. */
  traceContext?(about: About, callId?: string): TraceContext | undefined;
}

/** What a session is about, the same object for a whole run. */
export interface About {
  readonly sessionId: string;
  /** The run under way, or the last; undefined before the first. */
  readonly runId: string | undefined;
  readonly agent: Agent;
  readonly provider: Pick<Provider, "name" | "traits" | "address">;
  /** What the session was opened with. */
  readonly metadata: Metadata;
  readonly clock: Clock;
  /** What `traceContext` gave in the process that began this run, for one that goes on with it. */
  readonly begunIn: TraceContext | undefined;
  /** How often an observer of this session has failed so far: what it threw was dropped. */
  readonly observerErrors: number;
}

/** A request to a model. */
export interface ModelRequest {
  /** The model's id, where it is known. */
  readonly model: string | undefined;
  /** The service, as OpenTelemetry's conventions name it: "anthropic", "openai"; undefined for a model of no service. */
  readonly service?: string | undefined;
}

/** Headers of W3C trace context, such as `traceparent`; empty where nobody traces. */
export type TraceContext = Readonly<Record<string, string>>;

/** Names and values attached to a session, for its observers and its tools. */
export type Metadata = Readonly<Record<string, string>>;
