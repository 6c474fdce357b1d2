// Projects that `loophost init` makes: what is written, what is left alone, and that it runs and type-checks.

import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { afterEach, beforeEach, expect, it } from "vitest";

import { projectManifest } from "../../src/cli/init/manifest.ts";
import { rendered, TEMPLATES } from "../../src/cli/init/templates.ts";
import { linkPackages } from "./linked-packages.ts";
import { loophost } from "./loophost.ts";

const RUN = promisify(execFile);

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "loophost-init-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const init = (...args: string[]) => loophost(["init", ...args], { cwd: folder });
const manifestOf = async (path = folder) => JSON.parse(await readFile(join(path, "package.json"), "utf8"));

it("makes a new folder, and says what comes next", async () => {
  const { code, stdout, stderr } = await init("my-agent");
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toContain("Wrote package.json, agent.ts, agent.test.ts, tsconfig.json in my-agent.");
  expect(stdout).toContain("cd my-agent\n  npm install\n  npm test");
  const manifest = await manifestOf(join(folder, "my-agent"));
  expect(manifest).toMatchObject({ name: "my-agent", type: "module", dependencies: { loophost: "^0.1.0" } });
});

it("keeps what a package.json has, but for CommonJS and the test script that only fails", async () => {
  const scripts = { test: 'echo "Error: no test specified" && exit 1', start: "node mine.mjs" };
  const found = { name: "mine", type: "commonjs", scripts, dependencies: { loophost: "file:../l.tgz" } };
  await writeFile(join(folder, "package.json"), JSON.stringify(found));
  const { code, stdout } = await init();
  expect([code, stdout]).toEqual([0, expect.stringContaining('package.json now says "type": "module"')]);
  expect(await manifestOf()).toMatchObject({
    name: "mine",
    type: "module",
    scripts: { start: "node mine.mjs", test: "node --test agent.test.ts", types: "tsc" },
    dependencies: { loophost: "file:../l.tgz" },
  });
});

it("takes the package from where the project around it has it", async () => {
  await writeFile(join(folder, "package.json"), JSON.stringify({ dependencies: { loophost: "file:l.tgz" } }));
  const { dependencies } = await projectManifest(join(folder, "a", "b"), {}, undefined);
  expect(dependencies).toEqual({ loophost: "file:../../l.tgz" });
});

it.each<[name: string, files: Record<string, string>, args: string[], problem: string]>([
  ["a file is there", { "agent.ts": "mine" }, [], "agent.ts is there already, and nothing is overwritten."],
  [
    "it would break CommonJS",
    { "package.json": "{}", "a.js": "" },
    [],
    "would break a.js. Name a new folder",
  ],
  ["package.json is no JSON", { "package.json": "{" }, [], "package.json is not JSON"],
  ["package.json is a list", { "package.json": "[]" }, [], "package.json does not hold an object."],
  ["there is no such template", {}, ["--template", "x"], 'There is no template "x", only tools and worker.'],
  ["there are two folders", {}, ["a", "b"], "init takes one folder."],
])("writes nothing when %s", async (_, files, args, problem) => {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const { code, stderr } = await init(...args);
  expect([code, stderr]).toEqual([2, expect.stringContaining(problem)]);
  expect((await readdir(folder)).toSorted()).toEqual(Object.keys(files).toSorted());
  for (const [name, text] of Object.entries(files))
    expect(await readFile(join(folder, name), "utf8")).toBe(text);
});

it("has the agent call its tool without a key, by the built-in model", async () => {
  await init();
  await linkPackages(folder);
  const said = 'lookup_order {"id":"42"}';
  const { code, stdout, stderr } = await loophost(["run", "agent.ts", said, "--model", "scripted"], {
    cwd: folder,
  });
  expect([code, stdout]).toEqual([0, "lookup_order answered: shipped, arrives Tuesday\n"]);
  expect(stderr).toContain("support · local · scripted (built in)");
});

it.each(Object.entries(TEMPLATES))("is JavaScript where Node runs no TypeScript: %s", async (_, files) => {
  const scripts = Object.entries(files).filter(([name]) => name.endsWith(".ts"));
  for (const [name, text] of scripts) {
    const file = join(folder, name.replace(/\.ts$/, ".mjs"));
    await writeFile(file, rendered(text, false));
    await RUN(process.execPath, ["--check", file]);
    expect(rendered(text, false)).not.toMatch(/[‹›]|from "\.[^"]*\.ts"/);
  }
});
