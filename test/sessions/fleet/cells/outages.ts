// What happens to the database and to the engine: stopped at once, killed, emptied, and back.

import { setTimeout } from "node:timers/promises";

import type { Fleet } from "../fleet.ts";
import { judge, together } from "../judge.ts";
import type { Cell, CellRun } from "./cell.ts";
import { checks, inPostgres, STEPS, withRestate } from "./cell.ts";

/** Sessions that run and sessions that are parked, something that happens under two workers that live, and what is left. */
async function under(fleet: Fleet, { afterMs }: CellRun, happens: () => Promise<void>) {
  const { wrong, check } = checks();
  const parked = await fleet.ask(4, ["call refund {}"], "parked");
  await fleet.begin();
  await fleet.begin();
  const calls = await fleet.waiting(parked);
  const running = await fleet.ask(10, STEPS);
  await setTimeout(afterMs);
  await happens();
  await Promise.all(parked.map((chat, index) => chat.approve(calls[index] ?? "")));
  await fleet.idle(running, STEPS.length);
  await fleet.idle(parked, 1);
  const outcome = together(await judge(fleet, running, STEPS.length), await judge(fleet, parked, 1));
  const { unknown, rerun } = outcome;
  check(unknown + rerun === 0, `${unknown} running tools became unknown, ${rerun} ran again`);
  return { ...outcome, wrong };
}

/** A cell in which Restate is killed under the workers, and started again by a function. */
function killsRestate(what: string, start: (restate: Restate) => Promise<unknown>): Cell {
  return {
    what,
    isIn: withRestate,
    runs: 5,
    isOutage: true,
    play: (fleet, run) =>
      under(fleet, run, async () => {
        const restate = await fleet.places.restate();
        await restate.kill();
        await start(restate);
      }),
  };
}

type Restate = Awaited<ReturnType<Fleet["places"]["restate"]>>;

/** The cells. */
export const outageCells: Readonly<Record<string, Cell>> = {
  K9: {
    what: "the database is stopped at once, and back",
    isIn: inPostgres,
    runs: 5,
    isOutage: true,
    async play(fleet, run) {
      const outcome = await under(fleet, run, async () => {
        const server = await fleet.places.postgres();
        await server.stop();
        await setTimeout(1_000);
        await server.start();
      });
      // For so long after its start a free lock says nothing: the next cell's dead worker would be missed late.
      await setTimeout(5_000);
      return outcome;
    },
  },
  "K11 killed": killsRestate("Restate is killed, and back", async (restate) => {
    await setTimeout(500);
    await restate.start();
  }),
  "K11 node": {
    what: "one of the three nodes of Restate is killed, and back when all is done",
    isIn: withRestate,
    runs: 5,
    isOutage: true,
    isFullOnly: true,
    isOnCluster: true,
    async play(fleet, run) {
      const { nodes } = await fleet.places.cluster();
      const node = nodes[run.run % nodes.length];
      try {
        return await under(fleet, run, async () => node?.kill());
      } finally {
        await node?.kill();
        await node?.start();
      }
    },
  },
  "K11 emptied": killsRestate("Restate loses its data", (restate) => restate.start({ isEmptied: true })),
};
