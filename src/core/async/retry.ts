/** Retries with exponential backoff and jitter: one policy, one predicate, for everything that goes over a wire. */

import type { Clock } from "../clock.ts";
import type { LoophostError } from "../errors.ts";
import { isTransient } from "../errors.ts";
import { withoutUndefined } from "../json.ts";
import { sleep } from "./abort.ts";

/** How often to retry, and how long to wait. */
export interface RetryPolicy {
  /** Tries in all, the first included. Default 4. */
  readonly attempts: number;
  /** Milliseconds before the second try; doubled each time. Default 1000. */
  readonly firstDelayMs: number;
  /** Milliseconds before a try, at most. Default 30 000. */
  readonly maxDelayMs: number;
  /**
   * Milliseconds a host may ask us to wait; one that asks for more gets the error instead, so that the caller is not left
   * hanging. Default 60 000.
   */
  readonly maxRetryAfterMs: number;
}

/** Four tries over some seven seconds, and up to a minute when the host asks for it. */
export const DEFAULT_RETRY: RetryPolicy = {
  attempts: 4,
  firstDelayMs: 1_000,
  maxDelayMs: 30_000,
  maxRetryAfterMs: 60_000,
};

/** The default policy with some of its values replaced. */
export function retryPolicy(
  changes: Partial<Record<keyof RetryPolicy, number | undefined>> = {},
): RetryPolicy {
  return { ...DEFAULT_RETRY, ...withoutUndefined(changes) };
}

/** The wait before another try, jittered by up to a quarter so that many clients do not come back as one. */
export function backoffMs(attempt: number, policy: Pick<RetryPolicy, "firstDelayMs" | "maxDelayMs">): number {
  return Math.min(policy.firstDelayMs * 2 ** (attempt - 1), policy.maxDelayMs) * (1 - Math.random() / 4);
}

/**
 * Runs `work` until it succeeds, fails for good, or the tries are used up.
 *
 * @param toError turns what was thrown into a typed error, which says whether another try may help
 * @param onRetry told before each wait
 */
export async function withRetry<T>(
  work: (attempt: number) => Promise<T>,
  options: {
    readonly policy: RetryPolicy;
    readonly clock: Clock;
    readonly signal: AbortSignal;
    readonly toError: (thrown: unknown) => LoophostError;
    readonly onRetry?: ((attempt: number, delayMs: number, error: LoophostError) => void) | undefined;
  },
): Promise<T> {
  const { policy, clock, signal, toError, onRetry } = options;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work(attempt);
    } catch (thrown) {
      const error = toError(thrown);
      const asked = error.retryAfterMs;
      const hopeless = signal.aborted || !isTransient(error) || attempt >= policy.attempts;
      if (hopeless || (asked !== undefined && asked > policy.maxRetryAfterMs)) throw error;
      const delayMs = asked ?? backoffMs(attempt, policy);
      onRetry?.(attempt, delayMs, error);
      await sleep(delayMs, clock, signal);
    }
  }
}
