// The lines of `loophost worker`: what is going on, and nothing that was said.

import type { SessionEvent } from "loophost";
import { expect, it } from "vitest";

import { ActivityLog } from "../../../src/cli/worker/activity-log.ts";

const call = { id: "c1", what: "approval", name: "refund", input: { of: "input-canary" } } as const;
const events: readonly SessionEvent[] = [
  { type: "run.started", runId: "run_1", sessionId: "s" },
  { type: "tool.called", id: "c1", name: "refund", input: call.input },
  { type: "run.waiting", on: [call] },
  { type: "run.started", runId: "run_2", sessionId: "s" },
  { type: "run.failed", code: "host_rejected", message: "400: prompt-canary" },
];

it.each(["session_closed", "stale_owner"] as const)("calls a run that goes on elsewhere left: %s", (code) => {
  const lines: string[] = [];
  const log = new ActivityLog((line) => lines.push(line), true);
  log.event({ type: "run.failed", code, message: "closed" }, "s");
  expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([{ session: "s", what: "left" }]);
});

it.each([true, false])("have names and codes, and no input or message (as JSON: %s) [A-236]", (isJson) => {
  const lines: string[] = [];
  const log = new ActivityLog((line) => lines.push(line), isJson);
  for (const event of events) log.event(event, "s");
  expect(lines).toHaveLength(4);
  expect(lines[1]).toContain("c1");
  expect(lines[3]).toContain("host_rejected");
  expect(lines.join()).not.toContain("canary");
});
