// A copy of the tree in which one file at a time is spoilt, and the process that runs tests there. Files are hard links until they
// are replaced, so the tree itself is never touched.

import { fork, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** After so many runs the process is replaced: what tests that were cut short have left running ends with it. */
const RUNS_PER_PROCESS = 60;

/** Makes the copy beside the tree, since links do not cross file systems; `close` removes it. It has one name: one run at a time. */
export function openWorkshop(root) {
  const folder = `${root.replace(/\/$/, "")}-mutants`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const entries = readdirSync(root).filter((name) => name !== ".git");
  const copied = spawnSync("cp", ["-al", ...entries.map((name) => join(root, name)), folder], {
    encoding: "utf8",
  });
  if (copied.status !== 0) throw new Error(`the tree could not be linked: ${copied.stderr}`);
  /** Where the file waits that is spoilt now. */
  const whole = join(folder, "whole");
  let runner;
  let runs = 0;

  function stopRunner() {
    runner?.removeAllListeners();
    try {
      // The group, so that what tests started ends, too.
      if (runner) process.kill(-runner.pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
    runner = undefined;
    runs = 0;
  }

  function askRunner(request) {
    if (runs >= RUNS_PER_PROCESS) stopRunner();
    runs += 1;
    runner ??= fork("scripts/mutants/runner.mjs", {
      cwd: folder,
      detached: true,
      // A bound on memory, so that an endless list ends, too.
      env: { ...process.env, NODE_OPTIONS: "--max-old-space-size=1024", NO_COLOR: "1" },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    return new Promise((resolve) => {
      runner.removeAllListeners();
      runner.once("exit", () => {
        runner = undefined;
        resolve({ file: request.tests[0], fullName: "", message: "the process of the tests ended" });
      });
      runner.once("message", ({ failure, isStuck }) => {
        if (isStuck) stopRunner();
        resolve(failure);
      });
      runner.send(request);
    });
  }

  return {
    /**
     * Runs test files in this order with one file spoilt, or just one of their tests, and gives the first failure: its file, the
     * full name of its test and a message; undefined when all pass.
     */
    async failureWith(file, text, tests, fullName = "") {
      const place = join(folder, file);
      renameSync(place, whole);
      writeFileSync(place, text);
      try {
        return await askRunner({ changed: file, tests, fullName });
      } finally {
        renameSync(whole, place);
      }
    },
    close() {
      stopRunner();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
