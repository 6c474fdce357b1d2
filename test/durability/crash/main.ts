// `npm run crash [-- --runs n] [--seed n] [--host claude|local|agentcore] [--enumerate] [--no-faults] [--jobs n] [--log file]`
//
// Crashes seeded sessions by the hundred and prints what came of them as one table. A run is known by its seed alone,
// so what went wrong can be had again: `--runs 1 --seed n`. With `--log`, runs that are in the file are not made again.

import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import type { KillAt, KillPlace } from "loophost/testing/node";

import { pickAt } from "../../../src/testing/faults/random.ts";
import { crash, type CrashArgs } from "./campaign.ts";

type Host = CrashArgs["host"];

interface Job {
  readonly host: Host;
  readonly kind: string;
  readonly killAt: KillAt;
  readonly seed: number;
  readonly ifCrashed: CrashArgs["ifCrashed"];
}

interface Done {
  readonly host: Host;
  readonly kind: string;
  readonly seed: number;
  readonly kills: number;
  readonly toolsFinished: number;
  readonly runTwice: number;
  readonly runAgain: number;
  readonly sentTwice: number;
  readonly isUnheard: boolean;
  readonly lost: number;
  readonly faults: number;
  readonly wrong?: string | undefined;
}

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    host: { type: "string" },
    enumerate: { type: "boolean", default: false },
    "no-faults": { type: "boolean", default: false },
    jobs: { type: "string", default: "2" },
    log: { type: "string" },
  },
});
/** The kinds of places to be killed at, each made from a number up to 1000. */
const KINDS: readonly (readonly [string, (draw: number) => KillPlace])[] = [
  ["before write", (draw) => ({ write: 1 + (draw % 40), when: "before" })],
  ["after write", (draw) => ({ write: 1 + (draw % 40), when: "after" })],
  ["before request", (draw) => ({ request: 1 + (draw % 14), when: "before" })],
  ["after request", (draw) => ({ request: 1 + (draw % 14), when: "after" })],
  ["before effect", (draw) => ({ tool: 1 + (draw % 10), when: "before" })],
  ["after effect", (draw) => ({ tool: 1 + (draw % 10), when: "after" })],
  ["by time", (draw) => ({ afterMs: draw % 300 })],
];
// Hundreds of processes load the same modules: compiled once, each starts in half the time.
process.env["NODE_COMPILE_CACHE"] ??= join(tmpdir(), "loophost-crash-compiled");
const hosts: readonly Host[] =
  values.host === undefined ? ["local", "claude", "agentcore"] : [toHost(values.host)];
const isFaulty = !values["no-faults"] && !values.enumerate;
const jobs = values.enumerate ? await everywhere() : seeded(Number(values.seed), Number(values.runs));
const done = readLog();
const known = new Set(done.map(keyOf));
const left = jobs.filter((job) => !known.has(keyOf(job)));
await Promise.all(Array.from({ length: Number(values.jobs) }, work));
console.table(toTable(done));
process.exitCode = done.some(({ wrong }) => wrong !== undefined) ? 1 : 0;

async function work(): Promise<void> {
  for (let job = left.shift(); job !== undefined; job = left.shift()) {
    const { host, kind, killAt, seed, ifCrashed } = job;
    const outcome = await crash({ host, killAt, ifCrashed, faultSeed: isFaulty ? seed : undefined });
    const { deaths, report: _report, ...came } = outcome;
    const line: Done = { host, kind, seed, kills: deaths.length, ...came };
    done.push(line);
    if (values.log !== undefined) appendFileSync(values.log, `${JSON.stringify(line)}\n`);
    if (line.wrong !== undefined)
      console.error(
        `${host}, seed ${seed}, ${JSON.stringify(killAt)}, died ${deaths.join(", ")}: ${line.wrong}`,
      );
  }
}

/** Each run kills up to four lives at places of one kind, or at any. */
function seeded(first: number, runs: number): Job[] {
  return Array.from({ length: runs }, (_, index) => {
    const seed = first + index;
    const [kind = "", place = () => ({ afterMs: 0 })] =
      KINDS[Math.floor(seed / hosts.length) % KINDS.length] ?? [];
    const lives = pickAt(4, seed, 1);
    const places = Array.from({ length: lives }, (__, life) => place(pickAt(1_000, seed, life, 2)));
    const ifCrashed = (["fail", "rerun"] as const)[pickAt(8, seed, 3)] ?? "probe";
    return { host: hosts[seed % hosts.length] ?? "local", kind, killAt: places, seed, ifCrashed };
  });
}

/** Before and after each write and each request. An entry is a write at most, and no turn takes more than four requests. */
async function everywhere(): Promise<Job[]> {
  const all = await Promise.all(
    hosts.map(async (host) => {
      const { report, wrong } = await crash({ host, killAt: [] });
      if (report === undefined) throw new Error(`The undisturbed session failed: ${wrong}`);
      const most = { write: report.journal.length, request: 4 * (report.result.turns + 1) };
      return (["write", "request"] as const).flatMap((what) =>
        Array.from({ length: most[what] }, (_, index) => index).flatMap((index) =>
          (["before", "after"] as const).map((when, at): Job => {
            const killAt = what === "write" ? { write: index + 1, when } : { request: index + 1, when };
            return { host, kind: `${when} ${what}`, killAt, seed: index * 2 + at, ifCrashed: "probe" };
          }),
        ),
      );
    }),
  );
  return all.flat();
}

function readLog(): Done[] {
  if (values.log === undefined || !existsSync(values.log)) return [];
  const lines = readFileSync(values.log, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Done);
}

function keyOf({ host, kind, seed }: Pick<Job, "host" | "kind" | "seed">): string {
  return `${host} ${kind} ${seed}`;
}

function toTable(all: readonly Done[]): Record<string, string | number>[] {
  const groups = Map.groupBy(all, ({ host, kind }) => `${host} ${kind}`);
  const rows = [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => toRow(group));
  return [...rows, { ...toRow(all), provider: "all", killed: "" }];
}

function toRow(group: readonly Done[]): Record<string, string | number> {
  const sum = (of: (one: Done) => number) => group.reduce((total, one) => total + of(one), 0);
  return {
    provider: group[0]?.host ?? "",
    killed: group[0]?.kind ?? "",
    runs: group.length,
    kills: sum(({ kills }) => kills),
    faults: sum(({ faults }) => faults),
    "tools finished": sum(({ toolsFinished }) => toolsFinished),
    "run again as told": sum(({ runAgain }) => runAgain),
    "run twice": sum(({ runTwice }) => runTwice),
    "sent twice": sum(({ sentTwice }) => sentTwice),
    "turns lost": sum(({ lost }) => lost),
    "end unheard": sum(({ isUnheard }) => Number(isUnheard)),
    wrong: group.filter(({ wrong }) => wrong !== undefined).length,
  };
}

function toHost(text: string): Host {
  if (text === "claude" || text === "local" || text === "agentcore") return text;
  throw new Error(`--host is claude, local or agentcore, not ${text}.`);
}
