// Projects that `loophost init` makes run their own test, and tsc has nothing to say about them.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { afterEach, beforeEach, expect, it } from "vitest";

import { ROOT } from "../support/source.ts";
import { linkPackages } from "./linked-packages.ts";
import { loophost } from "./loophost.ts";

const RUN = promisify(execFile);

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "loophost-init-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it.each(["tools", "worker"] as const)("makes a project that runs and type-checks: %s", async (template) => {
  await loophost(["init", "--template", template], { cwd: folder });
  await linkPackages(folder);
  const { scripts } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const test = scripts.test.replace("node", "node --conditions=loophost:source").split(" ");
  const env = { PATH: process.env["PATH"] };
  const { stdout } = await RUN(process.execPath, test.slice(1), { cwd: folder, env });
  expect(stdout).toMatch(/fail 0\n/);
  const tsc = [`${ROOT}node_modules/typescript/bin/tsc`, "--customConditions", "loophost:source"];
  const checked = await RUN(process.execPath, tsc, { cwd: folder }).catch((thrown: unknown) => thrown);
  expect(checked).toMatchObject({ stdout: "" });
});
