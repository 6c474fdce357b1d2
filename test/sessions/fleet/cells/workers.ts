// What happens to workers: they are killed, stopped, cut off, replaced, drained, and killed by their own tools.

import { existsSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

import { begunIn, entriesOf, judge, together } from "../judge.ts";
import type { Cell } from "./cell.ts";
import { checks, everywhere, STEPS, underWay, withRestate } from "./cell.ts";

/** Two workers with sessions of two messages each, something that happens to the first, and what is left. */
function played(
  happens: (
    victim: Awaited<ReturnType<Parameters<Cell["play"]>[0]["begin"]>>,
    fleet: Parameters<Cell["play"]>[0],
  ) => void | Promise<void>,
  workers = 2,
): Cell["play"] {
  return async (fleet, { afterMs }) => {
    const all = await Promise.all(Array.from({ length: workers }, () => fleet.begin()));
    const chats = await fleet.ask(10, STEPS);
    while (begunIn(fleet).length === 0) await setTimeout(5);
    await setTimeout(afterMs);
    // Each worker takes what it finds: the one that has sessions now.
    const { pid } = begunIn(fleet).at(-1) ?? {};
    const victim = all.find((worker) => worker.pid === pid);
    if (victim === undefined) throw new Error("no worker began anything");
    const at = Date.now();
    await happens(victim, fleet);
    await fleet.idle(chats, STEPS.length);
    return judge(fleet, chats, STEPS.length, { at, pid: victim.pid });
  };
}

/** The lease of a worker that hangs is free in PostgreSQL after 7 seconds without a renewal, and a file's when its time is over. */
const TAKEN_OVER_MS = { restate: 10_000, postgres: 25_000, "in-process": 35_000 } as const;

/** Stops a process, and not in the middle of a write to a file: until it goes on nobody else could write to that. */
async function stopped(pid: number): Promise<void> {
  process.kill(pid, "SIGSTOP");
  await setTimeout(50);
  while (existsSync("/proc/locks") && readFileSync("/proc/locks", "utf8").includes(`WRITE ${pid} `)) {
    process.kill(pid, "SIGCONT");
    await setTimeout(1);
    process.kill(pid, "SIGSTOP");
    await setTimeout(50);
  }
}

/** The cells. */
export const workerCells: Readonly<Record<string, Cell>> = {
  K1: {
    what: "a worker is killed",
    isIn: everywhere,
    runs: 200,
    play: played(({ child }) => void child.kill("SIGKILL")),
  },
  K2: {
    what: "a worker is stopped, and goes on when others have taken over",
    isIn: everywhere,
    runs: 5,
    isSlow: true,
    async play(fleet, run) {
      const { wrong, check } = checks();
      let [pid, stoppedAt] = [0, 0];
      const outcome = await played((victim) => {
        [pid, stoppedAt] = [victim.pid, Date.now()];
        return stopped(victim.pid);
      })(fleet, run);
      const before = begunIn(fleet).length;
      process.kill(pid, "SIGCONT");
      await setTimeout(2_000);
      // One whose start was on record when it was stopped may begin when it goes on: the step in flight.
      for (const { sessionId, callId } of begunIn(fleet).slice(before)) {
        const started = (await entriesOf(fleet, fleet.app.get(sessionId))).find(
          ({ type, id }) => type === "call.started" && id === callId,
        );
        check((started?.at ?? Infinity) <= stoppedAt, "the sleeper began a tool");
      }
      const worst = Math.max(0, ...outcome.latencies);
      const allowed = TAKEN_OVER_MS[fleet.setting.engine];
      check(worst <= allowed, `taken over after ${worst} ms, not within ${allowed}`);
      return { ...outcome, wrong };
    },
  },
  "K3 engine": {
    what: "a worker is cut off from the engine",
    isIn: withRestate,
    async play(fleet, run) {
      const { wrong, check } = checks();
      const outcome = await played((victim) => victim.cutOff())(fleet, run);
      check(outcome.unknown + outcome.rerun === 0, "somebody took sessions from a worker that lives");
      return { ...outcome, latencies: [], wrong };
    },
  },
  K4: {
    what: "all workers are killed, while sessions run and while they are parked and approved",
    isIn: everywhere,
    async play(fleet, { afterMs }) {
      const { wrong, check } = checks();
      const victim = await fleet.begin();
      const parked = await fleet.ask(4, ["call refund {}"], "parked");
      const calls = await fleet.waiting(parked);
      const running = await fleet.ask(6, STEPS);
      await underWay(fleet, afterMs, victim.pid);
      victim.child.kill("SIGKILL");
      await victim.exited;
      await Promise.all(parked.map((chat, index) => chat.approve(calls[index] ?? "")));
      await fleet.begin();
      await fleet.idle(parked, 1);
      await fleet.idle(running, STEPS.length);
      const refunds = begunIn(fleet).filter(({ name }) => name === "refund").length;
      check(refunds === parked.length, `${refunds} refunds for ${parked.length} approvals`);
      return { ...together(await judge(fleet, running, STEPS.length), await judge(fleet, parked, 1)), wrong };
    },
  },
  K12: {
    what: "sessions are taken by force, with their owner alive",
    isIn: everywhere,
    play: played(async (_, fleet) => {
      for (const id of ["s0", "s3", "s6"]) {
        const fence = await fleet.store.log.claim(id, { owner: "an operator", ttlMs: 1_000, force: true });
        await fleet.store.log.release(id, fence);
      }
    }),
  },
  K14: {
    what: "a worker drains, with 10 s for what is under way",
    isIn: everywhere,
    async play(fleet, run) {
      const { wrong, check } = checks();
      const outcome = await played(({ child }) => void child.kill("SIGTERM"))(fleet, run);
      check(outcome.unknown + outcome.rerun === 0, "tools that take a moment were lost");
      return { ...outcome, wrong };
    },
  },
  "K14 long": {
    what: "a worker drains that runs 200 sessions with tools of 0.1 to 60 s",
    isIn: everywhere,
    runs: 5,
    isSlow: true,
    async play(fleet) {
      const { wrong, check } = checks();
      const victim = await fleet.begin({ maxActivations: 250, ifCrashed: "answer" });
      const takes = Array.from({ length: 200 }, (_, index) => 100 + index * 300);
      const chats = await Promise.all(
        takes.map(async (ms, index) => {
          const chat = await fleet.app.create("stepper", { id: `s${index}` });
          await chat.send(`call take {"ms":${ms}}`);
          return chat;
        }),
      );
      while (begunIn(fleet).length < takes.length) await setTimeout(50);
      await fleet.begin({ maxActivations: 250, ifCrashed: "answer" });
      const begun = Date.now();
      victim.child.kill("SIGTERM");
      await victim.exited;
      const tookMs = Date.now() - begun;
      check(tookMs <= 10_500, `it was gone after ${tookMs} ms`);
      await fleet.idle(chats, 1);
      const starts = new Map(begunIn(fleet).map((one) => [one.sessionId, one.at]));
      for (const [index, chat] of chats.entries()) {
        const endsAt = (starts.get(chat.id) ?? 0) + (takes[index] ?? 0);
        const result = JSON.stringify(
          (await entriesOf(fleet, chat)).find(({ type }) => type === "call.finished"),
        );
        const isInTime = endsAt < begun + 9_500;
        if (isInTime)
          check(result.includes("taken"), `the tool of ${chat.id} ended in time and is not on record`);
      }
      return { ...(await judge(fleet, chats, 1)), wrong, note: `gone after ${tookMs} ms` };
    },
  },
  K17: {
    what: "a tool kills its process",
    isIn: everywhere,
    async play(fleet, { ifCrashed }) {
      const { wrong, check } = checks();
      const deadly = await fleet.ask(1, ["call deadly {}", "say alive"], "deadly");
      const others = await fleet.ask(4, ["go 5"]);
      const over = new AbortController();
      const { promise: ended, resolve: end } = Promise.withResolvers<void>();
      const working = (async () => {
        while (!over.signal.aborted)
          await Promise.race([
            fleet.begin().then(
              ({ exited }) => exited,
              () => undefined,
            ),
            ended,
          ]);
      })();
      await fleet.idle(deadly, 2);
      await fleet.idle(others, 1);
      over.abort();
      end();
      await working;
      const deaths = begunIn(fleet).filter(({ name }) => name === "deadly").length;
      const allowed = ifCrashed === "rerun" ? 3 : 1;
      check(deaths <= allowed, `it killed ${deaths} processes`);
      return { ...together(await judge(fleet, deadly, 2), await judge(fleet, others, 1)), wrong };
    },
  },
};
