/**
 * A measuring process: does one job against an embedded host of its own, and prints what it measured.
 *
 *   node --expose-gc --conditions=loophost:source bench/hosted/worker.ts <job as JSON>
 */

import { setTimeout as wait } from "node:timers/promises";

import type { Figures } from "../comparison.ts";
import { heapKept, usedHeap } from "../heap.ts";
import { inLanes } from "../lanes.ts";
import type { Script } from "../script.ts";
import { median, p99 } from "../statistics.ts";
import { checkOrders } from "../task.ts";
import type { HostProcess } from "./host-process.ts";
import { startHost } from "./host-process.ts";
import type { HoldSession, HostedSetting } from "./setting.ts";

/** One contender, and the work. */
export type HostedJob = {
  readonly by: "floor" | "ours" | "official";
  readonly script: Script;
  /** How many sessions, all of them at once. */
  readonly sessions: number;
  /** What the model takes for a turn where it is not in a hurry. */
  readonly thinkMs: number;
  /** Sessions before the measured ones. */
  readonly warmUp: number;
};

type HoldSessions = (sessions: number, atOnce: number) => Promise<void>;

/** Few streams at once to begin with, so that the sessions whose heap is measured open their own. */
const WARM_UP_AT_ONCE = 20;

if (import.meta.main) {
  const [job] = process.argv.slice(2);
  if (job === undefined) throw new Error("Usage: worker.ts <job as JSON>");
  process.stdout.write(JSON.stringify(await measure(JSON.parse(job))));
}

async function measure({ by, script, sessions, thinkMs, warmUp }: HostedJob): Promise<Figures> {
  const host = await startHost();
  const setUp = await contenderOf(by);
  const holding = async (played: Script) => {
    const hold = await setUp({ url: host.url, script: played });
    return async () => checkOrders(await hold(), played);
  };
  const hold = await holding(script);
  const holdThinking = await holding({ ...script, delayMs: thinkMs });
  const holdSessions: HoldSessions = (some, atOnce) => inLanes(some, atOnce, hold);

  await holdSessions(warmUp, WARM_UP_AT_ONCE);
  const heldKb = await measureHeld(host, holdSessions, script, sessions);
  const keptKb = await measureKept(host, holdSessions, sessions);
  const turns = sessions * (script.toolTurns + 1);
  const rush = await measureTime(host, turns, () => holdSessions(sessions, sessions));
  const pace = await measureTime(host, turns, () =>
    Promise.all(
      Array.from({ length: sessions }, async (_, index) => {
        await wait((thinkMs * index) / sessions);
        await holdThinking();
      }),
    ),
  );
  host.stop();
  return {
    rushCpuMs: rush.cpuMs,
    rushHostCpuMs: rush.hostCpuMs,
    rushWallS: rush.wallMs / 1000,
    requests: rush.requests / sessions,
    paceCpuMs: pace.cpuMs,
    outMedianMs: median(pace.roundTripsMs),
    outP99Ms: p99(pace.roundTripsMs),
    heldKb,
    keptKb,
  };
}

async function contenderOf(by: HostedJob["by"]): Promise<(setting: HostedSetting) => Promise<HoldSession>> {
  if (by === "floor") return (await import("./floor.ts")).floor;
  return by === "ours" ? (await import("./ours.ts")).ours : (await import("./official.ts")).official;
}

/** The heap that each session holds half-way through, all of them at once. */
async function measureHeld(
  host: HostProcess,
  hold: HoldSessions,
  { toolTurns }: Script,
  sessions: number,
): Promise<number> {
  await host.ask({ ask: "cut" });
  const before = await usedHeap();
  await host.ask({ ask: "hold", turn: Math.floor(toolTurns / 2), sessions });
  const held = hold(sessions, sessions);
  await Promise.race([host.ask({ ask: "all held" }), held]);
  const during = await usedHeap();
  await host.ask({ ask: "release" });
  await held;
  return (during - before) / sessions / 1024;
}

/** The heap that each session leaves behind. */
async function measureKept(host: HostProcess, hold: HoldSessions, sessions: number): Promise<number> {
  const pass = async (some: number) => {
    await hold(some, some);
    // What is left is to be the sessions', not of connections that wait to be used again.
    await host.ask({ ask: "cut" });
  };
  // Not the first: what the crowd before it used is being given back.
  await pass(sessions / 5);
  return (await heapKept(sessions, pass)) / 1024;
}

async function measureTime(host: HostProcess, turns: number, work: () => Promise<unknown>) {
  await usedHeap();
  await host.figures();
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(cpuBefore);
  const wallMs = performance.now() - startedAt;
  const { requests, cpuMs, roundTripsMs } = await host.figures();
  return {
    cpuMs: (user + system) / 1000 / turns,
    hostCpuMs: cpuMs / turns,
    wallMs,
    requests,
    roundTripsMs,
  };
}
