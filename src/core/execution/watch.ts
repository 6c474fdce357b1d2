/**
 * The hooks through which a session reaches its observers: no-ops without any, so that an unobserved session pays
 * nothing.
 */

import type { SessionEvent } from "../events.ts";
import type { Command, LoopInput } from "../loop/state.ts";
import type { ModelRequest, TraceContext } from "../observer.ts";
import type { HostInput, ProviderTraits } from "../provider.ts";
import type { ToolCall } from "../results.ts";

/** What a session reports to its observers. */
export interface Watch {
  /** The session has its id; a run of it begins, or goes on that another process began. */
  begin(sessionId: string, runId?: string, begunIn?: TraceContext): void;
  /** The loop took a step. */
  step(answers: ProviderTraits["answers"], input: LoopInput, commands: readonly Command[]): void;
  event(event: SessionEvent): void;
  tool<T>(call: ToolCall, work: () => T): T;
  send<T>(inputs: readonly HostInput[], work: () => T): T;
  model<T>(request: ModelRequest, work: () => T): T;
  /** The headers that continue the trace of the run, or of a call in it; undefined without a tracer. */
  traceContext(callId?: string): TraceContext | undefined;
}

const alone = <T>(_: unknown, work: () => T): T => work();
const nothing = (): undefined => undefined;

/** The hooks of a session without observers. */
export const UNWATCHED: Watch = {
  begin: nothing,
  step: nothing,
  event: nothing,
  tool: alone,
  send: alone,
  model: alone,
  traceContext: nothing,
};
