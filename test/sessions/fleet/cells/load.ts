// Many sessions: one tenant's ten thousand wakes beside another's ten, and ten thousand that are parked.

import { setTimeout } from "node:timers/promises";

import { Client } from "pg";

import type { Fleet } from "../fleet.ts";
import { begunIn, entriesOf, judge } from "../judge.ts";
import type { Cell } from "./cell.ts";
import { checks, everywhere } from "./cell.ts";

/** How long the parked are watched in the full form, in minutes. */
export const PARKED: { minutes: number } = { minutes: 1 };

/** At a loop host fewer: it shares the machine, and each session is some twelve requests to it. */
function manyOf({ setting }: Fleet): number {
  return setting.provider === "claude" ? 3_000 : 10_000;
}

/** Transactions of the database that wrote, so far; 0 for a file. */
async function transactionsOf(fleet: Fleet): Promise<number> {
  if (fleet.setting.engine === "in-process") return 0;
  const client = new Client({
    connectionString: (await fleet.places.postgres()).url,
    application_name: "look",
  });
  await client.connect();
  const { rows } = await client.query("SELECT txid_current() AS count");
  await client.end();
  return Number(Object(rows[0]).count);
}

/** Sessions in portions: all at once they would be one burst of a kind nobody sends. */
async function askMany(fleet: Fleet, count: number, text: string, tenant: string) {
  const chats = [];
  for (let from = 0; from < count; from += 500)
    chats.push(
      ...(await Promise.all(
        Array.from({ length: Math.min(500, count - from) }, async (_, index) => {
          const chat = await fleet.app.create("stepper", { id: `${tenant}${from + index}`, tenant });
          await chat.send(text, { key: "1" });
          return chat;
        }),
      )),
    );
  return chats;
}

/** The cells. */
export const loadCells: Readonly<Record<string, Cell>> = {
  K15: {
    what: "one tenant with 10,000 wakes, another with 10",
    isIn: everywhere,
    runs: 3,
    async play(fleet, { isShort }) {
      const { wrong, check } = checks();
      const many = await askMany(fleet, isShort ? 400 : manyOf(fleet), "go 2", "big");
      const worker = await fleet.begin({ maxActivations: 20, gc: true });
      await setTimeout(500);
      const waits: number[] = [];
      const few = [];
      for (let index = 0; index < 10; index += 1) {
        const at = Date.now();
        const [chat] = await askMany(fleet, 1, "say hello", `small${index}-`);
        if (chat === undefined) continue;
        few.push(chat);
        await fleet.idle([chat], 1);
        const started = (await entriesOf(fleet, chat)).find(({ type }) => type === "run.started");
        waits.push((started?.at ?? Infinity) - at);
      }
      const worst = Math.max(...waits);
      // In the short form the machine is shared, as in CI.
      check(worst <= (isShort ? 5_000 : 1_000), `the other tenant waited ${worst} ms`);
      const { heapBytes } = await worker.measure();
      await fleet.idle(many, 1);
      const outcome = await judge(fleet, [...many, ...few], 1);
      const note = `the other began within ${worst} ms; heap ${Math.round(heapBytes / 1e6)} MB`;
      return { ...outcome, latencies: [], wrong, note };
    },
  },
  K18: {
    what: "10,000 sessions are parked",
    isIn: everywhere,
    runs: 1,
    async play(fleet, { isShort }) {
      const { wrong, check } = checks();
      const windowMs = isShort ? 4_000 : PARKED.minutes * 60_000;
      const worker = await fleet.begin({ gc: true });
      await setTimeout(2_000);
      const idle = await watched(fleet, worker, Math.min(windowMs, 10_000));
      const chats = await askMany(fleet, isShort ? 300 : manyOf(fleet), "call refund {}", "parked");
      const calls = await fleet.waiting(chats);
      await setTimeout(6_000);
      const parked = await watched(fleet, worker, windowMs);
      check(parked.runs === 0, `${parked.runs} activations of parked sessions`);
      check(
        parked.perSecond <= idle.perSecond + 1,
        `${parked.perSecond} transactions a second, not ${idle.perSecond}`,
      );
      check(parked.heapMb <= idle.heapMb + 10, `the heap grew from ${idle.heapMb} to ${parked.heapMb} MB`);
      await Promise.all(chats.map((chat, index) => chat.approve(calls[index] ?? "")));
      await fleet.idle(chats, 1);
      check(begunIn(fleet).length === chats.length, "not each call ran once");
      const note = `heap ${idle.heapMb} -> ${parked.heapMb} MB; transactions/s ${idle.perSecond} -> ${parked.perSecond}`;
      return { ...(await judge(fleet, chats, 1)), wrong, note };
    },
  },
};

async function watched(fleet: Fleet, worker: Awaited<ReturnType<Fleet["begin"]>>, ms: number) {
  const [runs, transactions] = [worker.runs(), await transactionsOf(fleet)];
  await setTimeout(ms);
  const { heapBytes } = await worker.measure();
  return {
    runs: worker.runs() - runs,
    perSecond: Math.round(((await transactionsOf(fleet)) - transactions) / (ms / 1_000)),
    heapMb: Math.round(heapBytes / 1e6),
  };
}
