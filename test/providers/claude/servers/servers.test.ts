// claude() with servers that nobody here wrote: each way in which they differ, alone and all at once. Every pair is in
// pairs.long.test.ts.

import { expect, it } from "vitest";

import { DIFFERENCES } from "./differences.ts";
import { playStory } from "./story.ts";

it.each(DIFFERENCES)("works with a server of which %s", async (_, how) => {
  await expect(playStory(how)).resolves.toBeUndefined();
});

it("works with a server that differs in all of it [A-121]", async () => {
  const all = Object.assign({}, ...DIFFERENCES.map(([, how]) => how));
  await expect(playStory(all)).resolves.toBeUndefined();
});
