// The demo's verdict can say no.

import { expect, it } from "vitest";

import { differencesOf } from "../../../src/cli/demo/compare.ts";
import type { SessionResult, ToolCall } from "../../../src/core/results.ts";
import { NO_USAGE } from "../../../src/core/results.ts";

function result(changes: Partial<SessionResult>): SessionResult {
  return {
    terminal: "end_turn",
    ending: "completed",
    stopReason: null,
    sessionId: "s",
    text: "The answer.",
    output: undefined,
    toolCalls: [use("a", { x: 1 }), use("b", {})],
    serverToolCalls: [],
    usage: NO_USAGE,
    turns: 2,
    events: [],
    transcript: null,
    ...changes,
  };
}

function use(name: string, input: unknown): ToolCall {
  return { id: crypto.randomUUID(), name, input };
}

it("finds runs with the same calls and answer the same, whatever the ids and the host's own words", () => {
  expect(differencesOf(result({}), result({ stopReason: "stop", sessionId: "t", turns: 3 }))).toEqual([]);
});

it.each<[Partial<SessionResult>, string]>([
  [{ text: "Another." }, "The answers of the first and the second are not the same, word for word."],
  [{ ending: "refusal", terminal: "terminated" }, "The first ended with completed, the second with refusal."],
  [{ toolCalls: [use("a", { x: 1 })] }, "The first made 2 tool calls, the second 1."],
  [
    { toolCalls: [use("a", { x: 2 }), use("b", {})] },
    'Call 1 is a {"x":1} in the first, a {"x":2} in the second.',
  ],
  [{ toolCalls: [use("b", {}), use("a", { x: 1 })] }, 'Call 1 is a {"x":1} in the first, b in the second.'],
])("tells what differs: %j", (changes, difference) => {
  expect(differencesOf(result({}), result(changes))).toEqual([difference]);
});
