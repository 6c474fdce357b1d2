// The command line before anything runs: help, version, and every way to hold it wrong.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, expect, it } from "vitest";

import manifest from "../../package.json" with { type: "json" };
import { loophost } from "./loophost.ts";

const SUPPORT = fileURLToPath(import.meta.resolve("./agents/support.ts"));

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "loophost-cli-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("prints its version", async () => {
  const { code, stdout } = await loophost(["--version"]);
  expect([code, stdout]).toEqual([0, `${manifest.version}\n`]);
});

it.each([
  [[], ["run", "resume", "approve", "deny", "answer", "sessions", "serve", "demo", "--version"]],
  [["run"], ["--provider", "--model", "--base-url", "--yes", "--json", "--store", "ANTHROPIC_API_KEY"]],
  [["run"], ["--session", "--steps", "--wait", "--take", "--changed-agent", "LOOPHOST_STORE"]],
  [["resume"], ["<session>", "<agent-file>", "--store", "--wait", "--take", "--changed-agent"]],
  [["approve"], ["<call>", "--no-run", "--store", "--yes", "Example"]],
  [["deny"], ["<call>", "--why", "--no-run", "--store", "--yes"]],
  [["answer"], ["<call>", "<text>", "--file", "--error", "--no-run", "--store"]],
  [["sessions"], ["show", "follow", "send", "export", "delete", "prune", "--older-than", "--store"]],
  [["interrupt"], ["<session>", "--store", "--json"]],
  [["provision"], ["--environment", "--check", "--role", "--json", "Example"]],
  [["teardown"], ["--dry-run", "--json"]],
  [["agents"], ["tag", "prune", "--keep", "--dry-run"]],
  [["artifacts"], ["list", "get", "put", "rm", "--wait-ms"]],
  [["worker"], ["--store", "--max", "--grace-ms", "--port", "SIGTERM"]],
  [["serve"], ["--port", "--host", "--api-key", "--model", "--advertise"]],
  [["demo"], ["[folder]", "--model"]],
  [["init"], ["[folder]", "--template", "Example"]],
])("explains itself, exit codes included: %j --help", async (command, flags) => {
  const { code, stdout, stderr } = await loophost([...command, "--help"]);
  expect([code, stderr]).toEqual([0, ""]);
  for (const flag of flags) expect(stdout).toContain(flag);
  for (const exitCode of [0, 1, 2, 3, 4, 5, 6, 7, 8, 130])
    expect(stdout).toMatch(new RegExp(`^ +${exitCode}  `, "m"));
});

it("shows help and fails when nothing is asked of it", async () => {
  const { code, stdout, stderr } = await loophost([]);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toContain("Usage");
});

it.each<[code: number, args: string[], problem: string]>([
  [2, ["rnu"], 'There is no command "rnu". See: loophost --help'],
  [2, ["run"], "An agent file is missing. See: loophost run --help"],
  [2, ["run", "agent.ts"], "A prompt is missing. See: loophost run --help"],
  [2, ["run", "a.ts", "two", "words"], "There is more than one prompt"],
  [2, ["run", "a.ts", "hi", "--fast"], "Unknown option '--fast'. See: loophost run --help"],
  [2, ["run", "a.ts", "hi", "--model"], "Option '--model <value>' argument missing."],
  [
    2,
    ["run", "a.ts", "hi", "--provider", "x"],
    'There is no provider "x", only local, claude and agentcore.',
  ],
  [
    2,
    ["run", "a.ts", "hi", "--base-url", "http://x"],
    "--base-url goes with --provider claude and --provider agentcore.",
  ],
  [3, ["run", "nowhere.ts", "hi"], "There is no file nowhere.ts."],
  [2, ["run", SUPPORT, "--session", "s"], "No store is named to find the session in; pass --store <file>."],
  [2, ["run", "a.ts", "--session", "s", "--wait", "--take"], "--wait and --take exclude each other."],
  [2, ["resume"], "A session is missing. See: loophost resume --help"],
  [2, ["resume", "s"], "The agent file is missing: it has the tools, which no store can keep."],
  [2, ["resume", "s", "a.ts", "hi"], "resume takes no prompt"],
  [8, ["resume", "s", SUPPORT, "--store", "nowhere.db"], "There is no store nowhere.db."],
  [2, ["approve"], "A session is missing."],
  [2, ["approve", "s"], "A call is missing; loophost sessions lists those that wait."],
  [2, ["approve", "s", "c"], "The agent file is missing: it has the tools, which no store can keep."],
  [2, ["approve", "s", "c", "a.ts", "d"], "approve takes one call; got also d."],
  [2, ["approve", "s", "c", "a.ts", "--deny"], "Unknown option '--deny'. See: loophost approve --help"],
  [2, ["deny", "s"], "A call is missing; loophost sessions lists those that wait."],
  [2, ["answer", "s", "c", "a.ts"], "One answer is needed: a text, or --file <path>."],
  [2, ["answer", "s", "c", "a.ts", "yes", "--file", "x"], "One answer is needed: a text, or --file <path>."],
  [2, ["answer", "s", "c", "a.ts", "--file", "nowhere.txt"], "The answer cannot be read: ENOENT"],
  [2, ["sessions"], "No store is named; pass --store <file>. See: loophost sessions --help"],
  [
    2,
    ["sessions", "tell"],
    'There is no "sessions tell", only list, show, follow, send, export, delete, prune.',
  ],
  [2, ["sessions", "show"], "A session is missing."],
  [2, ["sessions", "show", "s", "--follow"], '--follow does not go with "sessions show".'],
  [2, ["sessions", "send", "s"], "A text is missing."],
  [2, ["sessions", "list", "s"], '"sessions list" takes no further argument.'],
  [3, ["run", "src", "hi"], "src is not a file"],
  [3, ["run", "", "hi"], '"" is not a file'],
  [2, ["serve", "--port", "-1"], "use '--port=-XYZ'. See: loophost serve --help"],
  [2, ["serve", "here"], "serve takes no argument"],
  [2, ["serve", "--prices", "nowhere.json"], "--prices nowhere.json cannot be read: ENOENT"],
  [2, ["serve", "--port", "many"], "--port must be a number"],
  [2, ["serve", "--port", "65536"], "--port must be a number"],
  [2, ["serve", "--host", "0.0.0.0", "--port", "0"], "Pass --api-key or set LOOPHOST_API_KEY, or listen on"],
  [2, ["serve", "--port", "4190"], "No fetch connects to port 4190"],
  [2, ["serve", "--advertise", "http://10.0.0.7:4100"], "name it with --store"],
  [2, ["serve", "--store", "postgres://h/d", "--take"], "Hosts share this store: there is none to wait for"],
  [
    2,
    ["serve", "--store", "postgres://h/d", "--advertise", "10.0.0.7"],
    "advertise must be an address such as",
  ],
  [2, ["demo", "a", "b"], "demo takes one folder."],
  [3, ["demo", "nowhere"], "There is no folder nowhere."],
  [3, ["demo", "package.json"], "package.json is not a folder."],
])("ends with %i and one line for %j", async (code, args, problem) => {
  const ended = await loophost(args);
  expect(ended).toMatchObject({ code, stdout: "" });
  expect(ended.stderr).toMatch(/^loophost: [^\n]+\n$/);
  expect(ended.stderr).toContain(problem);
});

