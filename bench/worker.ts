/**
 * A measuring process: does one job against the model server, and prints what it measured.
 *
 *   node --expose-gc --conditions=loophost:source bench/worker.ts <job as JSON> <url of the model server>
 */

import { isDeepStrictEqual } from "node:util";

import { heapKept, usedHeap } from "./heap.ts";
import type { Job, Measured } from "./job.ts";
import { inLanes } from "./lanes.ts";
import type { Stats } from "./model-server.ts";
import type { Script } from "./script.ts";
import { toModelName } from "./script.ts";
import type { Converse, Setting } from "./task.ts";
import { expectedOutcome } from "./task.ts";

if (import.meta.main) {
  const [job, url] = process.argv.slice(2);
  if (job === undefined || url === undefined) throw new Error("Usage: worker.ts <job as JSON> <server url>");
  process.stdout.write(JSON.stringify(await measure(JSON.parse(job), url)));
}

async function measure(job: Job, url: string): Promise<Measured> {
  const contender = await contenderOf(job);
  const { threads, read, watchedBy } = job;
  const setUp = (script: Script) => contender({ url, script, threads, read, watchedBy }, toModelName(script));
  await converse(job.warmUp.script, await setUp(job.warmUp.script), job.warmUp.sessions, job.atOnce);

  const converseOnce = await setUp(job.script);
  if (job.measure === "time") return measureTime(job, converseOnce, url);
  const heapBytes =
    job.measure === "heap held"
      ? await heapHeld(job, converseOnce, url)
      : await heapKept(job.sessions, (sessions) => converse(job.script, converseOnce, sessions, job.atOnce));
  return { cpuMs: 0, wallMs: 0, sentBytes: 0, heapBytes };
}

type Contender = (setting: Setting, model: string) => Converse | Promise<Converse>;

async function contenderOf({ by, over }: Job): Promise<Contender> {
  if (over === "agentcore")
    return by === "floor"
      ? (await import("./agentcore/floor.ts")).floor
      : (await import("./agentcore/ours.ts")).ours;
  return by === "floor" ? (await import("./floor.ts")).floor : (await import("./ours.ts")).ours;
}

async function measureTime(
  { over, script, sessions, atOnce }: Job,
  once: Converse,
  url: string,
): Promise<Measured> {
  const statsNow = async () => (over === "messages" ? (await statsOf(url)).bytes : 0);
  const before = await statsNow();
  await usedHeap();
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  await converse(script, once, sessions, atOnce);
  const { user, system } = process.cpuUsage(cpuBefore);
  const wallMs = performance.now() - startedAt;
  const after = await statsNow();
  const turns = sessions * (script.toolTurns + 1);
  return {
    cpuMs: (user + system) / 1000 / turns,
    wallMs: wallMs / turns,
    sentBytes: (after - before) / turns,
    heapBytes: 0,
  };
}

/** The heap that each of many sessions holds while the server holds its stream. */
async function heapHeld({ script, sessions }: Job, once: Converse, url: string): Promise<number> {
  const before = await usedHeap();
  let missing = sessions * script.holdAfter * script.delta;
  const { promise: allHeld, resolve } = Promise.withResolvers<void>();
  const onText = (text: string) => {
    missing -= text.length;
    if (missing === 0) resolve();
  };
  const held = Array.from({ length: sessions }, () => once(onText));
  await Promise.race([allHeld, Promise.all(held)]);
  const during = await usedHeap();
  await post(url, "/release");
  for (const outcome of await Promise.all(held)) check(script, outcome);
  return (during - before) / sessions;
}

/** Holds so many sessions, so many at once, and checks that each did its task. */
function converse(script: Script, once: Converse, sessions: number, atOnce: number): Promise<void> {
  return inLanes(sessions, atOnce, async () => check(script, await once()));
}

function check(script: Script, outcome: Awaited<ReturnType<Converse>>): void {
  const expected = expectedOutcome(script);
  if (isDeepStrictEqual(outcome, expected)) return;
  throw new Error(`The task came to ${JSON.stringify(outcome)}, not to ${JSON.stringify(expected)}.`);
}

async function statsOf(url: string): Promise<Stats> {
  return JSON.parse(await (await fetch(`${url}/stats`)).text());
}

async function post(url: string, path: string): Promise<void> {
  await (await fetch(url + path, { method: "POST" })).arrayBuffer();
}
