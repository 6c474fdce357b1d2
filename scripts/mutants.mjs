// `npm run mutants`: plants faults in the core, the stores and the sessions, one at a time, and sees whether a test notices. What survives is
// a promise nobody checks: write the test, or say in scripts/mutants/equivalent.mjs why nobody could see the difference.
//
//   npm run mutants                     goes on where the last run stopped; what was caught in the same text is not run again
//   npm run mutants -- --each 8         so many places a file (5); --seed X draws others
//   npm run mutants -- --only turns     files whose path holds this; --fresh forgets what earlier runs found
//   npm run mutants -- --minutes 20     begins none after that long
//   npm run mutants -- --whole          survivors of the tests nearby meet all quick tests too
//   npm run mutants -- --list           prints the faults and runs nothing
//
// Exit code 1 when a fault survived that is not explained.

import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { equivalents } from "./mutants/equivalent.mjs";
import { namedFaults } from "./mutants/named.mjs";
import { digestOf, draw, faultsOf } from "./mutants/operators.mjs";
import { openWorkshop } from "./mutants/workshop.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const CACHE = `${ROOT}node_modules/.cache/mutants.json`;

const FILES = [
  "src/core/{loop,journal,execution}/*.ts",
  "src/core/wire/attached-stream.ts",
  "src/stores/{,sqlite/}*.ts",
  "src/sessions/*.ts",
  "src/stores/postgres/**/*.ts",
];

/** Which tests should notice, the quickest first: a fault meets the next group once it has survived the one before. */
const CORE = ["test/core", "test/properties", "test/contracts/faults", "test/contracts/three-hosts"];
const STORED = ["test/stores", "test/contracts/store", "test/durability", "test/sessions"];
const TESTS = {
  "src/core/loop/": [
    ["test/core/loop"],
    CORE,
    ["test/durability", "test/contracts/provider", "test/messages"],
  ],
  "src/core/journal/": [["test/core/journal", "test/core/session"], STORED, CORE],
  "src/core/execution/": [["test/core/execution"], CORE, ["test/durability"]],
  "src/core/session/": [["test/core/session"], CORE, ["test/durability"]],
  "src/core/wire/": [["test/core/wire"], ["test/providers/claude", "test/recordings"]],
  "src/stores/postgres/": [["test/stores/postgres", "test/contracts/store"], ["test/contracts/engine"]],
  "src/stores/": [
    ["test/stores", "test/contracts/store"],
    ["test/durability", "test/cli/store"],
  ],
  "src/sessions/": [
    ["test/sessions/sessions", "test/sessions/drain"],
    ["test/sessions", "test/contracts/engine"],
    ["test/cli/sessions"],
  ],
};

const LIMIT_MS = 300_000;
const WHOLE = ["test"];
const WHOLE_LIMIT_MS = 600_000;

const { values: options } = parseArgs({
  options: {
    each: { type: "string", default: "5" },
    seed: { type: "string", default: "1" },
    only: { type: "string", default: "" },
    minutes: { type: "string", default: "Infinity" },
    fresh: { type: "boolean", default: false },
    whole: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
  },
});

const read = (file) => readFileSync(ROOT + file, "utf8");
const files = FILES.flatMap((glob) => globSync(glob, { cwd: ROOT }).toSorted());
const all = files.flatMap((file) => faultsOf(file, read(file)));
const reasons = equivalents(all);
/** The tests that pass with nothing planted. */
const sound = new Set();
const planted = [
  ...namedFaults(read),
  ...files.flatMap((file) =>
    draw(
      all.filter((fault) => fault.file === file),
      Number(options.each),
      options.seed,
    ),
  ),
].filter(({ file }) => file.includes(options.only));

if (options.list) {
  for (const fault of planted) console.log(lineOf(fault));
} else {
  const found = await runAll(planted);
  printTable(found);
  process.exitCode = found.some(({ fault, caught }) => caught === "" && !reasons.has(fault.id)) ? 1 : 0;
}

