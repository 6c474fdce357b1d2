// How old a session has to be to be pruned, as it is typed.

import { expect, it } from "vitest";

import { readAge } from "../../../src/cli/sessions/prune.ts";

it("reads spans with a unit, and nothing else", () => {
  expect(["90s", "90m", "12h", "30d", "2w"].map(readAge)).toEqual([
    90_000, 5_400_000, 43_200_000, 2_592_000_000, 1_209_600_000,
  ]);
  for (const text of [undefined, "", "30", "d", "-1d", "1.5d", "1e3d", "30 d", "30D", "99999999d"])
    expect(() => readAge(text)).toThrow("prune needs --older-than with a span such as 30d, 12h or 90m");
});
