// The property of session.test.ts, many times. The seed is fixed, so that a run says the same each time; look for more with
// LOOPHOST_SEED=$RANDOM npm run test:long -- test/properties

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
        { numRuns: 200, seed: Number(process.env["LOOPHOST_SEED"] ?? 20_261_130) },
      );
    },
    180_000,
  );
});
