// `npm run fleet [-- --short] [--engine e] [--provider p] [--cell K1] [--runs n] [--seed n] [--minutes n]
//   [--file results.jsonl] [--parked-minutes n]`
//
// The kill matrix: sessions in real worker processes that are killed, stopped, cut off and drained, over SQLite, PostgreSQL
// and Restate, with the loop in the worker and at a host. Every cell once, then every cell again. Each run is a line of the file, by its
// seed; a campaign that was stopped goes on where it was. At the end a table.

import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import type { RecordedRun } from "./campaign.ts";
import { CELLS, runCell } from "./campaign.ts";
import { PARKED } from "./cells/load.ts";
import type { Setting } from "./places.ts";
import { places, whyNot } from "./places.ts";
import { rowsOf, tableOf } from "./table.ts";

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    engine: { type: "string" },
    provider: { type: "string" },
    cell: { type: "string" },
    runs: { type: "string" },
    seed: { type: "string", default: "1" },
    file: { type: "string" },
    minutes: { type: "string" },
    "parked-minutes": { type: "string", default: "1" },
  },
});
const seed = Number(values.seed);
const file = values.file ?? (values.short ? undefined : join(tmpdir(), `loophost-fleet-${seed}.jsonl`));
PARKED.minutes = Number(values["parked-minutes"]);

const done: RecordedRun[] = [];
if (file !== undefined && existsSync(file))
  for (const line of readFileSync(file, "utf8").split("\n"))
    if (line !== "") done.push(JSON.parse(line) as RecordedRun);
if (done.length > 0) console.log(`Going on behind ${done.length} runs in ${file}.`);

/** What is to be run, round by round: a campaign whose time is over has had every cell. */
interface Planned {
  readonly setting: Setting;
  readonly cell: string;
  readonly run: number;
}

function plan(): readonly Planned[] {
  const planned: Planned[] = [];
  for (const engine of ["in-process", "postgres", "restate"] as const) {
    if (values.engine !== undefined && values.engine !== engine) continue;
    const why = whyNot(engine);
    if (why !== undefined) console.log(`${engine} is left out: ${why}`);
    else
      for (const provider of ["local", "claude"] as const)
        if (values.provider === undefined || values.provider === provider)
          planned.push(...planFor({ engine, provider }));
  }
  return planned.toSorted((a, b) => a.run - b.run);
}

function planFor(setting: Setting): readonly Planned[] {
  return Object.entries(CELLS).flatMap(([cell, { isIn, runs = 20 }]) => {
    const isAsked =
      values.cell === undefined ? !values.short || isInShort(cell, setting) : values.cell === cell;
    if (!isAsked || !isIn(setting)) return [];
    const times = Number(values.runs ?? (values.short ? shortRuns(cell, setting) : runs));
    return Array.from({ length: times }, (_, run) => ({ setting, cell, run }));
  });
}

const planned = plan().filter(
  ({ setting: { engine, provider }, cell, run }) =>
    !done.some(
      (one) => one.cell === cell && one.run === run && one.engine === engine && one.provider === provider,
    ),
);
const minutes = Number(values.minutes ?? (values.short ? 3.5 : Infinity));
const startedAt = performance.now();
let leftOut = 0;
{
  await using at = places();
  for (const { setting, cell, run } of planned) {
    if (run > 0 && performance.now() - startedAt > minutes * 60_000) {
      leftOut += 1;
      continue;
    }
    const result = await runCell(at, setting, cell, { run, seed, isShort: values.short });
    const recorded: RecordedRun = { cell, ...setting, run, result };
    done.push(recorded);
    if (file !== undefined) appendFileSync(file, `${JSON.stringify(recorded)}\n`);
    for (const wrong of result.wrong)
      console.log(`${cell} ${setting.engine} ${setting.provider} run ${run}: ${wrong}`);
  }
}
if (leftOut > 0) console.log(`${leftOut} runs were left out: ${minutes} minutes were over.`);
// Where the machine is shared, as in CI, lateness is shown and no failure.
const rows = rowsOf(done, { isLateWrong: !values.short });
console.log(tableOf(rows));
if (rows.some(({ isWrong }) => isWrong)) process.exitCode = 1;

/** In a few minutes: cells that wait for nothing, and at a host those that kill workers. */
function isInShort(name: string, { provider }: Setting): boolean {
  if (CELLS[name]?.isSlow === true) return false;
  return provider === "local" || name === "K1" || name === "K8";
}

function shortRuns(name: string, { provider }: Setting): number {
  if (name === "K15" || name === "K18" || name === "K16") return 1;
  return provider === "local" ? 3 : 2;
}
