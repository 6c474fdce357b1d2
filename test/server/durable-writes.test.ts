// A host that dies at every one of its writes, before it is done and after: the next host on the store goes on, and the
// client, which only looks and answers, ends up with what it would have had anyway.

import { expect, it } from "vitest";

import type { DeathPlace } from "./dying-store.ts";
import { dyingStore } from "./dying-store.ts";
import type { Story } from "./stories.ts";
import { essence, play, stories, unbalanced, withoutMarks } from "./stories.ts";

it.each(stories)(
  "a host that dies at a write is followed by one that loses nothing and says nothing twice: $name [I3] [S7-restart]",
  async (story) => {
    const undisturbed = await playWith(story, undefined);
    expect(undisturbed.requests).toBe(story.requests);
    for (const when of ["before", "after"] as const) {
      for (let nth = 1; nth <= undisturbed.writes; nth += 1) {
        const played = await playWith(story, { nth, when });
        const where = `${when} write ${nth}`;
        expect(played.deaths, where).toBe(1);
        const ids = played.events.map(({ id }) => id);
        expect(new Set(ids).size, where).toBe(ids.length);
        expect(played, where).toMatchObject({ status: "idle", open: 0 });
        expect(essence(played.events), where).toEqual(essence(undisturbed.events));
        expect(played.conversation.map(withoutMarks), where).toEqual(
          undisturbed.conversation.map(withoutMarks),
        );
        // What was asked for and not kept is asked for again: a reply, or a grade.
        expect(played.requests, where).toBeLessThanOrEqual(undisturbed.requests + 1);
        expect(unbalanced(played.events), where).toEqual([]);
      }
    }
  },
);

function playWith(story: Story, place: DeathPlace | undefined): ReturnType<typeof play> {
  return play(story, (kept) => dyingStore(kept, place));
}
