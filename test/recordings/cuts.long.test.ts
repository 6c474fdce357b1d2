// Recorded sessions, played over HTTP to our claude(): each must come to the recorded end also when the stream is cut after
// any event, and when somebody joins at any point.

import { describe, expect, it } from "vitest";

import { GONE, RECORDINGS } from "./logs/index.ts";
import { playOut, whole } from "./play.ts";
import { eventsIn, isPosted, postsIn, startsRun } from "./recording.ts";

describe.each(RECORDINGS)("a recorded session: $name", (recording) => {
  const posted = postsIn(recording).map(({ id }) => id);

  it("cut after any event comes to the same end [F2-replay] [I1]", async () => {
    const events = eventsIn(recording).length;
    for (let cutAfter = 0; cutAfter <= events; cutAfter += 1) {
      const outcome = await playOut({ ...recording, answeredAfterMs: 0 }, { cutAfter });
      expect(outcome, `cut after ${cutAfter}`).toMatchObject(whole(recording));
    }
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
