// The database fails over to a standby, which has all that was written or lacks the last of it.

import { setTimeout } from "node:timers/promises";

import type { SessionRef } from "loophost/sessions";

import { ownPostgres, standbyOf } from "../../../stores/postgres/server.ts";
import { Fleet } from "../fleet.ts";
import type { Entry } from "../judge.ts";
import { entriesOf, judge, together } from "../judge.ts";
import type { Cell } from "./cell.ts";
import { checks, inPostgres, STEPS } from "./cell.ts";
import { storeProxy } from "./store-proxy.ts";

/** For so long the standby gets nothing before the primary dies. */
const BEHIND_MS = 300;

/** Results of calls that were never started, and ends of runs that never began: somebody wrote behind a gap. */
function gapsIn(log: readonly Entry[]): number {
  const known = new Set<string | undefined>();
  let gaps = 0;
  for (const { type, id, runId } of log) {
    if (type === "call.started") known.add(id);
    if (type === "run.started") known.add(runId);
    if (type === "call.finished" && !known.has(id)) gaps += 1;
    if (type === "run.ended" && !known.has(runId)) gaps += 1;
  }
  return gaps;
}

function failover(how: "synchronous" | "asynchronous"): Cell {
  return {
    what: `the database fails over to a standby that is ${how}`,
    isIn: inPostgres,
    runs: 5,
    isOutage: true,
    isFullOnly: true,
    async play({ places, setting }, { afterMs, ifCrashed }) {
      const { wrong, check } = checks();
      const primary = await ownPostgres();
      const standby = await standbyOf(primary, how);
      await using proxy = await storeProxy(primary);
      const at = { ...places, newStore: () => Promise.resolve({ where: proxy.url }) };
      try {
        await using fleet = await Fleet.open(at, setting, ifCrashed);
        await Promise.all([fleet.begin(), fleet.begin()]);
        const parked = await fleet.ask(4, ["call refund {}"], "parked");
        const late = await Promise.all(
          Array.from({ length: 4 }, (_, index) => fleet.app.create("stepper", { id: `late${index}` })),
        );
        const calls = await fleet.waiting(parked);
        const running = await fleet.ask(10, STEPS);
        await setTimeout(afterMs);
        const logsOf = (chats: readonly SessionRef[]) =>
          Promise.all(chats.map((chat) => entriesOf(fleet, chat)));
        const before = await logsOf([...running, ...parked]);
        if (how === "asynchronous") {
          await standby.catchUp();
          standby.fallBehind();
          await Promise.all(late.map((chat) => chat.send("go 1", { key: "late" })));
          await setTimeout(BEHIND_MS);
        }
        await primary.stop();
        standby.promote();
        proxy.leadTo(standby);
        await Promise.all(parked.map((chat, index) => chat.approve(calls[index] ?? "")));
        await fleet.idle(running, STEPS.length);
        await fleet.idle(parked, 1);
        const all = [...running, ...parked];
        const after = await logsOf(all);
        for (const [index, log] of after.entries()) {
          const kept = before[index] ?? [];
          const isKept = JSON.stringify(log.slice(0, kept.length)) === JSON.stringify(kept);
          check(isKept, `session ${all[index]?.id} lost more than the last moments`);
          check(gapsIn(log) === 0, `session ${all[index]?.id} was gone on with behind a gap`);
        }
        const outcome = together(await judge(fleet, running, STEPS.length), await judge(fleet, parked, 1));
        const doubt = outcome.unknown + outcome.rerun;
        if (how === "synchronous") check(doubt === 0, `${doubt} running tools became unknown, or ran again`);
        const lost = (await Promise.all(late.map((chat) => chat.summary()))).filter((one) => one?.runs === 0);
        const note = how === "synchronous" ? {} : { note: `${lost.length} of 4 late messages lost` };
        return { ...outcome, wrong, ...note };
      } finally {
        await Promise.all([primary.stop(), standby.stop()]);
      }
    },
  };
}

/** The cells. */
export const failoverCells: Readonly<Record<string, Cell>> = {
  "K9 synchronous": failover("synchronous"),
  "K9 asynchronous": failover("asynchronous"),
};
