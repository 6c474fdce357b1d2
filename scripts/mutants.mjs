// `npm run mutants`: plants faults in the core, the stores and the sessions, one at a time, and sees whether a test notices. What survives is
// a promise nobody checks: write the test, or say in scripts/mutants/equivalent.mjs why nobody could see the difference.
//
//   npm run mutants                     goes on where the last run stopped; what was caught in the same text is not run again
//   npm run mutants -- --each 8         so many places a file (5); --seed X draws others
//   npm run mutants -- --only turns     files whose path holds this; --fresh forgets what earlier runs found
//   npm run mutants -- --minutes 20     begins none after that long
//   npm run mutants -- --list           prints the faults and runs nothing
//   npm run mutants -- --table          prints what is known and runs nothing
//
// Exit code 1 when a fault survived that is not explained, or an explanation names none.

import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
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

/** Which tests should notice, the likely ones first: what their paths begin with. Long ones only where their path is named. */
const CORE = ["test/core", "test/properties", "test/contracts/faults", "test/contracts/three-hosts"];
const TESTS = {
  "src/core/loop/": [
    "test/core/loop",
    ...CORE,
    "test/durability",
    "test/contracts/provider",
    "test/messages",
  ],
  "src/core/journal/": [
    "test/core/journal",
    "test/core/session",
    "test/durability",
    "test/sessions",
    ...CORE,
  ],
  "src/core/execution/": ["test/core/execution", ...CORE, "test/durability"],
  "src/core/session/": ["test/core/session", ...CORE, "test/durability"],
  "src/core/wire/": ["test/core/wire", "test/providers/claude", "test/recordings"],
  "src/stores/postgres/": [
    "test/stores/postgres",
    "test/durability/postgres",
    "test/contracts/postgres-engine.long",
    "test/contracts/postgres-store.long",
    "test/stores/postgres/silent.long",
    "test/stores/postgres/patience.long",
  ],
  "src/stores/": ["test/stores", "test/contracts/store", "test/durability", "test/cli/store"],
  "src/sessions/": [
    "test/sessions/sessions",
    "test/sessions/drain",
    "test/sessions",
    "test/contracts/engine",
    "test/cli/sessions",
  ],
};

const { values: options } = parseArgs({
  options: {
    each: { type: "string", default: "5" },
    seed: { type: "string", default: "1" },
    only: { type: "string", default: "" },
    minutes: { type: "string", default: "Infinity" },
    fresh: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    table: { type: "boolean", default: false },
  },
});

const read = (file) => readFileSync(ROOT + file, "utf8");
const files = FILES.flatMap((glob) => globSync(glob, { cwd: ROOT }).toSorted());
const all = files.flatMap((file) => faultsOf(file, read(file)));
const { reasons, stale } = equivalents(all);
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
/** By id: the text that was tried, by its digest, and what caught it: "" for nothing. */
const known = options.fresh ? {} : readKnown();
const tests = globSync("test/**/*.test.ts", { cwd: ROOT }).toSorted();
/** The tests that pass with nothing planted. */
const sound = new Set();

if (options.list) {
  for (const fault of planted) console.log(lineOf(fault));
} else {
  if (!options.table) await runAll();
  printTable();
  for (const line of stale) console.log(line);
  process.exitCode = stale.length > 0 || planted.some((fault) => stateOf(fault) === "survived") ? 1 : 0;
}

/** Plants what is not known yet, as far as the time reaches; what was found is kept after each, for the next run. */
async function runAll() {
  const until = Date.now() + Number(options.minutes) * 60_000;
  const workshop = openWorkshop(ROOT);
  process.once("SIGINT", () => process.exit(130));
  process.once("exit", () => workshop.close());
  mkdirSync(dirname(CACHE), { recursive: true });
  // What survived before comes last, or a run of a few minutes would reach nothing else.
  const due = ["not reached", "survived"].flatMap((state) => planted.filter((one) => stateOf(one) === state));
  for (const fault of due) {
    if (Date.now() > until) break;
    const beganAt = Date.now();
    const caught = await catchIt(workshop, fault);
    known[fault.id] = { caught, digest: digestOf(fault.file, fault.mutated) };
    writeFileSync(CACHE, JSON.stringify(known));
    const seconds = ((Date.now() - beganAt) / 1000).toFixed(1);
    console.log(`${caught === "" ? "SURVIVED" : "caught  "} ${lineOf(fault)}`);
    console.log(`           ${caught && `by ${caught} `}(${seconds} s)`);
  }
  workshop.close();
}

