// `npm run faults -- [--runs n] [--seed n] [--jobs n] [--log file]`
//
// Holds seeded conversations with a hosted session over a network that breaks, by the thousand and in one process, and
// prints what came of them. What went wrong can be had again: `--runs 1 --seed n`. With `--log`, runs that are in the file
// are not made again. The process ends by itself, or something was left over.

import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { tryOut } from "./campaign.ts";
import type { Done } from "./table.ts";
import { byFailure, byFault } from "./table.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
    jobs: { type: "string", default: "24" },
    log: { type: "string" },
  },
});
const done = readLog();
const known = new Set(done.map(({ seed }) => seed));
const left = Array.from({ length: Number(values.runs) }, (_, index) => Number(values.seed) + index);
const underWay = new Set<number>();
// It would end a user's process.
process.on("unhandledRejection", (thrown) => {
  unhandled += 1;
  console.error(`Nobody handled a rejection, during seeds ${[...underWay].join(", ")}:`, thrown);
});
let unhandled = 0;
await Promise.all(Array.from({ length: Number(values.jobs) }, work));
await settled();
console.table(byFault(done));
console.table(byFailure(done));
console.log(
  `Still open in this process: ${process.getActiveResourcesInfo().filter(isOpen).join(", ") || "nothing"}.`,
);
if (unhandled > 0) console.log(`Rejections nobody handled: ${unhandled}.`);
process.exitCode = unhandled > 0 || done.some(({ wrong }) => wrong !== undefined) ? 1 : 0;

async function work(): Promise<void> {
  for (let seed = left.shift(); seed !== undefined; seed = left.shift()) {
    if (known.has(seed)) continue;
    underWay.add(seed);
    const one = await tryOut(seed);
    underWay.delete(seed);
    done.push(one);
    if (values.log !== undefined) appendFileSync(values.log, `${JSON.stringify(one)}\n`);
    if (one.wrong !== undefined) console.error(one.wrong);
  }
}

/** What was closed takes a moment to be gone. */
async function settled(): Promise<void> {
  for (let tries = 0; process.getActiveResourcesInfo().some(isOpen) && tries < 100; tries += 1)
    await new Promise((resolve) => setImmediate(resolve));
}

/** Whether it is something of ours: output streams are not. */
function isOpen(resource: string): boolean {
  return /^(Timeout|TCP|FSReq)/.test(resource);
}

function readLog(): Done[] {
  if (values.log === undefined || !existsSync(values.log)) return [];
  const lines = readFileSync(values.log, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Done);
}
