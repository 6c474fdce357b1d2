// Runs that are interrupted while a tool runs or a model is asked, by who runs them and by who takes them over.

import { readLog } from "loophost/stores/sessions";
import { expect } from "vitest";

import type { Where } from "./world.ts";
import { World } from "./world.ts";

const ID = "s";

/** Interrupts, wherever it may be: nothing more is asked of the model, and no tool begins. Gives the number of cases. */
export async function interruptEverywhere(where: Where): Promise<number> {
  let cases = 0;
  for (const [what, begins] of [
    ['call slow {"ms":5000}', "slow begun"],
    ['call charge {"of":"a"} slow {"ms":5000}', "slow begun"],
    ["wait", "asked"],
  ] as const)
    for (const isKilled of [false, true])
      for (const ifCrashed of isKilled ? ([undefined, "rerun"] as const) : [undefined]) {
        cases += 1;
        const world = new World("SQLite", ifCrashed, where);
        const chat = await world.process().app.create("shop", { id: ID });
        await chat.send(what, { key: "1" });
        const worker = world.process();
        await worker.app.work();
        const isAt = () => (begins === "asked" ? world.asked > 0 : world.ledger.includes(begins));
        await world.until(() => isAt() || undefined);
        if (isKilled) worker.view.kill();
        const before = [...world.ledger];
        await chat.interrupt();
        if (isKilled) await world.process().app.work();
        await world.until(async () => ((await chat.summary())?.status === "idle" ? true : undefined));
        for (let second = 0; second < 3; second += 1) await world.clock.advance(1_000);
        const about = `${what}, killed: ${isKilled}, ${ifCrashed}`;
        expect.soft(world.asked, about).toBe(1);
        const began = world.ledger.filter((done) => done !== "slow done");
        expect.soft(began, about).toEqual(before);
        const ended = await lastOf(world);
        expect.soft(ended, about).toMatchObject({ type: "run.ended", ending: "interrupted" });
      }
  return cases;
}

async function lastOf(world: World): Promise<unknown> {
  let last: unknown;
  for await (const { entry } of readLog(world.store, ID)) last = entry;
  return last;
}
