// Workers as processes, called by a real Restate: what dies, and what is left of the sessions. `npm run fleet` has all cells.

import { afterAll, describe, expect, it } from "vitest";

import { runCell } from "../../sessions/fleet/campaign.ts";
import { places, whyNot } from "../../sessions/fleet/places.ts";

const SETTING = { engine: "restate", provider: "local" } as const;
const why = whyNot("restate");

describe.skipIf(why !== undefined)(
  `a fleet over Restate${why === undefined ? "" : ` (skipped: ${why})`}`,
  () => {
    const at = places();
    afterAll(() => at[Symbol.asyncDispose]());

    it.each(["K1", "K3 engine", "K4", "K11 killed", "K11 emptied", "K14"])(
      "%s: every message once, no recorded step again",
      { timeout: 120_000 },
      async (cell) => {
        const left = await runCell(at, { ...SETTING, cell, run: 0 }, { seed: 1, isShort: true });
        if (process.env["LOOPHOST_FIGURES"] !== undefined) console.log(cell, JSON.stringify(left));
        expect(left).toMatchObject({ repeated: 0, lost: 0, rerun: 0, wrong: [] });
      },
    );
  },
);
