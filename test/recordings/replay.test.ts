// Recorded sessions, played over HTTP to our claude(): each must come to the recorded end, whether it is followed live,
// found when all is over, joined at any point, or followed through a stream that is cut after any event.

import { describe, expect, it } from "vitest";

import * as company from "./logs/company.ts";
import * as endings from "./logs/endings.ts";
import * as tools from "./logs/tools.ts";
import { workerKilled } from "./logs/worker-killed.ts";
import { playOut, whole } from "./play.ts";
import { eventsIn, isPosted, postsIn, startsRun } from "./recording.ts";
import type { Recording } from "./recording.ts";

const RECORDINGS: readonly Recording[] = [tools, endings, company].flatMap((logs) => Object.values(logs));

/** How a session that is over for good refuses whoever comes later. */
const GONE: Readonly<Record<string, object>> = {
  terminated: { failed: expect.stringContaining("session_closed") },
  deleted: { failed: expect.stringContaining("session_not_found") },
};

describe.each(RECORDINGS)("a recorded session: $name", (recording) => {
  const posted = postsIn(recording).map(({ id }) => id);

  it("followed live comes to its recorded end [F2-replay]", async () => {
    expect(await playOut(recording)).toMatchObject(whole(recording));
  });

  it("cut after any event comes to the same end [F2-replay] [I1]", async () => {
    const events = eventsIn(recording).length;
    for (let cutAfter = 0; cutAfter <= events; cutAfter += 1) {
      const outcome = await playOut({ ...recording, answeredAfterMs: 0 }, { cutAfter });
      expect(outcome, `cut after ${cutAfter}`).toMatchObject(whole(recording));
    }
  });

  it("found when all is over has that end, and nothing is posted or run [F2-replay]", async () => {
    const outcome = await playOut(recording, { from: recording.steps.length });
    const { ending = "completed", details } = recording.runs.at(-1) ?? {};
    const end = { failed: "", runs: [{ ending, ...(details && { details }) }] };
    expect(outcome).toMatchObject({ posted, refused: [], executed: [] });
    expect(outcome).toMatchObject(GONE[ending] ?? end);
  });

  it("joined at any point goes on to that end, and what was answered is left alone [F2-replay] [I2]", async () => {
    for (const [from, { id }] of recording.steps.entries()) {
      const past = recording.steps.slice(0, from);
      const before = past.filter(isPosted);
      // A message that nothing has been told of yet is no part of what can be found.
      if (before.length === past.length) continue;
      const begun = before.filter(startsRun).length;
      const runs = recording.runs.slice(begun - 1).map(({ ending }) => ({ ending }));
      const outcome = await playOut({ ...recording, answeredAfterMs: 0 }, { from });
      const hint = `joined before step ${from}, ${id}`;
      expect(outcome, hint).toMatchObject({ posted, refused: [], executedTwice: [] });
      const answered = before.map(({ post }) => post["custom_tool_use_id"]);
      expect(
        outcome.executed.filter((call) => answered.includes(call)),
        hint,
      ).toEqual([]);
      // A session that is over for good may be gone before anybody gets to it.
      const gone = outcome.failed === "" ? undefined : GONE[runs.at(-1)?.ending ?? ""];
      expect(outcome, hint).toMatchObject(gone ?? { failed: "", runs });
    }
  });
});

it("a session whose worker was killed is waited for as long as a run may take, then left with an interrupt [F2-worker]", async () => {
  const given = await playOut(workerKilled);
  expect(given.failed).toContain("timeout: ");
  expect(given).toMatchObject({ posted: ["msg_check", "stop_check"], refused: [], executed: [] });
});
