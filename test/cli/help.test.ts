import { expect, it } from "vitest";

import { HELPS } from "./helps.ts";

it.each(HELPS)("the help of %s has an example, and lines that fit a terminal", (name, help) => {
  expect(help).toMatch(new RegExp(`^Examples?\\n  loophost ${name}`, "m"));
  expect(help.split("\n").filter((line) => line.length > 96)).toEqual([]);
});
