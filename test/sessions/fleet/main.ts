// `npm run fleet [-- --short] [--runs n] [--sessions n] [--seed n] [--postgres url] [--restate]`
//
// Sessions at work in real worker processes that are killed, stopped and drained, over SQLite and PostgreSQL; one table of
// what was left. Where PostgreSQL is installed and no address is given, one is started for the campaign. With --restate a
// Restate server calls the workers, and is itself killed and emptied.

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { pickAt } from "../../../src/testing/faults/random.ts";
import { restateServer } from "../../engines/restate/server.ts";
import { ownPostgres, whyNoPostgres } from "../../stores/postgres/server.ts";
import type { Cell, CellResult } from "./campaign.ts";
import { runCell } from "./campaign.ts";

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    runs: { type: "string" },
    sessions: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    postgres: { type: "string" },
    restate: { type: "boolean", default: false },
  },
});
const runs = Number(values.runs ?? (values.short ? 3 : 20));
const seed = Number(values.seed);
// A worker that hangs is found out by its lease, after half a minute: the short form leaves that out.
const cells: readonly Cell[] = [
  "killed",
  "all killed",
  "drained",
  ...(values.short ? [] : (["stopped"] as const)),
  ...(values.restate ? (["cut off", "engine killed", "engine emptied"] as const) : []),
];

const stop: (() => Promise<void>)[] = [];
const restate = values.restate ? await restateServer() : undefined;
stop.push(async () => restate?.[Symbol.asyncDispose]());
async function postgresUrl(): Promise<string | undefined> {
  if (values.postgres !== undefined) return values.postgres;
  if (whyNoPostgres !== undefined) return undefined;
  const server = await ownPostgres();
  stop.push(() => server.stop());
  return server.url;
}

const url = await postgresUrl();
const stores: readonly (readonly [string, () => string])[] = [
  ["SQLite", () => join(mkdtempSync(join(tmpdir(), "loophost-fleet-")), "app.db")],
  ...(url === undefined ? [] : [["PostgreSQL", newSchema(url)] as const]),
];
if (url === undefined) console.log(`PostgreSQL is left out: ${whyNoPostgres}`);

let isWrong = false;
console.log(
  "store       cell           ifCrashed  runs  next entry p50 / p99 / worst ms  repeated  lost  unknown  rerun",
);
for (const [store, newStore] of stores)
  for (const cell of cells)
    for (const ifCrashed of ["answer", "rerun"] as const) {
      const results: CellResult[] = [];
      for (let run = 0; run < runs; run += 1)
        results.push(
          await runCell({
            cell,
            where: newStore(),
            ifCrashed,
            sessions: Number(values.sessions),
            steps: 10,
            restate,
            afterMs: 50 + pickAt(400, seed, run),
          }),
        );
      const latencies = results.flatMap((result) => result.latencies).toSorted((a, b) => a - b);
      const sum = (pick: (result: CellResult) => number) =>
        results.reduce((total, one) => total + pick(one), 0);
      const [repeated, lost] = [sum((one) => one.repeated), sum((one) => one.lost)];
      isWrong ||= repeated > 0 || lost > 0;
      const times = [0.5, 0.99, 1].map((share) => latencies[Math.ceil(latencies.length * share) - 1] ?? "-");
      console.log(
        [
          store.padEnd(11),
          cell.padEnd(14),
          ifCrashed.padEnd(10),
          String(runs).padEnd(5),
          times.join(" / ").padEnd(32),
          String(repeated).padEnd(9),
          String(lost).padEnd(5),
          String(sum((one) => one.unknown)).padEnd(8),
          sum((one) => one.rerun),
        ].join(" "),
      );
    }
for (const end of stop) await end();
if (isWrong) process.exitCode = 1;

function newSchema(address: string): () => string {
  let count = 0;
  return () => `${address}#fleet_${process.pid}_${(count += 1)}`;
}
