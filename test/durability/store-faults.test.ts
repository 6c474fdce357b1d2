// A session over a store that fails, loses its reply, fills up or hangs, at every call in turn.

import type { Clock, SessionResult, Store } from "loophost";
import { LoophostError, openSession } from "loophost";
import { local } from "loophost/providers/local";
import { memoryStore } from "loophost/stores/memory";
import type { StoreFault } from "loophost/testing";
import { faultyStore, manualClock, settleMicrotasks } from "loophost/testing";
import { describe, expect, it } from "vitest";

import { essence, Ledger, noter, planned } from "./scenario.ts";

const TURNS = 3;
const sessionId = "s1";

/** What a process that works on the session comes to: its result, or why it had none. */
async function work(
  store: Store,
  ledger: Ledger,
  how: "send" | "resume",
  clock?: Clock,
): Promise<SessionResult | LoophostError> {
  try {
    const options = { provider: local({ model: planned(TURNS) }), store, sessionId, clock };
    await using session = await openSession(noter(ledger), { ...options, ifOwned: "take" });
    return await (how === "send" ? session.send("go") : session.resume()).result();
  } catch (thrown) {
    if (thrown instanceof LoophostError) return thrown;
    throw thrown;
  }
}

/** One call is never answered; then another process takes the session up, and at last the call is done after all. */
async function afterSilence(nth: number) {
  const kept = memoryStore();
  const ledger = new Ledger();
  const clock = manualClock();
  const silent = faultyStore({ ...kept, callTimeoutMs: 5_000 }, [{ nth, how: "hang" }]);
  const outcomes: (SessionResult | LoophostError)[] = [];
  const working = work(silent, ledger, "send", clock).then((outcome) => outcomes.push(outcome));
  for (let waited = 0; outcomes.length === 0 && waited <= 20_000; waited += 1_000) await clock.advance(1_000);
  const [first] = outcomes;
  if (first === undefined) return { first: new Error("it hangs"), last: undefined, ledger, late: undefined };
  await working;
  const entries = await kept.log.read(sessionId, 0, 1_000);
  const isOnRecord = entries.some(({ entry }) => JSON.stringify(entry).includes('"run.started"'));
  const last = await work(kept, ledger, isOnRecord ? "resume" : "send");
  silent.heal();
  await settleMicrotasks();
  return { first, last, ledger, late: await work(kept, ledger, "resume") };
}

/** One fault at one call; then the store is sound again, and another process takes the session up. */
async function afterFault(nth: number, how: StoreFault["how"]) {
  const kept = memoryStore();
  const ledger = new Ledger();
  const faulty = faultyStore(kept, [{ nth, how }]);
  const working = work(faulty, ledger, "send");
  if (how === "hang") {
    for (let round = 0; round < 20; round += 1) await settleMicrotasks();
    faulty.heal();
  }
  const first = await working;
  faulty.heal();
  if (!(first instanceof LoophostError)) return { first, last: first, ledger, calls: faulty.calls };
  const entries = await kept.log.read(sessionId, 0, 1_000);
  const isOnRecord = entries.some(({ entry }) => JSON.stringify(entry).includes('"run.started"'));
  const last = await work(kept, ledger, isOnRecord ? "resume" : "send");
  return { first, last, ledger, calls: faulty.calls };
}

describe("a session over a store that breaks", () => {
  it.each(["fail", "lose", "full", "hang"] as const)(
    "is told so in a typed error and comes to its end once the store is sound: %s, at each call in turn [I2] [I3]",
    async (how) => {
      const undisturbed = await afterFault(Number.POSITIVE_INFINITY, "fail");
      expect(undisturbed.ledger.executed).toHaveLength(TURNS * 2);
      const right = JSON.stringify(essence(undisturbed.first as SessionResult));
      const wrong: unknown[] = [];
      for (const [index, call] of undisturbed.calls.entries()) {
        const { first, last, ledger } = await afterFault(index + 1, how);
        const isTyped = !(first instanceof LoophostError) || first.code === "store_failed";
        const isRight = !(last instanceof LoophostError) && JSON.stringify(essence(last)) === right;
        const isOnce = ledger.repeated.length === 0 && ledger.executed.length === TURNS * 2;
        if (!isTyped || !isRight || !isOnce)
          wrong.push({
            nth: index + 1,
            call,
            first: String(first),
            last: String(last),
            executed: ledger.executed,
          });
      }
      expect(wrong).toEqual([]);
    },
  );

  it("gives a store that does not answer its time and no more, at each call in turn; what it does later changes nothing", async () => {
    const undisturbed = await afterFault(Number.POSITIVE_INFINITY, "fail");
    const right = JSON.stringify(essence(undisturbed.first as SessionResult));
    const wrong: unknown[] = [];
    for (const [index, call] of undisturbed.calls.entries()) {
      const { first, last, late, ledger } = await afterSilence(index + 1);
      const isSaid =
        !(first instanceof Error) ||
        /store_failed.*did not answer within 5000 ms/.test(
          `${(first as LoophostError).code} ${first.message}`,
        );
      const isRight = [last, late].every(
        (outcome) =>
          !(outcome instanceof Error) && outcome !== undefined && JSON.stringify(essence(outcome)) === right,
      );
      const isOnce = ledger.repeated.length === 0 && ledger.executed.length === TURNS * 2;
      if (!isSaid || !isRight || !isOnce)
        wrong.push({ nth: index + 1, call, first: String(first), last: String(last), late: String(late) });
    }
    expect(wrong).toEqual([]);
  });
});