/** What each fault met, as far as the time reached; what was found is kept after each, for the next run. */
async function runAll(faults) {
  const known = options.fresh ? {} : readKnown();
  const until = Date.now() + Number(options.minutes) * 60_000;
  const workshop = openWorkshop(ROOT);
  process.once("SIGINT", () => process.exit(130));
  process.once("exit", () => workshop.close());
  const found = [];
  const fresh = [];
  const survivors = [];
  for (const fault of faults) {
    const digest = digestOf(fault.file, fault.mutated);
    const before = known[fault.id]?.digest === digest ? known[fault.id].caught : undefined;
    if (before || reasons.has(fault.id)) found.push({ fault, caught: before ?? "" });
    else (before === undefined ? fresh : survivors).push({ fault, digest });
  }
  // What survived before comes last, or a run of a few minutes would reach nothing else.
  for (const { fault, digest } of [...fresh, ...survivors]) {
    if (Date.now() > until) break;
    const caught = await catchIt(workshop, fault);
    known[fault.id] = { caught, digest };
    mkdirSync(`${ROOT}node_modules/.cache`, { recursive: true });
    writeFileSync(CACHE, JSON.stringify(known));
    found.push({ fault, caught });
    console.log(
      `${caught === "" ? "SURVIVED" : "caught  "} ${lineOf(fault)}${caught && `\n           by ${caught}`}`,
    );
  }
  return found;
}

/**
 * What fails. A test that fails with the fault has to fail again, since on a busy machine it may once be late; and pass with
 * nothing planted, since one that fails by itself would catch everything.
 */
async function failureOf(workshop, { file, mutated }, tests) {
  const limitMs = tests === WHOLE ? WHOLE_LIMIT_MS : LIMIT_MS;
  for (let tries = 1; tries <= 3; tries += 1) {
    const failure = await workshop.failureWith(file, mutated, tests, limitMs);
    if (failure === "") return "";
    const [named] = failure.split(" > ");
    const failed = named.startsWith("test/") ? [named] : tests;
    await mustPass(workshop, failed);
    if (failed === tests || (await workshop.failureWith(file, mutated, failed, limitMs)) !== "")
      return failure;
  }
  return "";
}

async function mustPass(workshop, tests) {
  const names = tests.join(" ");
  if (sound.has(names)) return;
  let failure = "?";
  for (let tries = 1; tries <= 3 && failure !== ""; tries += 1)
    failure = await workshop.failureWith(files[0], read(files[0]), tests, WHOLE_LIMIT_MS);
  if (failure !== "") throw new Error(`With nothing planted, ${names} fails: ${failure}`);
  sound.add(names);
}

/** The test of the same name, where there is one, then those of its folder. */
function groupsOf(file) {
  const own = file.replace(/^src(.*)\.ts$/, "test$1.test.ts");
  const [, groups] = Object.entries(TESTS).find(([folder]) => file.startsWith(folder));
  return existsSync(ROOT + own) ? [[own], ...groups] : groups;
}

async function catchIt(workshop, fault) {
  const groups = groupsOf(fault.file);
  for (const tests of options.whole ? [...groups, WHOLE] : groups) {
    const failure = await failureOf(workshop, fault, tests);
    if (failure !== "") return failure;
  }
  return "";
}

function readKnown() {
  try {
    return JSON.parse(readFileSync(CACHE, "utf8"));
  } catch {
    return {};
  }
}

function lineOf({ id, operator, file, at, was, is }) {
  const what = operator === "named" ? at : `${was || "…"} -> ${is || "(nothing)"}\n           in ${at}`;
  return `${id} ${operator.padEnd(10)} ${file}: ${what}`;
}

/** Planted, caught, equivalent and survived, by file. */
function printTable(found) {
  const rows = Object.groupBy(found, ({ fault }) => (fault.operator === "named" ? "(named)" : fault.file));
  const missed = planted.length - found.length;
  if (missed > 0) console.log(`\n${missed} of ${planted.length} not reached: run it again.`);
  console.log("\nfile | planted | caught | equivalent | survived\n---|---|---|---|---");
  for (const [name, row] of Object.entries({ ...rows, all: found })) {
    const caught = row.filter((one) => one.caught !== "").length;
    const equivalent = row.filter(({ fault }) => reasons.has(fault.id)).length;
    console.log(`${name} | ${row.length} | ${caught} | ${equivalent} | ${row.length - caught - equivalent}`);
  }
  for (const { fault, caught } of found)
    if (caught === "" && !reasons.has(fault.id)) console.log(`survived: ${lineOf(fault)}`);
}
