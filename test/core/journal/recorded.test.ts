// What a log says of an open run: how long it has been under way, whoever waits for whom.

import { expect, it } from "vitest";

import { elapsedOf } from "../../../src/core/journal/elapsed.ts";
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

/** How long the open run has been under way at a time. */
function elapsedAt(now: number, facts: StoredFacts): number | undefined {
  return facts.run && elapsedOf(facts.run, now);
}

it("a run is under way from its start on, and not while it waits for somebody", () => {
  expect(elapsedAt(1_000, factsOf([1_000, started]))).toBe(0);
  expect(elapsedAt(1_250, factsOf([1_000, started]))).toBe(250);
  const parked = factsOf([1_000, started], [1_100, waiting]);
  expect(elapsedAt(9_000, parked)).toBe(100);
});

it("a run that is taken up goes on from what was counted, and waits anew", () => {
  const taken = factsOf([1_000, started], [1_100, waiting], [5_000, resumed(100)]);
  expect(elapsedAt(5_400, taken)).toBe(500);
  taken.apply({ ...waiting, at: 5_600 });
  expect(elapsedAt(9_000, taken)).toBe(700);
});

it("a clock that was set back takes nothing off, and a log that resumes no run says nothing of one", () => {
  expect(elapsedAt(400, factsOf([1_000, started]))).toBe(0);
  expect(factsOf([1_000, resumed(100)]).run).toBeUndefined();
});
