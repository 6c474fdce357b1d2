/**
 * Waiting for something over there to become ready, or to be gone, by looking at it.
 *
 *   W1  one budget, on a monotonic clock, for everything a call waits for
 *   W2  another look is taken only when a whole interval still fits, so that there is time left to say how it ended
 *   W3  an error of a look is told as it is; once the budget is used up, as the timeout that it is
 */

import { sleep } from "../../../core/async/abort.ts";
import { contained } from "../../../core/async/contained.ts";
import type { Checks } from "../../../core/check-options.ts";
import { checkOptions, FUNCTION, must, SIGNAL } from "../../../core/check-options.ts";
import type { Clock } from "../../../core/clock.ts";
import { LoophostError } from "../../../core/errors.ts";
import type { StatusKind } from "./status.ts";
import { kindOf } from "./status.ts";

/** How long and how often to look. */
export interface WaitOptions {
  /** Milliseconds for all of it. Default 600 000: a harness takes two to five minutes. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds between looks. Default 5 000; with a `timeoutMs` a twelfth of it, between 50 and 5 000. */
  readonly pollMs?: number | undefined;
  /** Told of every look; what it throws is ignored. */
  readonly onProgress?: ((step: WaitStep) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How a harness is had. */
export interface EnsureOptions extends WaitOptions {
  /**
   * Milliseconds for deleting again what could not be made ready: a harness that is CREATING cannot be deleted. Default 300 000,
   * and 10 000 when the signal was aborted.
   */
  readonly rollbackMs?: number | undefined;
}

/** One look. */
export interface WaitStep {
  /** The id of the harness, with the name of the endpoint behind a slash where it is one. */
  readonly id: string;
  readonly phase: WaitPhase;
  /** As the service has it; undefined when it is gone. */
  readonly status: string | undefined;
  /** Looks so far, this one included. */
  readonly polls: number;
  readonly elapsedMs: number;
}

/** What is waited for; "rollback" is the deletion of what a failed call had made. */
export type WaitPhase = "ready" | "gone" | "rollback";

/** What a look finds. */
export interface Seen {
  readonly status: string;
  readonly failureReason?: unknown;
}

const TIMEOUT_MS = 600_000;
const POLL_MS = 5_000;

/** Endless waiting is refused: whatever runs this has a deadline of its own, and would end without a word on why. */
const WHOLE_MS = must(
  "a whole number of milliseconds above 0",
  (value) => Number.isSafeInteger(value) && Number(value) > 0,
);
const WAIT: Checks<EnsureOptions> = {
  timeoutMs: WHOLE_MS,
  pollMs: WHOLE_MS,
  rollbackMs: WHOLE_MS,
  onProgress: FUNCTION,
  signal: SIGNAL,
};

/** The time a call has, and how it is spent. */
export class Budget {
  readonly totalMs: number;
  readonly pollMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly #startedAt: number;
  readonly #onProgress: WaitOptions["onProgress"];

  /** @throws LoophostError `invalid_options` */
  constructor(clock: Clock, options: EnsureOptions) {
    checkOptions("waiting", options, WAIT);
    const { timeoutMs, pollMs, onProgress, signal } = options;
    this.clock = clock;
    this.totalMs = timeoutMs ?? TIMEOUT_MS;
    const twelfth = Math.min(POLL_MS, Math.max(50, this.totalMs / 12));
    this.pollMs = pollMs ?? (timeoutMs === undefined ? POLL_MS : twelfth);
    this.signal = signal ?? new AbortController().signal;
    this.#startedAt = clock.now();
    this.#onProgress = onProgress;
  }

  get elapsedMs(): number {
    return this.clock.now() - this.#startedAt;
  }

  get leftMs(): number {
    return Math.max(0, this.totalMs - this.elapsedMs);
  }

  tell(step: Omit<WaitStep, "elapsedMs">): void {
    contained(() => this.#onProgress?.({ ...step, elapsedMs: this.elapsedMs }));
  }
}

/** What is waited for. */
export interface Wait<T extends Seen> {
  /** In words, such as `Harness Demo-AbCdEf1234`. */
  readonly what: string;
  readonly id: string;
  readonly budget: Budget;
  /** Contract: one look, within so many milliseconds; undefined when it is gone. */
  readonly look: (leftMs: number) => Promise<T | undefined>;
}

/**
 * Waits until it is ready.
 *
 * @throws LoophostError `provision_timeout`; `provision_failed` when it failed, is being deleted, is gone, or has a status that
 *   is not known; whatever a look throws; `aborted`
 */
export async function waitUntilReady<T extends Seen>(wait: Wait<T>): Promise<T> {
  const seen = await poll(wait, "ready", (kind) => kind !== "in progress");
  if (seen !== undefined && kindOf(seen.status) === "ready") return seen;
  throw failed(wait.what, "does not become ready", seen);
}

/**
 * Waits until it is gone.
 *
 * @throws LoophostError `provision_timeout`; `provision_failed` when it could not be deleted; whatever a look throws; `aborted`
 */
export async function waitUntilGone<T extends Seen>(wait: Wait<T>): Promise<void> {
  const seen = await poll(wait, "gone", (kind) => kind === "failed" || kind === "unknown");
  if (seen !== undefined) throw failed(wait.what, "is not deleted", seen);
}

/** Looks until it is gone, or in a status that settles the matter. */
async function poll<T extends Seen>(
  { what, id, budget, look }: Wait<T>,
  phase: WaitPhase,
  settles: (kind: StatusKind) => boolean,
): Promise<T | undefined> {
  let last: string | undefined;
  for (let polls = 1; ; polls += 1) {
    let seen: T | undefined;
    try {
      seen = await look(budget.leftMs);
    } catch (thrown) {
      if (budget.signal.aborted || budget.leftMs > 0) throw thrown;
      throw tooLong(what, phase, last, budget, polls);
    }
    last = seen?.status;
    budget.tell({ id, phase, status: last, polls });
    if (seen === undefined || settles(kindOf(seen.status))) return seen;
    if (budget.leftMs < budget.pollMs) throw tooLong(what, phase, last, budget, polls);
    await sleep(budget.pollMs, budget.clock, budget.signal).catch(() => {
      throw new LoophostError(
        "aborted",
        `${what}: waiting for it was aborted; its last status was ${String(last)}.`,
      );
    });
  }
}

/** The error of a budget that is used up. */
export function tooLong(
  what: string,
  phase: WaitPhase,
  status: string | undefined,
  { totalMs, elapsedMs }: Budget,
  polls: number,
): LoophostError {
  const state = status === undefined ? "It was never seen" : `Its last status was ${status}`;
  return new LoophostError(
    "provision_timeout",
    `${what} is not ${phase} within ${totalMs} ms. ${state}, after ${polls} looks in ${Math.round(elapsedMs)} ms. ` +
      "Raise timeoutMs, or look at it in the console.",
    { hostCode: status, mayRetry: false },
  );
}

function failed(what: string, how: string, seen: Seen | undefined): LoophostError {
  const status = seen?.status;
  const { failureReason } = seen ?? {};
  const reason = typeof failureReason === "string" ? `: ${failureReason.slice(0, MAX_REASON_CHARS)}` : "";
  const known =
    status === undefined || kindOf(status) !== "unknown" ? "" : ", which is not a status that is known here";
  const state = status === undefined ? "it is gone" : `it is ${status.slice(0, MAX_STATUS_CHARS)}${known}`;
  return new LoophostError("provision_failed", `${what} ${how}: ${state}${reason}.`, {
    hostCode: status,
    mayRetry: false,
  });
}

const MAX_REASON_CHARS = 500;
const MAX_STATUS_CHARS = 64;
