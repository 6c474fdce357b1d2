/**
 * A measuring process: runs sessions in process, with a store or without one, and prints what it measured.
 *
 *   node --expose-gc --conditions=loophost:source bench/journal/worker.ts <job as JSON>
 */

import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Store } from "loophost";
import { run } from "loophost";
import { local } from "loophost/providers/local";

import { benchAgent } from "../agent.ts";
import type { Figures } from "../comparison.ts";
import { usedHeap } from "../heap.ts";
import { inLanes } from "../lanes.ts";
import type { Script } from "../script.ts";
import { toModelName } from "../script.ts";
import { ScriptedFunction } from "../scripted-function.ts";
import { median, p99 } from "../statistics.ts";
import { checkOrders, Orders, PROMPT } from "../task.ts";

/** One measurement. */
export type JournalJob = {
  readonly store: "none" | "memory" | "sqlite";
  readonly script: Script;
  readonly sessions: number;
  readonly atOnce: number;
  /** Sessions before the measured ones, as many at once. */
  readonly warmUp: number;
};

/** How often the disk is asked how long it takes. */
const DISK_SAMPLES = 100;
const PAGE_BYTES = 4096;

if (import.meta.main) {
  const [job] = process.argv.slice(2);
  if (job === undefined) throw new Error("Usage: worker.ts <job as JSON>");
  process.stdout.write(JSON.stringify(await measureInFolder(JSON.parse(job))));
}

async function measureInFolder(job: JournalJob): Promise<Figures> {
  const folder = await mkdtemp(join(tmpdir(), "loophost-bench-"));
  try {
    const store = await openStore(job.store, folder);
    const figures = await measure(job, store);
    await store?.close();
    return job.store === "sqlite" ? { ...figures, diskMs: await diskWait(folder) } : figures;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function openStore(kind: JournalJob["store"], folder: string): Promise<Store | undefined> {
  switch (kind) {
    case "none":
      return undefined;
    case "memory":
      return (await import("loophost/stores/memory")).memoryStore();
    case "sqlite":
      return (await import("loophost/stores/sqlite")).sqliteStore(join(folder, "store.db"));
  }
}

async function measure(job: JournalJob, opened: Store | undefined): Promise<Figures> {
  const { script, sessions, atOnce, warmUp } = job;
  const [store, appends] = counted(opened);
  const model = new ScriptedFunction();
  const provider = local({ model: model.answer });
  const agent = benchAgent(toModelName(script));
  const once = async () => {
    const context = new Orders(script);
    await run(agent, { provider, prompt: PROMPT, context, store });
    checkOrders(context, script);
  };
  await inLanes(warmUp, atOnce, once);
  model.takeRoundTrips();
  await usedHeap();
  const appendsBefore = appends();
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  await inLanes(sessions, atOnce, once);
  const { user, system } = process.cpuUsage(cpuBefore);
  const wallMs = performance.now() - startedAt;
  const calls = sessions * script.toolTurns;
  const roundTripsMs = model.takeRoundTrips();
  return {
    cpuMs: (user + system) / 1000 / calls,
    wallMs: wallMs / calls,
    outMedianMs: median(roundTripsMs),
    outP99Ms: p99(roundTripsMs),
    appends: (appends() - appendsBefore) / calls,
  };
}

/** A store that counts how often something is appended to its logs. */
function counted(store: Store | undefined): [store: Store | undefined, appends: () => number] {
  if (store === undefined) return [undefined, () => 0];
  let appends = 0;
  const append: Store["log"]["append"] = (...given) => {
    appends += 1;
    return store.log.append(...given);
  };
  return [{ ...store, log: { ...store.log, append } }, () => appends];
}

/** How long this disk takes to promise that it has one page more: what a commit at least waits for. */
async function diskWait(folder: string): Promise<number> {
  await using file = await open(join(folder, "page"), "w");
  const waits: number[] = [];
  for (let sample = 0; sample < DISK_SAMPLES; sample += 1) {
    const startedAt = performance.now();
    await file.write(new Uint8Array(PAGE_BYTES));
    await file.datasync();
    waits.push(performance.now() - startedAt);
  }
  return median(waits);
}
