// What a run comes to: what is added up over its turns, and what is the last turn's alone.

import { defineAgent, defineTool, type HostEvent, run, type SessionResult } from "loophost";
import { scriptedProvider } from "loophost/testing";
import { expect, it } from "vitest";

const note = defineTool({
  name: "note",
  description: "Notes",
  input: { type: "object" },
  execute: () => "noted",
});
const agent = defineAgent({ name: "tester", instructions: "", tools: [note] });

const spent = (inputTokens: number): HostEvent => ({
  type: "usage",
  usage: { inputTokens, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 },
});
const turns = (stopReason: unknown): HostEvent[][] => [
  [
    { type: "message", text: "Let me look." },
    { type: "server_tool.called", id: "s", name: "search", input: { q: 1 } },
    { type: "call", id: "a", name: "note", input: { n: 1 } },
    spent(10),
    spent(5),
    { type: "turn.done", ending: "requires_action", stopReason: "tool_use", needs: ["a"] },
  ],
  [
    { type: "message", text: "There." },
    { type: "message", text: "It is." },
    { type: "turn.done", ending: "completed", stopReason },
  ],
];
const play = (stopReason: unknown): Promise<SessionResult> =>
  run(agent, { provider: scriptedProvider({ turns: turns(stopReason) }), prompt: "go" });

it("has the counters, calls and events of all turns, and the text of the last; a turn that tells no usage adds none [A-011] [A-162] [A-163] [A-164]", async () => {
  const result = await play("end_turn");
  expect(result).toMatchObject({
    text: "There.\nIt is.",
    turns: 2,
    usage: { inputTokens: 15, outputTokens: 2, cacheReadTokens: 0, cacheWriteTokens: 0 },
    toolCalls: [{ id: "a", name: "note", input: { n: 1 } }],
    serverToolCalls: [{ id: "s", name: "search", input: { q: 1 } }],
  });
  const told = result.events.map((event) => (event.type === "message" ? event.text : event.type));
  expect(told.filter((what) => !["tool.started", "tool.finished", "tool.posted"].includes(what))).toEqual([
    "run.started",
    "turn.started",
    "Let me look.",
    "server_tool.called",
    "tool.called",
    "usage",
    "usage",
    "turn.ended",
    "turn.started",
    "There.",
    "It is.",
    "turn.ended",
    "run.ended",
  ]);
  expect(result.events.find(({ type }) => type === "turn.ended")).toMatchObject({
    turn: 1,
    terminal: "requires_action",
    stopReason: "tool_use",
  });
});

it.each([["end_turn"], [{ type: "end_turn", extra: 1 }], [null]])(
  "keeps the stop reason %j as the host gave it [A-165] [A-026]",
  async (stopReason) => {
    expect((await play(stopReason)).stopReason).toEqual(stopReason);
  },
);

it("is plain data: the same after a way through JSON [A-161]", async () => {
  const result = await play("end_turn");
  expect(JSON.parse(JSON.stringify(result))).toEqual(result);
});
