// What the SQLite of the oldest Node we run on takes.

import { globSync, readFileSync } from "node:fs";

import { expect, it } from "vitest";

import { ROOT } from "../../support/source.ts";

it("binds values by plain question marks: Node 22.13 takes ?1 for a name, and binds nothing to it by its place", () => {
  const files = globSync("src/stores/sqlite/*.ts", { cwd: ROOT });
  expect(files.length).toBeGreaterThan(5);
  const numbered = files.filter((file) => /[ (]\?\d/.test(readFileSync(ROOT + file, "utf8")));
  expect(numbered).toEqual([]);
});
