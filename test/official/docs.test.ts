// docs/compatibility.md says of the releases what the tests of this folder found.

import { expect, it } from "vitest";

import { codesIn, readPage, rowsUnder } from "../support/pages.ts";
import { RELEASES } from "./releases.ts";

it("docs/compatibility.md tells each release, its header and the events it drops", () => {
  const rows = rowsUnder(readPage("docs/compatibility.md"), "Releases of the official SDK");
  const told = rows.map(([release = "", key = "", drops = ""]) => [
    codesIn(release),
    codesIn(key),
    codesIn(drops),
  ]);
  const found = RELEASES.map(({ version, keyHeader, drops }) => [
    [version],
    [keyHeader === "authorization" ? "Authorization: Bearer" : keyHeader],
    [...new Set(drops.map((name) => name.replace(/^workflow_run\..*/, "workflow_run.*")))],
  ]);
  expect(told).toEqual(found);
});
