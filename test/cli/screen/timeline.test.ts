// What a session's log looks like to a person: entries a run on this machine seldom writes.

import { expect, it } from "vitest";

import { sessionTable } from "../../../src/cli/screen/session-table.ts";
import { timelineOf } from "../../../src/cli/screen/timeline.ts";
import type { Json } from "../../../src/core/json.ts";
import type { SessionSummary } from "../../../src/stores/sessions.ts";

const SUMMARY: SessionSummary = {
  sessionId: "s",
  agent: "support",
  provider: "claude",
  status: "running",
  runs: 1,
  waiting: [],
  updatedAt: 0,
};

async function timeline(...entries: Json[]): Promise<string[]> {
  async function* log() {
    for (const [index, entry] of entries.entries()) yield { seq: index + 1, entry };
  }
  const lines: string[] = [];
  for await (const line of timelineOf(SUMMARY, log(), "s.db")) lines.push(line);
  return lines.slice(2);
}

const message = (text: string): Json => ({ type: "message", content: [{ type: "text", text }] });

it("shows calls where the host holds the conversation, and what is left open", async () => {
  const image: Json = { type: "image", mediaType: "image/png", data: "" };
  const lines = await timeline(
    { type: "run.started", runId: "run_1", input: [message("look"), { type: "message", content: [image] }] },
    { type: "input.sent", runId: "run_1", ids: ["run_1"] },
    { type: "call.started", id: "a", name: "read", input: { path: "x" } },
    { type: "call.started", id: "b", name: "read", input: {} },
    { type: "call.finished", id: "a", result: { content: [{ type: "text", text: "né" }], isError: false } },
    { type: "calls.posted", ids: ["a"] },
  );
  expect(lines).toEqual([
    "",
    'run_1  "look" "(image)"',
    '  → read {"path":"x"}  a  12 B',
    "  → read  b  2 B",
    "  ✓ read  a  3 B",
    "  … read  b  has no result yet",
    "  not ended: a process is at it, or died over it (then: loophost resume)",
  ]);
});

it("shows decisions, rewritten conversations and failures, and passes over what it does not know", async () => {
  const user: Json = { role: "user", content: [{ type: "text", text: "stop repeating" }] };
  const lines = await timeline(
    { type: "run.started", runId: "run_1", input: [] },
    { type: "said", message: user },
    { type: "transcript.replaced", messages: [user] },
    { type: "decided", id: "a", allow: true },
    { type: "decided", id: "b", allow: false, why: "too much" },
    { type: "of a later release" },
    "nonsense",
    { type: "run.failed", runId: "run_1", code: "timeout", message: "too\nlong" },
  );
  expect(lines.slice(1)).toEqual([
    "run_1  without a new message",
    '  to the model "stop repeating"',
    "  the conversation was rewritten, to 1 message",
    "  allowed a",
    "  refused b  too much",
    "  failed timeout  too long",
  ]);
});

it("lets nothing in a log steer the terminal", async () => {
  const lines = await timeline({ type: "run.started", runId: "run_1", input: [message("\u001b[2Jboo")] });
  expect([...lines, ...sessionTable([{ ...SUMMARY, agent: "\u001b[2J" }])].join("")).not.toContain("\u001b");
});

it("keeps a session in one line of the list, whatever its id", () => {
  expect(sessionTable([{ ...SUMMARY, sessionId: "two\r\nlines" }]).join("\n")).toContain(
    "\ntwo lines  support",
  );
});

it("lists the session written to last first", () => {
  const rows = sessionTable([SUMMARY, { ...SUMMARY, sessionId: "later", updatedAt: 1, waiting: ["a", "b"] }]);
  expect(rows.map((row) => row.split(/ {2,}/).slice(0, -1))).toEqual([
    ["session", "agent", "provider", "status", "runs", "waiting"],
    ["later", "support", "claude", "running", "1", "a b"],
    ["s", "support", "claude", "running", "1"],
  ]);
});
