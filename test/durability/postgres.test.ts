// Sessions over a database that is stopped at once while they work: no run fails, and no call becomes unknown.

import { setTimeout } from "node:timers/promises";

import { openSession } from "loophost";
import type { ModelFunction, ModelPart } from "loophost/providers/local";
import { local } from "loophost/providers/local";
import { describe, expect, it, onTestFinished } from "vitest";

import { openedStore } from "../stores/postgres/schemas.ts";
import { ownPostgres, skipped, whyNoPostgres } from "../stores/postgres/server.ts";
import { Ledger, noter, planned } from "./scenario.ts";

const SESSIONS = 20;
const TURNS = 14;

describe.skipIf(whyNoPostgres !== undefined)(`sessions in PostgreSQL${skipped}`, () => {
  it("come to their ends when the database is stopped at once under them and comes back", async () => {
    const server = await ownPostgres();
    onTestFinished(() => server.stop());
    const store = openedStore(server.url);
    await store.records.put("c", "k", 1);
    let turns = 0;
    let tellHalf = () => {};
    const isHalfDone = new Promise<void>((resolve) => (tellHalf = resolve));
    const work = async () => {
      const ledger = new Ledger();
      const plan = planned(TURNS);
      const model: ModelFunction = async (request, context) => {
        turns += 1;
        if (turns === (SESSIONS * TURNS) / 2) tellHalf();
        // So long that the database is away at every point of some session.
        await setTimeout(5);
        return plan(request, context) as string | readonly ModelPart[];
      };
      await using session = await openSession(noter(ledger), { provider: local({ model }), store });
      const result = await session.send("go").result();
      return { result, ledger };
    };
    const working = Array.from({ length: SESSIONS }, work);
    await Promise.race([isHalfDone, ...working]);
    await server.stop();
    await setTimeout(300);
    await server.start();
    for (const { result, ledger } of await Promise.all(working)) {
      // The sum holds what every call came to.
      const sum = (TURNS * 2 * (TURNS * 2 - 1)) / 2;
      expect(result).toMatchObject({ ending: "completed", turns: TURNS + 1, text: `sum ${sum}` });
      expect([ledger.executed.length, ledger.repeated]).toEqual([TURNS * 2, []]);
    }
  });
});
