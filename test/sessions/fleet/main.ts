// `npm run fleet [-- --short] [--engine e] [--provider p] [--cell K1] [--runs n] [--seed n] [--minutes n]
//   [--file results.jsonl] [--parked-minutes n]`
//
// The kill matrix: sessions in real worker processes that are killed, stopped, cut off and drained, over SQLite, PostgreSQL
// and Restate, with the loop in the worker and at a host. Each run is a line of the file, by its seed; a campaign that was
// stopped goes on where it was. At the end a table.

import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { runCell } from "./campaign.ts";
import { PARKED } from "./cells/load.ts";
import { places } from "./places.ts";
import { grouped, planned } from "./plan.ts";
import { Results } from "./results.ts";
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

const results = new Results(file, seed);
if (results.runs.length > 0) console.log(`Going on behind ${results.runs.length} runs in ${file}.`);
const groups = grouped(planned(values).filter((one) => !results.has(one)));
const minutes = Number(values.minutes ?? (values.short ? 10 : Infinity));
const startedAt = performance.now();
let leftOut = 0;
{
  await using at = places();
  for (const group of groups) {
    const isOver = performance.now() - startedAt > minutes * 60_000;
    const due = isOver ? group.filter(({ run }) => run === 0) : group;
    leftOut += group.length - due.length;
    await Promise.all(
      due.map(async (one) => {
        const result = await runCell(at, one, { seed, isShort: values.short });
        results.add(one, result);
        for (const wrong of result.wrong)
          console.log(`${one.cell} ${one.engine} ${one.provider} run ${one.run}: ${wrong}`);
      }),
    );
  }
}
if (leftOut > 0) console.log(`${leftOut} runs were left out: ${minutes} minutes were over.`);
const took = Math.round((performance.now() - startedAt) / 1_000);
if (took > 0) console.log(`It took ${Math.floor(took / 60)} min ${took % 60} s.`);
// Where the machine is shared, as in CI, lateness is shown and no failure.
const rows = rowsOf(results.runs, { isLateWrong: !values.short });
console.log(tableOf(rows));
if (rows.some(({ isWrong }) => isWrong)) process.exitCode = 1;
