/**
 * `npm run bench [name…] [--quick] [--json] [--rounds n]`: the scenarios (the floor and ours against one scripted model) as
 * one table, and each comparison (several contenders at the same work) as another.
 */

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import type { Compared, Comparison, Figures } from "./comparison.ts";
import { compare } from "./comparison.ts";
import { coreSizeKb, importCosts } from "./core.ts";
import { engineComparison, fleetComparison } from "./fleet/comparison.ts";
import { hostedComparison } from "./hosted/comparison.ts";
import type { Job, Measured } from "./job.ts";
import { journalComparisons } from "./journal/comparisons.ts";
import type { Measurements } from "./report.ts";
import { toRow } from "./report.ts";
import { inFreshProcess, inRounds } from "./rounds.ts";
import { jobsOf, scenariosOf } from "./scenarios.ts";
import type { Sizes } from "./sizes.ts";
import { FULL, QUICK } from "./sizes.ts";
import { surroundings, toComparedTable, toNotes, toTable } from "./table.ts";

const SERVERS: Readonly<Record<Job["over"], URL>> = {
  messages: new URL("./model-server.ts", import.meta.url),
  agentcore: new URL("./agentcore/service.ts", import.meta.url),
};
const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: "boolean" }, json: { type: "boolean" }, rounds: { type: "string" } },
});
const isQuick = values.quick === true;
const base = isQuick ? QUICK : FULL;
const sizes: Sizes = { ...base, rounds: Number(values.rounds ?? base.rounds) };
const allScenarios = scenariosOf(sizes);
const allComparisons = [
  ...journalComparisons(sizes.journal),
  hostedComparison(sizes.hosted),
  fleetComparison(sizes.fleet),
  engineComparison(sizes.fleet),
];
const isAsked = chooser([...allScenarios, ...allComparisons], positionals);
const scenarios = allScenarios.filter(isAsked);
const comparisons = allComparisons.filter(isAsked);
const where = surroundings();

const measurements = await measureScenarios();
const rows = scenarios.map((scenario) => toRow(scenario, measurements));
const compared = await measureComparisons();
if (values.json === true)
  console.log(JSON.stringify({ ...where, rounds: sizes.rounds, rows, comparisons: compared }, null, 2));
else {
  console.log(
    `${where.date}. ${where.machine}. ${where.versions}. Files in ${where.folder}. Load before: ${where.load}.`,
  );
  if (rows.length > 0) console.log(`\n${toTable(rows)}`);
  for (const comparison of compared) console.log(`\n${toComparedTable(comparison)}`);
  console.log(`\n${toNotes(rows, compared, { rounds: sizes.rounds, isQuick })}`);
}

interface Named {
  readonly name: string;
}

/** Says whether a name begins with one of those asked for; every name does when none is. */
function chooser(all: readonly Named[], asked: readonly string[]): (named: Named) => boolean {
  const unknown = asked.filter((start) => !all.some(({ name }) => name.startsWith(start)));
  if (unknown.length > 0) {
    console.error(
      `No scenario begins with ${unknown.join(" or ")}. There are: ${all.map(({ name }) => name).join(", ")}.`,
    );
    process.exit(2);
  }
  return ({ name }) => asked.length === 0 || asked.some((start) => name.startsWith(start));
}

async function measureScenarios(): Promise<Measurements> {
  const asked = scenarios.flatMap(jobsOf);
  const servers = new Map<Job["over"], Server>();
  for (const { over } of asked) if (!servers.has(over)) servers.set(over, await startServer(over));
  const jobs = new Map(
    asked.map((job) => {
      const text = JSON.stringify(job);
      return [text, () => inFreshProcess<Measured>(WORKER, text, servers.get(job.over)?.url ?? "")];
    }),
  );
  const measured = await inRounds(jobs, sizes.rounds);
  for (const server of servers.values()) server.stop();
  const kinds = new Set(scenarios.map(({ kind }) => kind));
  return {
    of: (job: Job) => measured.get(JSON.stringify(job)) ?? [],
    imports: kinds.has("core import") ? await importCosts(sizes.imports * sizes.rounds) : [],
    coreSizeKb: kinds.has("core size") ? await coreSizeKb() : Number.NaN,
  };
}

interface Server {
  readonly url: string;
  readonly stop: () => void;
}

/** Starts a server in a process of its own, whose CPU is not counted. */
async function startServer(over: Job["over"]): Promise<Server> {
  const child = fork(SERVERS[over], { execArgv: ["--conditions=loophost:source"] });
  const [url] = await once(child, "message");
  return { url: String(url), stop: () => child.disconnect() };
}

async function measureComparisons(): Promise<Compared[]> {
  const jobs = new Map(
    comparisons.flatMap((comparison) =>
      comparison.contenders.map(({ label, job }) => [
        keyOf(comparison, label),
        () => inFreshProcess<Figures>(comparison.worker, JSON.stringify(job)),
      ]),
    ),
  );
  const measured = await inRounds(jobs, sizes.rounds);
  return comparisons.map((comparison) =>
    compare(comparison, ({ label }) => measured.get(keyOf(comparison, label)) ?? []),
  );
}

function keyOf({ name }: Comparison, label: string): string {
  return `${name}: ${label}`;
}
