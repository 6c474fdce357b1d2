// Workers as processes, called by a real Restate, over one SQLite file: what dies, and what is left of the sessions.

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { Cell } from "../../sessions/fleet/campaign.ts";
import { runCell } from "../../sessions/fleet/campaign.ts";
import { newStorePath } from "../../stores/sqlite/files.ts";
import type { RestateServer } from "./server.ts";
import { restateServer, skipped, whyNoRestate } from "./server.ts";

const CELLS: readonly Cell[] = [
  "killed",
  "all killed",
  "drained",
  "cut off",
  "engine killed",
  "engine emptied",
];
const NOT_KILLED: ReadonlySet<Cell> = new Set(["drained", "cut off", "engine killed", "engine emptied"]);

describe.skipIf(whyNoRestate !== undefined)(`a fleet over Restate${skipped}`, () => {
  let restate: RestateServer;
  beforeAll(async () => {
    restate = await restateServer();
  });
  afterAll(() => restate[Symbol.asyncDispose]());

  it.each(CELLS)("%s: every message once, no recorded step again", { timeout: 120_000 }, async (cell) => {
    const run = {
      cell,
      where: newStorePath(),
      ifCrashed: "answer",
      sessions: 8,
      steps: 10,
      afterMs: 400,
    } as const;
    const left = await runCell({ ...run, restate });
    if (process.env["LOOPHOST_FIGURES"] !== undefined) console.log(cell, JSON.stringify(left));
    // A call that was under way in a process that died may have taken effect: the model is told so.
    const unexpected = NOT_KILLED.has(cell) ? left.unknown : 0;
    expect({ ...left, unknown: unexpected }).toMatchObject({ repeated: 0, lost: 0, rerun: 0, unknown: 0 });
  });
});
