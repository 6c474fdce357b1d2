// Workers whose store is cut off, slow, or fails some of its calls.

import { setTimeout } from "node:timers/promises";

import { begunIn, judge } from "../judge.ts";
import type { Cell } from "./cell.ts";
import { checks, everywhere, inPostgres, STEPS, underWay } from "./cell.ts";
import { storeProxy } from "./store-proxy.ts";

/** The cells. */
export const storeCells: Readonly<Record<string, Cell>> = {
  "K3 store": {
    what: "a worker is cut off from the store",
    isIn: inPostgres,
    isOutage: true,
    isSlow: true,
    runs: 5,
    async play(fleet, { afterMs }) {
      const { wrong, check } = checks();
      await using proxy = await storeProxy(await fleet.places.postgres());
      const victim = await fleet.begin({ where: proxy.url });
      await fleet.begin();
      const chats = await fleet.ask(10, STEPS);
      await underWay(fleet, afterMs, victim.pid);
      const at = Date.now();
      proxy.cut();
      await fleet.idle(chats, STEPS.length);
      // A tool whose start was on record when the connection went may begin a moment later.
      const late = begunIn(fleet).filter((one) => one.pid === victim.pid && one.at > at + 250);
      check(late.length === 0, `${late.length} tools began in the worker that was cut off`);
      return { ...(await judge(fleet, chats, STEPS.length, { at, pid: victim.pid })), wrong };
    },
  },
  "K10 slow": {
    what: "a store that takes 7 s a write: running, parking and draining",
    isIn: everywhere,
    isSlow: true,
    runs: 3,
    async play(fleet) {
      const { wrong, check } = checks();
      const chats = await fleet.ask(4, ["go 1", "call refund {}"]);
      const trouble = { writeMs: 7_000 };
      const [first] = await Promise.all([
        fleet.begin({ trouble, graceMs: 60_000 }),
        fleet.begin({ trouble }),
      ]);
      const calls = await fleet.waiting(chats);
      await Promise.all(chats.map((chat, index) => chat.approve(calls[index] ?? "")));
      while (begunIn(fleet).filter(({ name }) => name === "refund").length < chats.length)
        await setTimeout(20);
      first?.child.kill("SIGTERM");
      await first?.exited;
      await fleet.idle(chats, 2);
      const outcome = await judge(fleet, chats, 2);
      check(outcome.unknown + outcome.rerun === 0, "calls were under way when nobody died");
      return { ...outcome, wrong };
    },
  },
  "K10 faults": {
    what: "a store that fails a call about each session, another one each time, and each seventh of the rest",
    isIn: everywhere,
    isOutage: true,
    async play(fleet, { run }) {
      const { wrong, check } = checks();
      const trouble = { failsFrom: 30 * run + (run % 3) };
      const workers = await Promise.all([fleet.begin({ trouble }), fleet.begin({ trouble })]);
      const chats = await fleet.ask(10, [...STEPS, "call refund {}"]);
      const calls = await fleet.waiting(chats);
      await Promise.all(chats.map((chat, index) => chat.approve(calls[index] ?? "")));
      await fleet.idle(chats, STEPS.length + 1);
      const faults = workers.reduce((sum, worker) => sum + worker.faults(), 0);
      check(faults > 0, "no call failed");
      return { ...(await judge(fleet, chats, STEPS.length + 1)), wrong, note: `${faults} calls failed` };
    },
  },
};
