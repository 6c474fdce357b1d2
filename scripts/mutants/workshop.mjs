// A copy of the tree in which one file at a time is spoilt, and the tests that run there. Files are hard links until they
// are replaced, so the tree itself is never touched.

import { spawn, spawnSync } from "node:child_process";
import { linkSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Makes the copy beside the tree, since links do not cross file systems; `close` removes it. It has one name, so that what vitest has
 * transformed there serves the next run, too: one run at a time.
 */
export function openWorkshop(root) {
  const folder = `${root.replace(/\/$/, "")}-mutants`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const cache = join(root, "node_modules/.cache/mutants");
  const entries = readdirSync(root).filter((name) => name !== ".git");
  const copied = spawnSync("cp", ["-al", ...entries.map((name) => join(root, name)), folder]);
  if (copied.status !== 0) throw new Error(`the tree could not be linked: ${copied.stderr}`);
  return {
    /** Runs tests with one file spoilt: "" when they pass, else the first test that fails, or what else went wrong. */
    async failureWith(file, mutated, tests, limitMs) {
      const place = join(folder, file);
      rmSync(place);
      writeFileSync(place, mutated);
      try {
        return await firstFailure(folder, cache, tests, limitMs);
      } finally {
        rmSync(place);
        linkSync(join(root, file), place);
      }
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

// A bound on time fails on a busy machine with nothing spoilt; what looks at the text of the tree fails at any change of it.
const LEFT_OUT = ["test/package/**"].flatMap((glob) => ["--exclude", glob]);

async function firstFailure(cwd, cache, tests, limitMs) {
  const vitest = join(cwd, "node_modules/vitest/vitest.mjs");
  // A group of its own, so that what tests started ends with them; a bound on memory, so that an endless list ends too.
  const child = spawn(
    process.execPath,
    [vitest, "run", "--bail", "1", "--color=false", `--fsModuleCachePath=${cache}`, ...LEFT_OUT, ...tests],
    {
      cwd,
      detached: true,
      env: { ...process.env, NODE_OPTIONS: "--max-old-space-size=1024", NO_COLOR: "1" },
    },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      output = (output + chunk).slice(-200_000);
    });
  const end = () => {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  };
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    end();
  }, limitMs);
  const status = await new Promise((resolve) => child.once("close", resolve));
  clearTimeout(timer);
  end();
  if (isLate) return `no end within ${limitMs / 1000} s`;
  if (status === 0) return "";
  return /FAIL\s+(.*)/.exec(output)?.[1] ?? /(\w*Error: .*)/.exec(output)?.[1] ?? `exit code ${status}`;
}
