/**
 * Stops a session's machine, which is the only way to stop an agent at work: closing a connection stops nothing. What was
 * not kept in a memory or a mount is gone with it.
 */

import { withRetry, DEFAULT_RETRY } from "../../../core/async/retry.ts";
import type { Clock } from "../../../core/clock.ts";
import type { HarnessName } from "../api/arn.ts";
import type { Plane } from "../api/client.ts";
import { toHostError } from "../api/host-error.ts";
import { repeatable } from "./requests.ts";

/** Which session is stopped, and how it is reached. */
export interface StopRequest {
  readonly plane: Plane;
  readonly harness: HarnessName;
  readonly qualifier: string | undefined;
  readonly sessionId: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Stops it; one that is gone already is stopped. Repeated while that may help: stopping twice is stopping once.
 *
 * @throws LoophostError as `toHostError` says
 */
export async function stopSession(request: StopRequest): Promise<void> {
  const { plane, harness, qualifier, sessionId, clock, signal } = request;
  const input = {
    agentRuntimeArn: harness.arn,
    qualifier,
    runtimeSessionId: sessionId,
    clientToken: crypto.randomUUID(),
  };
  const doing = `Stopping session ${sessionId}`;
  try {
    await withRetry(() => plane.send("StopRuntimeSession", input, signal), {
      policy: DEFAULT_RETRY,
      clock,
      signal,
      toError: (thrown) => repeatable(toHostError(thrown, doing)),
    });
  } catch (thrown) {
    const error = toHostError(thrown, doing);
    if (error.status !== 404) throw error;
  }
}
