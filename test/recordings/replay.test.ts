// Recorded sessions, played over HTTP to our claude(): each must come to the recorded end, whether it is followed live
// or found when all is over. Cut and joined at every point: cuts.long.test.ts.

import { describe, expect, it } from "vitest";

import { GONE, RECORDINGS } from "./logs/index.ts";
import { workerKilled } from "./logs/worker-killed.ts";
import { playOut, whole } from "./play.ts";
import { postsIn } from "./recording.ts";

describe.each(RECORDINGS)("a recorded session: $name", (recording) => {
  const posted = postsIn(recording).map(({ id }) => id);

  it("followed live comes to its recorded end [F2-replay]", async () => {
    expect(await playOut(recording)).toMatchObject(whole(recording));
  });

  it("found when all is over has that end, and nothing is posted or run [F2-replay]", async () => {
    const outcome = await playOut(recording, { from: recording.steps.length });
    const { ending = "completed", details } = recording.runs.at(-1) ?? {};
    const end = { failed: "", runs: [{ ending, ...(details && { details }) }] };
    expect(outcome).toMatchObject({ posted, refused: [], executed: [] });
    expect(outcome).toMatchObject(GONE[ending] ?? end);
  });
});

it("a session whose worker was killed is waited for as long as a run may take, then left with an interrupt [F2-worker]", async () => {
  const given = await playOut(workerKilled);
  expect(given.failed).toContain("timeout: ");
  expect(given).toMatchObject({ posted: ["msg_check", "stop_check"], refused: [], executed: [] });
});
