// The open items of several hosts on one store, also where they are large.

import { memoryStore } from "loophost/stores/memory";
import { manualClock } from "loophost/testing";
import { expect, it } from "vitest";

import { turnsOfMany } from "../../../src/server/records/turns.ts";
import { createWork } from "../../../src/server/work/work-record.ts";
import { WorkStore } from "../../../src/server/work/work-store.ts";

it("reads the items of other hosts to the end when a page of the store is short, because they are large", async () => {
  const store = memoryStore();
  const clock = manualClock();
  const turns = ["one", "two"].map((name) => turnsOfMany(store, clock, () => name)("work"));
  const [one, two] = turns.map((of) => new WorkStore(of, clock));
  const metadata = { large: "a".repeat(300_000) };
  for (let made = 0; made < 6; made += 1)
    await turns[0]?.take(async () => one?.add({ ...createWork("env_1", `sesn_${made}`), metadata }));
  await two?.load();
  expect(two?.queuedIn("env_1")).toHaveLength(6);
});
