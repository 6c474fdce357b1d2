import { afterEach, describe, expect, it, vi } from "vitest";

import type { RetryPolicy } from "../../../src/core/async/retry.ts";
import { backoffMs, DEFAULT_RETRY, withRetry } from "../../../src/core/async/retry.ts";
import { LoophostError, toLoophostError } from "../../../src/core/errors.ts";
import { manualClock, settleMicrotasks } from "../../../src/testing/manual-clock.ts";

const overloaded = new LoophostError("host_failed", "Overloaded.", { status: 529 });
const refused = new LoophostError("host_rejected", "Bad request.", { status: 400 });

/** An error of a host that says when to come back. */
function busyFor(retryAfterMs: number): LoophostError {
  return new LoophostError("host_rejected", "Slow down.", { status: 429, retryAfterMs });
}

/** Tries work that fails with each of these in turn, and then succeeds. */
function tryThrough(failures: readonly unknown[], policy: Partial<RetryPolicy> = {}) {
  const clock = manualClock();
  const cancel = new AbortController();
  const onRetry = vi.fn<(attempt: number, delayMs: number, error: LoophostError) => void>();
  const left = [...failures];
  const work = vi.fn<(attempt: number) => Promise<string>>(async () => {
    if (left.length > 0) throw left.shift();
    return "done";
  });
  const outcome = withRetry(work, {
    policy: { ...DEFAULT_RETRY, ...policy },
    clock,
    signal: cancel.signal,
    toError: (thrown) => toLoophostError(thrown, "host_unreachable", "It failed"),
    onRetry,
  });
  outcome.catch(() => undefined); // looked at later, when time has passed
  return { outcome, work, onRetry, clock, cancel };
}

afterEach(() => vi.restoreAllMocks());

describe("trying again", () => {
  it("does not happen when the work succeeds", async () => {
    const { outcome, work, onRetry } = tryThrough([]);
    expect(await outcome).toBe("done");
    expect(work).toHaveBeenCalledExactlyOnceWith(1);
    expect(onRetry).not.toHaveBeenCalled();
  });

  it("happens after waits that double, each told of before", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0); // no jitter
    const { outcome, work, onRetry, clock } = tryThrough([overloaded, overloaded]);
    await settleMicrotasks();
    expect(onRetry).toHaveBeenCalledExactlyOnceWith(1, 1_000, overloaded);
    await clock.advance(999);
    expect(work).toHaveBeenCalledTimes(1);
    await clock.advance(1);
    expect(work).toHaveBeenCalledTimes(2);
    await clock.advance(1_999);
    expect(work).toHaveBeenCalledTimes(2);
    await clock.advance(1);
    expect(await outcome).toBe("done");
    expect(work.mock.calls).toEqual([[1], [2], [3]]);
    expect(clock.waiting).toBe(0);
  });

  it("ends when the tries are used up, with the last error", async () => {
    const last = new LoophostError("host_failed", "Still overloaded.", { status: 503 });
    const { outcome, work, clock } = tryThrough([overloaded, overloaded, overloaded, last]);
    await clock.advance(60_000);
    await expect(outcome).rejects.toBe(last);
    expect(work).toHaveBeenCalledTimes(4);
  });

  it("does not happen for what another try cannot help", async () => {
    const { outcome, work, onRetry } = tryThrough([refused]);
    await expect(outcome).rejects.toBe(refused);
    expect(work).toHaveBeenCalledOnce();
    expect(onRetry).not.toHaveBeenCalled();
  });

  it("judges what was thrown by the typed error made of it", async () => {
    const { outcome, onRetry, clock } = tryThrough([new Error("socket hang up")]);
    await clock.advance(1_000);
    expect(await outcome).toBe("done");
    expect(onRetry.mock.calls[0]?.[2]).toMatchObject({
      code: "host_unreachable",
      message: "It failed: socket hang up",
    });
  });
});

describe("a host that says when to come back", () => {
  it("is taken at its word, to the millisecond", async () => {
    const { outcome, work, onRetry, clock } = tryThrough([busyFor(12_345), busyFor(0)]);
    await clock.advance(12_344);
    expect(work).toHaveBeenCalledTimes(1);
    await clock.advance(1);
    expect(await outcome).toBe("done");
    expect(onRetry.mock.calls.map(([, delayMs]) => delayMs)).toEqual([12_345, 0]);
  });

  it("is not waited for longer than the caller would put up with", async () => {
    const tooLong = busyFor(60_001);
    const { outcome, work } = tryThrough([tooLong]);
    await expect(outcome).rejects.toBe(tooLong);
    expect(work).toHaveBeenCalledOnce();
  });
});

describe("an abort", () => {
  it("ends the wait at once, with its reason, and leaves no timer [I12]", async () => {
    const { outcome, work, clock, cancel } = tryThrough([overloaded]);
    await settleMicrotasks();
    expect(clock.waiting).toBe(1);
    const reason = new Error("closing");
    cancel.abort(reason);
    await expect(outcome).rejects.toBe(reason);
    expect(clock.waiting).toBe(0);
    expect(work).toHaveBeenCalledOnce();
  });

  it("during a try makes it the last", async () => {
    const clock = manualClock();
    const cancel = new AbortController();
    const work = vi.fn<() => Promise<string>>(async () => {
      cancel.abort();
      throw overloaded;
    });
    const toError = () => overloaded;
    const outcome = withRetry(work, { policy: DEFAULT_RETRY, clock, signal: cancel.signal, toError });
    await expect(outcome).rejects.toBe(overloaded);
    expect(work).toHaveBeenCalledOnce();
    expect(clock.waiting).toBe(0);
  });
});

describe("the wait before another try", () => {
  it("doubles, jittered by up to a quarter, up to its limit", () => {
    const policy = { firstDelayMs: 1_000, maxDelayMs: 30_000 };
    const delays = (random: number) => {
      vi.spyOn(Math, "random").mockReturnValue(random);
      return [1, 2, 3, 6, 2_000].map((attempt) => backoffMs(attempt, policy));
    };
    expect(delays(0)).toEqual([1_000, 2_000, 4_000, 30_000, 30_000]);
    expect(delays(1)).toEqual([750, 1_500, 3_000, 22_500, 22_500]);
  });
});
