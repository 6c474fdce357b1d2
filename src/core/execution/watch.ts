/** Stands between a session and its observers, and costs next to nothing where there are none. */

import type { SessionEvent } from "../events.ts";
import type { ModelRequest, TraceContext } from "../observer.ts";
import type { HostInput } from "../provider.ts";
import type { ToolCall } from "../results.ts";

/** What a session does in sight of its observers. */
export interface Watch {
  /** A run begins, or goes on that another process began. */
  begin(runId: string, begunIn: TraceContext | undefined): void;
  event(event: SessionEvent): void;
  tool<T>(call: ToolCall, work: () => T): T;
  send<T>(inputs: readonly HostInput[], work: () => T): T;
  model<T>(request: ModelRequest, work: () => T): T;
  /** What continues the trace of the run, or of a call in it; empty where nobody traces. */
  traceContext(callId?: string): TraceContext;
}

const alone = <T>(_: unknown, work: () => T): T => work();
const nothing = (): void => undefined;

/** The watch of a session nobody observes. */
export const UNWATCHED: Watch = {
  begin: nothing,
  event: nothing,
  tool: alone,
  send: alone,
  model: alone,
  traceContext: () => ({}),
};
