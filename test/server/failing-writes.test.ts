// A store that fails at every one of its writes, with nothing done or with the reply lost: the host lives on, takes the
// session up from what is in the store, and the client ends up with what it would have had anyway.

import type { StoreCall, StoreFault } from "loophost/testing";
import { faultyStore } from "loophost/testing";
import { expect, it } from "vitest";

import type { DyingStore } from "./dying-store.ts";
import type { Story } from "./stories.ts";
import { essence, play, stories, unbalanced, withoutMarks } from "./stories.ts";

const WRITES: readonly StoreCall[] = ["log.claim", "log.append", "records.put", "records.delete"];

it.each(stories)(
  "a write that fails loses nothing, and nothing is said twice: $name [S7-restart]",
  async (story) => {
    const undisturbed = await playWith(story, []);
    for (const how of ["fail", "lose"] as const)
      for (const on of WRITES) {
        const calls = undisturbed.calls.filter((call) => call === on).length;
        for (let nth = 1; nth <= calls; nth += 1) {
          const where = `${how} ${on} ${nth} of ${calls}`;
          const played = await playWith(story, [{ how, on, nth }]).catch((cause: unknown) => {
            throw new Error(where, { cause });
          });
          const ids = played.events.map(({ id }) => id);
          expect(new Set(ids).size, where).toBe(ids.length);
          expect(played, where).toMatchObject({ status: "idle" });
          expect(essence(played.events), where).toEqual(essence(undisturbed.events));
          expect(played.conversation.map(withoutMarks), where).toEqual(
            undisturbed.conversation.map(withoutMarks),
          );
          expect(unbalanced(played.events), where).toEqual([]);
        }
      }
  },
);

async function playWith(story: Story, faults: readonly StoreFault[]) {
  let calls: readonly StoreCall[] = [];
  const played = await play(story, (kept): DyingStore => {
    const store = faultyStore(kept, faults);
    ({ calls } = store);
    return {
      store,
      died: new Promise(() => undefined),
      isDead: () => false,
      kill: () => undefined,
      writes: () => 0,
    };
  });
  return { ...played, calls };
}
