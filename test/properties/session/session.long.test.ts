// The property of session.test.ts, many times.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { wrongs } from "./owed.ts";
import { anySteps, HOSTS, play, STORES } from "./world.ts";

describe.each(HOSTS)("a session on %s, many times", (host) => {
  it.each(STORES)(
    "gives its user what it owes, whatever comes in which order: %s",
    async (store) => {
      await fc.assert(
        fc.asyncProperty(anySteps, async (chosen) => {
          expect(wrongs(await play(host, store, chosen))).toEqual([]);
        }),
        { numRuns: 300 },
      );
    },
    180_000,
  );
});
