/** Stands between a session and its observers, and costs next to nothing where there are none. */

import type { SessionEvent } from "../events.ts";
import type { Command, LoopInput } from "../loop/state.ts";
import type { ModelRequest, TraceContext } from "../observer.ts";
import type { HostInput, ProviderTraits } from "../provider.ts";
import type { ToolCall } from "../results.ts";

/** What a session does in sight of its observers. */
export interface Watch {
  /** The session has its id; a run of it begins, or goes on that another process began. */
  begin(sessionId: string, runId?: string, begunIn?: TraceContext): void;
  /** The loop took a step. */
  step(answers: ProviderTraits["answers"], input: LoopInput, commands: readonly Command[]): void;
  event(event: SessionEvent): void;
  tool<T>(call: ToolCall, work: () => T): T;
  send<T>(inputs: readonly HostInput[], work: () => T): T;
  model<T>(request: ModelRequest, work: () => T): T;
  /** What continues the trace of the run, or of a call in it; undefined where nobody traces. */
  traceContext(callId?: string): TraceContext | undefined;
}

const alone = <T>(_: unknown, work: () => T): T => work();
const nothing = (): undefined => undefined;

/** The watch of a session nobody observes. */
export const UNWATCHED: Watch = {
  begin: nothing,
  step: nothing,
  event: nothing,
  tool: alone,
  send: alone,
  model: alone,
  traceContext: nothing,
};