/**
 * What fails. A test that fails with the fault has to fail again, since on a busy machine it may once be late; and pass with
 * nothing planted, since one that fails by itself would catch everything. One that timed out has to pass just before that, too.
 */
async function catchIt(workshop, fault) {
  const { file, mutated } = fault;
  for (let tries = 1; tries <= 3; tries += 1) {
    const first = await workshop.failureWith(file, mutated, testsFor(fault));
    if (!first) return "";
    const isLate = /timed out/i.test(first.message);
    if (!(await passes(workshop, first.file, isLate ? first.fullName : ""))) continue;
    const again =
      (first.fullName && (await workshop.failureWith(file, mutated, [first.file], first.fullName))) ||
      (await workshop.failureWith(file, mutated, [first.file]));
    if (again) return `${again.file} > ${again.fullName || again.message}${isLate ? " (timed out)" : ""}`;
  }
  return "";
}

/** Whether a test file, or one test of it, passes with nothing planted; one that does not is left out from then on. */
async function passes(workshop, test, fullName) {
  if (fullName === "" && sound.has(test)) return true;
  for (let tries = 1; tries <= 3; tries += 1)
    if (!(await workshop.failureWith(files[0], read(files[0]), [test], fullName))) {
      if (fullName === "") sound.add(test);
      return true;
    }
  console.log(`left out: ${test} fails with nothing planted. ${fullName}`);
  tests.splice(tests.indexOf(test), 1);
  return false;
}

/** What caught this fault in an older text, what caught its neighbours, the test of the same name, then the rest of its part. */
function testsFor(fault) {
  const { file, id } = fault;
  const own = file.replace(/^src(.*)\.ts$/, "test$1.test.ts");
  const [, prefixes] = Object.entries(TESTS).find(([folder]) => file.startsWith(folder));
  const near = [own, ...prefixes].flatMap((prefix) =>
    tests.filter((test) => test.startsWith(prefix) && (prefix.includes(".long") || !test.includes(".long."))),
  );
  const catches = new Map();
  for (const other of all.filter((one) => known[one.id] && dirname(one.file) === dirname(file))) {
    const weight = other.id === id ? 10_000 : other.file === file ? 100 : 1;
    const [test] = known[other.id].caught.split(" > ");
    if (tests.includes(test)) catches.set(test, (catches.get(test) ?? 0) + weight);
  }
  const likely = [...catches.keys()].toSorted((a, b) => catches.get(b) - catches.get(a)).slice(0, 3);
  return [...new Set([...likely, ...near])];
}

function stateOf(fault) {
  if (reasons.has(fault.id)) return "equivalent";
  const before = known[fault.id];
  if (before?.digest !== digestOf(fault.file, fault.mutated)) return "not reached";
  return before.caught === "" ? "survived" : "caught";
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

/** How many of each kind, by folder, and what survived. */
function printTable() {
  const kinds = ["caught", "equivalent", "survived", "not reached"];
  const states = planted.map((fault) => ({
    fault,
    state: stateOf(fault),
    folder: fault.operator === "named" ? "(named)" : dirname(fault.file),
  }));
  console.log(`\nfolder | planted | ${kinds.join(" | ")}\n${"---|".repeat(kinds.length + 1)}---`);
  for (const [folder, row] of Object.entries({
    ...Object.groupBy(states, (one) => one.folder),
    all: states,
  })) {
    const counts = kinds.map((kind) => row.filter(({ state }) => state === kind).length);
    console.log([folder, row.length, ...counts].join(" | "));
  }
  for (const { fault, state } of states) if (state === "survived") console.log(`survived: ${lineOf(fault)}`);
}
