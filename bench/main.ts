/**
 * `npm run bench [scenario…] [--quick] [--json] [--rounds n]`: the floor and ours against one scripted model, as one table.
 *
 * Every measurement is made in a fresh process, one at a time; each round goes through all of them, every other round
 * backwards, so that a machine that slows down slows both.
 */

import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";

import type { ImportCost } from "./core.ts";
import { coreSizeKb, importCosts } from "./core.ts";
import type { Job, Measured } from "./job.ts";
import type { Measurements } from "./report.ts";
import { toRow } from "./report.ts";
import type { Scenario, Sizes } from "./scenarios.ts";
import { FULL, jobsOf, QUICK, scenariosOf } from "./scenarios.ts";
import { surroundings, toNotes, toTable } from "./table.ts";

const execute = promisify(execFile);
const MODEL_SERVER = fileURLToPath(new URL("./model-server.ts", import.meta.url));
const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));
const JOB_TIMEOUT_MS = 120_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: "boolean" }, json: { type: "boolean" }, rounds: { type: "string" } },
});
const base = values.quick === true ? QUICK : FULL;
const sizes: Sizes = { ...base, rounds: Number(values.rounds ?? base.rounds) };
const scenarios = choose(scenariosOf(sizes), positionals);
const where = surroundings();

const measurements = await measureAll(scenarios, sizes);
const rows = scenarios.map((scenario) => toRow(scenario, measurements));
if (values.json === true) console.log(JSON.stringify({ ...where, rounds: sizes.rounds, rows }, null, 2));
else {
  console.log(`${where.date}. ${where.machine}. ${where.versions}. Load before: ${where.load}.\n`);
  console.log(
    `${toTable(rows)}\n\n${toNotes(rows, { rounds: sizes.rounds, isQuick: values.quick === true })}`,
  );
}

/** The scenarios whose names begin with one of those asked for; all when none is. */
function choose(all: readonly Scenario[], asked: readonly string[]): readonly Scenario[] {
  const unknown = asked.filter((start) => !all.some(({ name }) => name.startsWith(start)));
  if (unknown.length > 0) {
    console.error(
      `No scenario begins with ${unknown.join(" or ")}. There are: ${all.map(({ name }) => name).join(", ")}.`,
    );
    process.exit(2);
  }
  return all.filter(({ name }) => asked.length === 0 || asked.some((start) => name.startsWith(start)));
}

async function measureAll(chosen: readonly Scenario[], { rounds, imports }: Sizes): Promise<Measurements> {
  const jobs = new Map(chosen.flatMap(jobsOf).map((job) => [JSON.stringify(job), job]));
  const measured = new Map<string, Measured[]>();
  const importsMeasured: ImportCost[] = [];
  const kinds = new Set(chosen.map(({ kind }) => kind));
  const server = fork(MODEL_SERVER);
  const [url] = await once(server, "message");
  for (let round = 0; round < rounds; round += 1) {
    const order = [...jobs.keys()];
    for (const key of round % 2 === 0 ? order : order.toReversed()) {
      progress(`round ${round + 1} of ${rounds}: ${order.indexOf(key) + 1} of ${order.length}`);
      measured.set(key, [...(measured.get(key) ?? []), await measure(key, String(url))]);
    }
    if (kinds.has("core import")) importsMeasured.push(...(await importCosts(imports)));
  }
  server.disconnect();
  progress("");
  return {
    of: (job: Job) => measured.get(JSON.stringify(job)) ?? [],
    imports: importsMeasured,
    coreSizeKb: kinds.has("core size") ? await coreSizeKb() : Number.NaN,
  };
}

/** Does a job in a process of its own. */
async function measure(job: string, url: string): Promise<Measured> {
  const flags = ["--expose-gc", "--conditions=loophost:source"];
  const options = { timeout: JOB_TIMEOUT_MS };
  try {
    const { stdout } = await execute(process.execPath, [...flags, WORKER, job, url], options);
    return JSON.parse(stdout);
  } catch (error) {
    // Without the figures of one job there is no table; the message holds what its process wrote.
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}

/** One line on a terminal, overwritten; nothing where output is kept. */
function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
}
