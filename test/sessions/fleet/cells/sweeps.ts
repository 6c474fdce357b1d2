// The worker that sweeps for all is killed, while messages are posted that nobody wakes.

import { hostname } from "node:os";
import { setTimeout } from "node:timers/promises";

import type { SessionRef } from "loophost/sessions";
import { sessions } from "loophost/sessions";
import { Client } from "pg";

import type { Fleet } from "../fleet.ts";
import { entriesOf, judge } from "../judge.ts";
import type { Cell } from "./cell.ts";
import { checks, inPostgres } from "./cell.ts";

/** The process that holds the lease of the sweep, as the database has it. */
async function sweeper(fleet: Fleet): Promise<number | undefined> {
  const client = new Client({ connectionString: fleet.parts.where });
  await client.connect();
  const schema = fleet.parts.schema ?? "loophost";
  const { rows } = await client.query(
    `SELECT w.name FROM "${schema}".logs l JOIN "${schema}".workers w ON w.number = l.worker
     WHERE l.id = 'loophost.sweep' AND l.fence > 0`,
  );
  await client.end();
  const [, pid, host] = /^process (\d+) on (.*)$/.exec(String(Object(rows[0]).name)) ?? [];
  return host === hostname() ? Number(pid) : undefined;
}

async function sweeperAmong(fleet: Fleet, pids: readonly number[]): Promise<number> {
  const giveUpAt = performance.now() + 30_000;
  for (;;) {
    const pid = await sweeper(fleet);
    if (pid !== undefined && pids.includes(pid)) return pid;
    if (performance.now() > giveUpAt) throw new Error(`nobody of ${pids.join(", ")} sweeps, but ${pid}`);
    await setTimeout(20);
  }
}

/** The cells. */
export const sweepCells: Readonly<Record<string, Cell>> = {
  "K5 sweep": {
    what: "the worker that sweeps is killed under messages that nobody wakes",
    isIn: inPostgres,
    isOutage: true,
    async play(fleet, { afterMs }) {
      const { wrong, check } = checks();
      const workers = await Promise.all([fleet.begin(), fleet.begin(), fleet.begin()]);
      const chats = await fleet.ask(20, ["say hello"]);
      await fleet.idle(chats, 1);
      const pid = await sweeperAmong(
        fleet,
        workers.map((worker) => worker.pid),
      );
      // Its wakes come to nothing, as those of a process that dies behind its post.
      const deaf = {
        wake: () => Promise.resolve(),
        work: () => Promise.reject(),
        close: () => Promise.resolve(),
      };
      const poster = sessions({ store: fleet.store, engine: deaf });
      const postedAt = new Map<string, number>();
      const post = ({ id }: SessionRef) => {
        postedAt.set(id, Date.now());
        return poster.get(id).send("go 2", { key: "late" });
      };
      await Promise.all(chats.slice(0, 10).map(post));
      await setTimeout(afterMs);
      const killedAt = Date.now();
      process.kill(pid, "SIGKILL");
      await Promise.all(chats.slice(10).map(post));
      const others = workers.filter((worker) => worker.pid !== pid);
      await sweeperAmong(
        fleet,
        others.map((worker) => worker.pid),
      );
      const sweptMs = Date.now() - killedAt;
      await fleet.idle(chats, 2);
      await poster.close();
      const waits = await Promise.all(
        chats.map(async (chat) => {
          const runs = (await entriesOf(fleet, chat)).filter(({ type }) => type === "run.started");
          return (runs[1]?.at ?? Infinity) - (postedAt.get(chat.id) ?? 0);
        }),
      );
      const worst = Math.max(...waits);
      check(worst <= 5_000, `a message that nobody woke began after ${worst} ms`);
      const outcome = await judge(fleet, chats, 2);
      return {
        ...outcome,
        wrong,
        note: `another swept after ${sweptMs} ms, the last began after ${worst} ms`,
      };
    },
  },
};
