// What a log may hold: entries this release folds, and those of a newer one that it must not skip.

import { expect, it } from "vitest";

import { FOLD, isForNewer, toFold } from "../../../src/core/journal/entry.ts";

it("folds what needs this version or an older one, and refuses what needs a newer one or is no entry", () => {
  for (const needs of [undefined, 0, FOLD - 1, FOLD]) {
    const entry = { type: "x", ...(needs !== undefined && { needs }) };
    expect(toFold(entry)).toEqual(entry);
  }
  for (const stored of [
    { type: "x", needs: FOLD + 1 },
    { type: "x", needs: "more" },
    { type: 5 },
    {},
    "x",
    null,
  ])
    expect(() => toFold(stored), JSON.stringify(stored)).toThrow("a newer loophost wrote it");
});

it("tells a session that needs a newer release from one that fails", () => {
  const cause = (() => {
    try {
      return toFold({ type: "x", needs: FOLD + 1 });
    } catch (thrown) {
      return thrown;
    }
  })();
  expect(isForNewer(new Error("It could not be read", { cause }))).toBe(true);
  expect(isForNewer(new Error("It could not be read", { cause: new Error("…") }))).toBe(false);
  expect(isForNewer(new Error("It could not be read"))).toBe(false);
});
