import type { Store } from "loophost";
import { openSession } from "loophost";
import { local } from "loophost/providers/local";
import { memoryStore } from "loophost/stores/memory";
import { settleMicrotasks } from "loophost/testing";
import { describe, expect, it } from "vitest";

import { essence, Ledger, mortalStore, noter, planned } from "./scenario.ts";

const TURNS = 10;

/** Runs the session to its end, killed at a write and taken up by another process. */
async function killed(killAt: number, when: "before" | "after") {
  const kept: Store = memoryStore();
  const ledger = new Ledger();
  const agent = noter(ledger);
  const provider = () => local({ model: planned(TURNS) });
  const sessionId = "s1";
  const mortal = mortalStore(kept, killAt, when);
  const started = openSession(agent, { provider: provider(), store: mortal.store, sessionId }).then(
    (session) => session.send("go").result(),
  );
  const first = await Promise.race([started, died(mortal.isDead)]);
  if (first !== "died") return { result: first, ledger, writes: mortal.writes() };
  await using session = await openSession(agent, {
    provider: provider(),
    store: kept,
    sessionId,
    ifOwned: "take",
  });
  // Killed before the run was on record, the caller never had it; it is asked for again.
  const isOnRecord = (await kept.log.read(sessionId, 0, 1000)).some(({ entry }) =>
    JSON.stringify(entry).includes('"run.started"'),
  );
  const run = isOnRecord ? session.resume() : session.send("go");
  return { result: await run.result(), ledger, writes: mortal.writes() };
}

async function died(isDead: () => boolean): Promise<"died"> {
  while (!isDead()) await settleMicrotasks();
  await settleMicrotasks();
  return "died";
}

describe("a session of the in-process host, killed at a journal write and taken up again", () => {
  it.each(["before", "after"] as const)(
    "comes to the undisturbed end, every call run once: killed %s each write in turn [I2] [I3] [I4]",
    async (when) => {
      const undisturbed = await killed(Number.POSITIVE_INFINITY, when);
      expect(undisturbed.ledger.executed).toHaveLength(TURNS * 2);
      const wrong: { killAt: number; result: unknown; repeated: string[]; executed: number }[] = [];
      for (let killAt = 1; killAt <= undisturbed.writes; killAt += 1) {
        const { result, ledger } = await killed(killAt, when);
        const isRight = JSON.stringify(essence(result)) === JSON.stringify(essence(undisturbed.result));
        if (!isRight || ledger.repeated.length > 0 || ledger.executed.length !== TURNS * 2) {
          wrong.push({
            killAt,
            result: essence(result),
            repeated: ledger.repeated,
            executed: ledger.executed.length,
          });
        }
      }
      expect(wrong).toEqual([]);
    },
  );
});
