// The deadline of a store's calls.

import type { Store } from "loophost";
import { openSession } from "loophost";
import { local } from "loophost/providers/local";
import { memoryStore } from "loophost/stores/memory";
import { faultyStore, manualClock, settleMicrotasks } from "loophost/testing";
import { describe, expect, it } from "vitest";

import { withDeadlines } from "../../../src/core/async/store-deadline.ts";
import { Ledger, noter, planned } from "../../durability/scenario.ts";

const lease = { owner: "a test", ttlMs: Number.POSITIVE_INFINITY };

describe("a store with deadlines", () => {
  it("rejects a call that is not answered within 30 s, or what the store says, and leaves no timer", async () => {
    const clock = manualClock();
    const silent = faultyStore(memoryStore(), [{ how: "hang" }]);
    for (const [store, ms] of [
      [silent, 30_000],
      [{ ...silent, callTimeoutMs: 100 }, 100],
    ] as const) {
      let said: unknown;
      withDeadlines(store, clock)
        .records.get("a", "b")
        .catch((thrown: unknown) => (said = thrown));
      await clock.advance(ms - 1);
      expect(said).toBeUndefined();
      await clock.advance(1);
      expect(said).toMatchObject({ code: "store_failed", message: expect.stringContaining(`${ms} ms`) });
    }
    await withDeadlines(memoryStore(), clock).records.get("a", "b");
    expect(clock.waiting).toBe(0);
  });

  it("waits for ever where the store says so, and refuses a time that is none", async () => {
    const clock = manualClock();
    const silent = faultyStore({ ...memoryStore(), callTimeoutMs: Number.POSITIVE_INFINITY }, [
      { how: "hang" },
    ]);
    const asked = withDeadlines(silent, clock).records.get("a", "b");
    await clock.advance(86_400_000);
    silent.heal();
    expect(await asked).toBeUndefined();
    for (const callTimeoutMs of [0, -1, Number.NaN])
      expect(() => withDeadlines({ ...memoryStore(), callTimeoutMs }, clock)).toThrow(/callTimeoutMs/);
  });

  it("releases a log that was claimed too late: it would keep others out until its lease lapses", async () => {
    const clock = manualClock();
    const kept = memoryStore();
    const silent = faultyStore(kept, [{ on: "log.claim", how: "hang" }]);
    const claimed = withDeadlines(silent, clock).log.claim("s1", lease);
    await Promise.all([
      expect(claimed).rejects.toMatchObject({ code: "store_failed" }),
      clock.advance(30_000),
    ]);
    silent.heal();
    await settleMicrotasks();
    expect(await kept.log.claim("s1", lease)).toBeGreaterThan(1);
  });

  it("ends the opening of a session that is aborted meanwhile at once", async () => {
    const kept = memoryStore();
    for (const on of ["log.claim", "log.read", "records.get"] as const) {
      const silent: Store = faultyStore(kept, [{ on, how: "hang" }]);
      const stop = new AbortController();
      const options = { provider: local({ model: planned(1) }), store: silent, sessionId: "s1" };
      const opening = openSession(noter(new Ledger()), { ...options, signal: stop.signal, ifOwned: "take" });
      await settleMicrotasks();
      stop.abort();
      await expect(opening).rejects.toMatchObject({ code: "aborted" });
    }
  });
});
