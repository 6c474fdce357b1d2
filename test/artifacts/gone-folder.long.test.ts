// A deploy replaces the folder that a process still runs in: it keeps writing where its relative paths led, and does not hang.

import { fork } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect, it, onTestFinished } from "vitest";

import { newFolder } from "./hosts.ts";

it("files and recordings are written below a working directory that was deleted", async () => {
  const cwd = newFolder();
  const script = fileURLToPath(new URL("gone-folder-process.ts", import.meta.url));
  const child = fork(script, { cwd, execArgv: process.execArgv });
  onTestFinished(() => void child.kill("SIGKILL"));
  expect(await once(child, "message")).toEqual(["done", undefined]);
  expect(readdirSync(join(cwd, "files", "session_1"))).toEqual(["a.txt"]);
  expect(readdirSync(join(cwd, "records"))).toHaveLength(1);
});
