// Recorded sessions on servers that speak the same wire a little differently.

import { describe, expect, it } from "vitest";

import { queuedBehind } from "./logs/company.ts";
import { interruptedWhileBlocked, partialAnswer } from "./logs/tools.ts";
import { playOut, whole } from "./play.ts";
import { eventsIn } from "./recording.ts";
import type { ReplayOptions } from "./replay-server.ts";

const SERVERS: readonly { readonly what: string; readonly server: ReplayOptions }[] = [
  { what: "begins each stream with what has happened", server: { replaysHistory: true } },
  { what: "says has_more and last_id where others say next_page", server: { paging: "has_more" } },
];

describe.each(SERVERS)("on a server that $what", ({ server }) => {
  it.each([partialAnswer, interruptedWhileBlocked, queuedBehind])(
    "$name comes to its recorded end, live and cut after any event [F2-servers]",
    async (recording) => {
      const events = eventsIn(recording).length;
      for (let cutAfter = 0; cutAfter <= events + 1; cutAfter += 1) {
        const outcome = await playOut(recording, { ...server, cutAfter });
        expect(outcome, `cut after ${cutAfter}`).toMatchObject(whole(recording));
      }
    },
  );

  it("a session is read to its last page before anything is done [F2-servers]", async () => {
    const found = await playOut(partialAnswer, { ...server, from: partialAnswer.steps.length });
    expect(found).toMatchObject({ failed: "", executed: [], refused: [], runs: [{ ending: "completed" }] });
  });
});
