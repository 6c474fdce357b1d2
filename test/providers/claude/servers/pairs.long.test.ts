// claude() with servers that differ in two ways at once: every pair.

import { expect, it } from "vitest";

import { DIFFERENCES } from "./differences.ts";
import { playStory } from "./story.ts";

const pairs = DIFFERENCES.flatMap(([one, how], index) =>
  DIFFERENCES.slice(index + 1).map(([other, more]) => [`${one}, and ${other}`, { ...how, ...more }] as const),
);

it.each(pairs)("works with a server of which %s", async (_, how) => {
  await expect(playStory(how)).resolves.toBeUndefined();
});
