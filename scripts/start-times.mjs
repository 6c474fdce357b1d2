// `npm run start-times [-- --rounds 9] [--store postgres://…]`: how soon the built command line begins. The median and the best
// time on the clock, and the CPU time of the process, until it says what it is there to say (one that ends then has none to show); interleaved, so that a busy
// machine is as busy for each. The first row is Node alone, which is in all others.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { emptyPlace } from "./packed.mjs";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "9" }, store: { type: "string" } },
});
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const MAIN = `${ROOT}dist/cli/main.js`;
const READY = "Ctrl-C";
const MS_PER_TICK = 10;

const place = emptyPlace("start-times");
const agent = join(place, "agent.mjs");
const library = pathToFileURL(`${ROOT}dist/index.js`).href;
writeFileSync(
  agent,
  `import { defineAgent } from "${library}"; export default defineAgent({ name: "a", instructions: "A" });`,
);

/** What is started, and what it has said then. */
const CASES = [
  { name: "node", args: ["-p", "1"], says: "1\n" },
  { name: "--version", args: [MAIN, "--version"], says: "\n" },
  { name: "--help", args: [MAIN, "--help"], says: "\n" },
  { name: "run", args: [MAIN, "run", agent, "Hi", "--model", "scripted"], says: "The tools are" },
  {
    name: "worker",
    args: [MAIN, "worker", agent, "--model", "scripted", "--store", join(place, "w.db")],
    says: READY,
  },
  { name: "serve", args: [MAIN, "serve", "--port", "0"], says: READY },
  {
    name: "serve --store file",
    args: [MAIN, "serve", "--port", "0", "--store", join(place, "s.db")],
    says: READY,
  },
  ...(values.store === undefined
    ? []
    : [
        {
          name: "serve --store postgres",
          args: [MAIN, "serve", "--port", "0", "--store", values.store],
          says: READY,
        },
      ]),
];

const times = new Map(CASES.map(({ name }) => [name, []]));
for (let round = 0; round < Number(values.rounds); round += 1)
  for (const one of CASES) times.get(one.name).push(await timeOf(one));
console.log(
  `${"".padEnd(24)}${["median ms", "best ms", "CPU ms"].map((head) => head.padStart(12)).join("")}`,
);
for (const [name, all] of times) {
  const clock = all.map(({ ms }) => ms).toSorted((a, b) => a - b);
  const cpu = all.map(({ cpuMs }) => cpuMs).toSorted((a, b) => a - b);
  const shown = [middleOf(clock), clock[0], middleOf(cpu)].map((ms) =>
    (Number.isNaN(ms) ? "" : ms.toFixed(0)).padStart(12),
  );
  console.log(`${name.padEnd(24)}${shown.join("")}`);
}

async function timeOf({ name, args, says }) {
  const begun = performance.now();
  const child = spawn(process.execPath, args, { env: { PATH: process.env["PATH"] } });
  let said = "";
  const hasSaid = new Promise((resolve, reject) => {
    const hear = (text) => {
      said += text;
      if (said.includes(says)) resolve(undefined);
    };
    child.stdout.setEncoding("utf8").on("data", hear);
    child.stderr.setEncoding("utf8").on("data", hear);
    child.on("close", () => reject(new Error(`${name} ended without "${says}": ${said}`)));
  });
  await hasSaid;
  const ms = performance.now() - begun;
  const cpuMs = cpuOf(child.pid);
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return { ms, cpuMs };
}

/** The CPU time of a process so far; not a number where /proc does not tell it, or once it is gone. */
function cpuOf(pid) {
  try {
    const [, fields = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
    const [user, system] = fields.split(" ").slice(11, 13).map(Number);
    return (user + system) * MS_PER_TICK;
  } catch {
    return Number.NaN;
  }
}

function middleOf(sorted) {
  return sorted[Math.floor(sorted.length / 2)];
}
