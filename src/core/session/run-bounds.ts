/** Stops a run from this side: its policy for the loop, its timeout, and its caller's signal. */

import type { Agent } from "../agent.ts";
import { onAbort } from "../async/abort.ts";
import { deadline } from "../async/deadline.ts";
import type { Clock } from "../clock.ts";
import { LoophostError } from "../errors.ts";
import type { RunPolicy } from "../loop/state.ts";

/** Crash loop: processes in a row that may resume a run and die before they record anything of it. */
export const MAX_LIVES: number = 10;
/**
 * As long as a lease keeps others out. More time between two processes may as well be clock skew, by which a run would be over as
 * soon as a machine whose clock is ahead takes it up.
 */
const MAX_GAP_MS = 30_000;

/** How much of the time since the last that is on record of a run counts for it; none where that is that it waits for somebody. */
export function gapOf(now: number, since: number | undefined = now): number {
  return Math.max(0, Math.min(now - since, MAX_GAP_MS));
}

/** What the loop holds a run of this agent to. */
export function policyOf({ limits, terminalTool, output }: Agent, guarded: boolean): RunPolicy {
  return { maxTurns: limits.maxTurns, guarded, owesOutput: output !== undefined, terminalTool };
}

/** Stops a run at its deadline, or when its signal aborts, at once if it has; the returned function removes both listeners. */
export function boundRun(
  {
    leftMs,
    limitMs,
    signal,
    clock,
  }: {
    readonly leftMs: number;
    readonly limitMs: number;
    readonly signal: AbortSignal | undefined;
    readonly clock: Clock;
  },
  stop: (error: LoophostError) => unknown,
): () => void {
  const late = () => stop(tooLong(limitMs));
  const cancelDeadline = leftMs > 0 ? deadline(clock, leftMs, late) : undefined;
  if (cancelDeadline === undefined) late();
  const unlink = onAbort([signal], (cause) => stop(aborted(cause)));
  return () => {
    cancelDeadline?.();
    unlink();
  };
}

/** The error of a run whose signal aborted: our own timeout is one already. */
export function aborted(cause: unknown): LoophostError {
  return isTimeout(cause) ? cause : new LoophostError("aborted", "The run was aborted.", { cause });
}

/** Whether a signal was aborted by our own timeout. */
export function isTimeout(reason: unknown): reason is LoophostError {
  return reason instanceof LoophostError && reason.code === "timeout";
}

/** The error of a run that took too long. */
export function tooLong(timeoutMs: number): LoophostError {
  return new LoophostError(
    "timeout",
    `The run did not end within ${timeoutMs} ms. Raise limits.runTimeoutMs.`,
  );
}

/** The error of a run whose processes all died. */
export function workerLost(): LoophostError {
  return new LoophostError(
    "worker_lost",
    `${MAX_LIVES} processes that took this run up ended with nothing recorded.`,
  );
}
