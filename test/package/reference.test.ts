// docs/reference/ says what the doc comments of the options say today, and no option is without one.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

import { expect, it } from "vitest";

import { ROOT } from "../support/source.ts";

it("is what the source says, and has a doc comment for every option", () => {
  const { status, stderr } = spawnSync(process.execPath, ["scripts/reference.mjs", "--check"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([0, ""]);
});

it("tells required options, defaults and errors apart", () => {
  const page = readFileSync(`${ROOT}docs/reference/stores.md`, "utf8");
  expect(page).toMatch(/^\| `maxWaitMs` +\| `number` +\| 5000 +\|/m);
  expect(page).toContain("Errors: LoophostError `invalid_options` for a path that is none");
  expect(readFileSync(`${ROOT}docs/reference/core.md`, "utf8")).toMatch(/^\| `provider` .*\| required +\|/m);
});
