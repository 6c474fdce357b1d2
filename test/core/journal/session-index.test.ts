// The sets of sessions by status, which sweeps read: a session is in the one of its status, and in no other.

import { expect, it } from "vitest";

import type { JournalEntry } from "../../../src/core/journal/entry.ts";
import { StoredFacts } from "../../../src/core/journal/recorded.ts";
import { BY_STATUS, SessionIndex } from "../../../src/core/journal/session-index.ts";

it("follows a session from one status to the next, also in a process that did not write the last", () => {
  const facts = new StoredFacts();
  const records = new Set<string>();
  let index = new SessionIndex("s");
  const write = (entry: JournalEntry) => {
    facts.apply(entry);
    for (const { collection, key, ...rest } of index.after([entry], facts))
      if ("value" in rest && rest.value !== undefined) records.add(`${collection} ${key}`);
      else records.delete(`${collection} ${key}`);
    return Object.values(BY_STATUS).filter((collection) => records.has(`${collection} s`));
  };
  const started: JournalEntry = { type: "run.started", runId: "r", input: [] };
  const waiting: JournalEntry = {
    type: "run.waiting",
    on: [{ id: "a", what: "answer", name: "t", input: {} }],
  };
  const answered: JournalEntry = { type: "call.finished", id: "a", result: { content: [], isError: false } };
  const failed: JournalEntry = { type: "run.failed", runId: "r", code: "timeout", message: "late" };
  const resumed: JournalEntry = { type: "run.resumed", runId: "r", elapsedMs: 0 };

  expect(write({ type: "session.created", agent: "a" })).toEqual([]);
  expect(write(started)).toEqual([BY_STATUS.running]);
  expect(write(waiting)).toEqual([BY_STATUS.waiting]);
  index = new SessionIndex("s");
  // By its tool; and by somebody who then may be the only one to know that there is something to do.
  expect(write({ ...answered, id: "b" })).toEqual([BY_STATUS.waiting]);
  expect(write({ ...answered, item: 1 })).toEqual([BY_STATUS.running]);
  expect(write(resumed)).toEqual([BY_STATUS.running]);
  expect(write(failed)).toEqual([BY_STATUS.failed]);
  expect(write({ ...started, runId: "r2" })).toEqual([BY_STATUS.running]);
});

it("has a session that goes on with one call while another waits among those that run", () => {
  const facts = new StoredFacts();
  const index = new SessionIndex("s");
  const statusAfter = (entry: JournalEntry) => {
    facts.apply(entry);
    const [record] = index.after([entry], facts);
    return (record?.value as { status?: string } | undefined)?.status;
  };
  const on = ["a", "b"].map((id) => ({ id, what: "approval", name: "t", input: {} }) as const);
  const shown = { instructions: "", model: "", tools: "", output: "" };
  const opened: JournalEntry = {
    type: "session.opened",
    agent: "a",
    shown,
    provider: "p",
    traits: { answers: "each", history: "here", worksAlone: false },
  };
  expect(statusAfter(opened)).toBe("idle");
  expect(statusAfter({ type: "run.started", runId: "r", input: [] })).toBe("running");
  expect(statusAfter({ type: "run.waiting", on })).toBe("waiting");
  expect(statusAfter({ type: "decided", id: "a", allow: true, digest: "" })).toBe("running");
  expect(statusAfter({ type: "run.resumed", runId: "r", elapsedMs: 0 })).toBe("running");
  // A worker with an agent that changed takes it up.
  expect(statusAfter(opened)).toBe("running");
  expect(statusAfter({ type: "run.waiting", on: on.slice(1) })).toBe("waiting");
  expect(statusAfter({ type: "run.ended", runId: "r", ending: "requires_action", stopReason: "" })).toBe(
    "waiting",
  );
});
