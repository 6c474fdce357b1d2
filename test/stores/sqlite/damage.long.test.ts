// A thousand bits that flip, one at a time: none is read as the truth, and no commit is lost in silence.

import { expect, it } from "vitest";

import { flipBits, leftFiles } from "./flips.ts";

it("says every damage there is", { timeout: 300_000 }, async () => {
  const outcomes = await flipBits(await leftFiles(), 1_000, 7);
  expect(outcomes).toMatchObject({ wrong: 0, lost: 0 });
  expect(outcomes.found).toBe(outcomes.said);
});
