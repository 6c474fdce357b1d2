/**
 * The observer port: told every event of a session, and allowed to stand around what is executed and sent, since events
 * alone cannot put a context, such as a span, around the work they tell of.
 */

import type { Agent } from "./agent.ts";
import type { Clock } from "./clock.ts";
import type { SessionEvent } from "./events.ts";
import type { HostInput, Provider } from "./provider.ts";
import type { ToolCall } from "./results.ts";

/**
 * Watches sessions; every method may be left out. What one throws is dropped, here and in promises it returns, and a method
 * that stands around work cannot keep it from being done, do it twice, or change what it returns.
 */
export interface Observer {
  /** Told every event of every run, in order and synchronously, deltas and progress included. */
  event?(event: SessionEvent, about: About): void;
  /** Contract: calls `work` once, at once, and returns what it returns: an execution of a tool. */
  tool?<T>(call: ToolCall, about: About, work: () => T): T;
  /** Contract: the same around what is sent to the host: messages, results, an interrupt. */
  send?<T>(inputs: readonly HostInput[], about: About, work: () => T): T;
  /** Contract: the same around a request to a model, where this process makes it. */
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

/** Names and values a session bears, for whoever watches and for its tools. */
export type Metadata = Readonly<Record<string, string>>;