it.each<[code: number, file: string, source: string, problem: string]>([
  [3, "bad.mjs", "const a = 1;\nconst = 5;\n", "bad.mjs:2: syntax error: Unexpected token '='"],
  [3, "bad.ts", "const a: number = 1;\nconst = 5;\n", "bad.ts:2: syntax error: "],
  [
    3,
    "enum.ts",
    "\nenum A {}\nexport default A;\n",
    "enum.ts:2: syntax error: TypeScript enum is not supported in strip-only mode: Node only removes types. Write it as JavaScript",
  ],
  [
    4,
    "unknown.ts", // as Node refuses it under --no-strip-types, which the source itself cannot be run with
    "throw Object.assign(new Error('no'), { code: 'ERR_UNKNOWN_FILE_EXTENSION' });\n",
    "Use Node 22.18 or newer without --no-strip-types, or a JavaScript file.",
  ],
  [3, "user.ts", 'import "./bad.ts";\n', "bad.ts:2: syntax error: "],
  [3, "throws.ts", "\n\nthrow new Error('boom');\n", "throws.ts:3: boom"],
  [3, "name.mjs", 'import { nope } from "node:fs";\n', "name.mjs:1: The requested module 'node:fs'"],
  [4, "needs.ts", 'import "no-such-package";\n', 'the package "no-such-package", which is not installed'],
  [3, "none.mjs", "export const agent = 1;\n", "exports no agent."],
  [3, "two.mjs", `${agentNamed("a")}${agentNamed("b")}`, "exports several agents (a, b)"],
  [3, "half.mjs", 'export default { name: "a", instructions: "" };\n', "made by defineAgent"],
  [3, "common.cjs", 'import "node:fs";\n', "Node takes this for a CommonJS file: package.json says"],
  [3, "exits.mjs", "process.exit(0);\n", "called process.exit(): the agent file, or a tool of it"],
  [3, "fails.mjs", "process.exit(1);\n", "called process.exit()"],
  [1, "hangs.mjs", "await new Promise(() => undefined);\n", "waits for something that can no longer come"],
])("ends with %i and one line when %s is no agent file", async (code, file, source, problem) => {
  await writeFile(join(folder, "bad.ts"), "const a: number = 1;\nconst = 5;\n");
  await writeFile(join(folder, file), source);
  const ended = await loophost(["run", join(folder, file), "hi"]);
  expect(ended).toMatchObject({ code, stdout: "" });
  expect(ended.stderr).toMatch(/^loophost: [^\n]+\n$/);
  expect(ended.stderr).toContain(problem);
});

it.each(["default", "agent"])("takes an agent exported as %s", async (name) => {
  const file = join(folder, `${name}.mjs`);
  await writeFile(
    file,
    `${agentNamed("agent")}export { agent as default };\n`.replaceAll(
      "default",
      name === "default" ? "default" : "same",
    ),
  );
  expect(await loophost(["run", file, "hi"])).toMatchObject({ code: 4 });
});

function agentNamed(name: string): string {
  return `export const ${name} = { name: "${name}", instructions: "", model: "m", tools: [], limits: {} };\n`;
}
