// What a log says of an open run: how long it has been under way, whoever waits for whom.

import { expect, it } from "vitest";

import type { JournalEntry } from "../../../src/core/journal/entry.ts";
import { StoredFacts } from "../../../src/core/journal/recorded.ts";

/** The facts of a log, each entry at its time. */
function factsOf(...entries: readonly [number, JournalEntry][]): StoredFacts {
  const facts = new StoredFacts();
  for (const [at, entry] of entries) facts.apply({ ...entry, at });
  return facts;
}

const started: JournalEntry = { type: "run.started", runId: "r1", input: [] };
const resumed = (elapsedMs: number): JournalEntry => ({ type: "run.resumed", runId: "r1", elapsedMs });
const waiting: JournalEntry = {
  type: "run.waiting",
  on: [{ id: "a", what: "answer", name: "t", input: {} }],
};

const called: JournalEntry = { type: "call.started", id: "a", name: "t", input: {}, digest: "d" };
const decided: JournalEntry = { type: "decided", id: "a", allow: true };

it("a run is under way from its start to the last that is on record of it, and not while it waits for somebody", () => {
  expect(factsOf([1_000, started]).run?.elapsedMs).toBe(0);
  expect(factsOf([1_000, started], [1_250, called]).run?.elapsedMs).toBe(250);
  const parked = factsOf([1_000, started], [1_050, called], [1_100, waiting]);
  expect(parked.run?.elapsedMs).toBe(100);
});

it("a run that is taken up goes on from what was counted, and waits anew", () => {
  const taken = factsOf([1_000, started], [1_100, waiting], [5_000, resumed(100)], [5_400, called]);
  expect(taken.run?.elapsedMs).toBe(500);
  taken.apply({ ...waiting, at: 5_600 });
  taken.apply({ ...called, at: 9_000 });
  expect(taken.run?.elapsedMs).toBe(700);
});

it.each([86_400_000, -86_400_000])(
  "a clock that is %i ms off counts no time of a run before it takes it up",
  (off) => {
    const facts = factsOf([1_000, started], [1_100, called], [1_200 + off, decided]);
    expect(facts.run?.elapsedMs).toBe(100);
    for (const [at, entry] of [
      [1_300 + off, resumed(100)],
      [1_350 + off, called],
    ] as const)
      facts.apply({ ...entry, at });
    expect(facts.run?.elapsedMs).toBe(150);
  },
);

it("a clock that was set back takes nothing off, and a log that resumes no run says nothing of one", () => {
  expect(factsOf([1_000, started], [400, called]).run?.elapsedMs).toBe(0);
  expect(factsOf([1_000, resumed(100)]).run).toBeUndefined();
});
