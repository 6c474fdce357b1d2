// Replies as bytes, and what is made of them; whichever way the bytes are cut.

import { expect, it } from "vitest";

import type { Told } from "./frames.ts";
import { bytesOf, read } from "./frames.ts";

const start = (index: number, toolUse: object): Told => [
  "contentBlockStart",
  { contentBlockIndex: index, start: { toolUse } },
];
const delta = (index: number, value: object): Told => [
  "contentBlockDelta",
  { contentBlockIndex: index, delta: value },
];
const stop = (index: number): Told => ["contentBlockStop", { contentBlockIndex: index }];
const ended = (stopReason: string): Told => ["messageStop", { stopReason }];
const assistant: Told = ["messageStart", { role: "assistant" }];
const spent = (inputTokens: number, outputTokens: number): Told => [
  "metadata",
  { usage: { inputTokens, outputTokens, cacheReadInputTokens: 1 } },
];

const mixed = bytesOf(
  assistant,
  delta(0, { reasoningContent: { text: "Hm. " } }),
  delta(0, { reasoningContent: { signature: "c2ln" } }),
  stop(0),
  delta(1, { text: "Größe: " }),
  ["contentBlockStart", { contentBlockIndex: 2, start: {} }],
  delta(2, { text: "😀" }),
  // One index, two calls; the second has no stop.
  start(3, { toolUseId: "A", name: "look", type: "tool_use" }),
  delta(3, { toolUse: { input: '{"at":' } }),
  delta(3, { toolUse: { input: "1}" } }),
  stop(3),
  start(3, { toolUseId: "B", name: "look" }),
  ended("tool_use"),
  spent(10, 5),
);

it("reads the same wherever the bytes are cut; calls are known by their id [A-066] [A-078] [A-079] [A-081]", () => {
  const whole = read(mixed);
  expect(whole.end).toEqual({
    stopReason: "tool_use",
    ending: "requires_action",
    details: undefined,
    handoff: {
      assistant: [
        { reasoningContent: { reasoningText: { text: "Hm. ", signature: "c2ln" } } },
        { text: "Größe: " },
        { text: "😀" },
        { toolUse: { toolUseId: "A", name: "look", input: { at: 1 } } },
        { toolUse: { toolUseId: "B", name: "look", input: {} } },
      ],
      open: [
        { id: "A", name: "look", input: '{"at":1}' },
        { id: "B", name: "look", input: "" },
      ],
    },
  });
  expect(whole.events).toContainEqual(expect.objectContaining({ type: "message", text: "Größe: 😀" }));
  expect(whole.events.flatMap((event) => (event.type === "text.delta" ? [event.text] : []))).toEqual([
    "Größe: ",
    "😀",
  ]);
  expect(whole.events[0]).toMatchObject({
    type: "thinking.delta",
    raw: { contentBlockDelta: { contentBlockIndex: 0 } },
  });
  for (let at = 1; at < mixed.length; at += 1) expect(read(mixed, at)).toEqual(whole);
  for (const size of [1, 7, 100]) {
    const ends = Array.from({ length: Math.floor(mixed.length / size) }, (_, index) => (index + 1) * size);
    expect(read(mixed, ...ends)).toEqual(whole);
  }
});

it("takes no part of a stream for the whole [A-059]", () => {
  for (let at = 0; at < mixed.length - 2 * spentBytes; at += 1)
    expect(read(mixed.subarray(0, at)), `cut at ${at}`).toMatchObject({ error: { code: "host_protocol" } });
});
const spentBytes = bytesOf(spent(10, 5)).length;

it("observes the host's own calls, and sums usage over the messages [A-064] [A-065]", () => {
  const result = { toolUseId: "S", status: "error" };
  const { events, end } = read(
    bytesOf(
      assistant,
      start(0, { toolUseId: "S", name: "shell", type: "server_tool_use" }),
      delta(0, { toolUse: { input: '{"command":"ls"}' } }),
      stop(0),
      ended("tool_use"),
      spent(100, 20),
      ["messageStart", { role: "user" }],
      ["contentBlockStart", { contentBlockIndex: 0, start: { toolResult: result } }],
      delta(0, { toolResult: [{ text: "no" }] }),
      stop(0),
      ended("tool_result"),
      assistant,
      delta(0, { text: "Done." }),
      ended("end_turn"),
      spent(130, 9),
    ),
  );
  expect(events.filter(({ type }) => type.startsWith("server_tool"))).toMatchObject([
    { type: "server_tool.called", id: "S", name: "shell", input: { command: "ls" } },
    { type: "server_tool.finished", id: "S", isError: true },
  ]);
  expect(events.flatMap((event) => (event.type === "usage" ? [event.usage.inputTokens] : []))).toEqual([
    100, 130,
  ]);
  expect(end).toMatchObject({ ending: "completed", handoff: undefined });
});

it("knows the stop reasons, keeps those it does not, and runs no call but one that is waited for [A-057]", () => {
  const endings: [string, string][] = [
    ["end_turn", "completed"],
    ["stop_sequence", "completed"],
    ["max_tokens", "max_tokens"],
    ["max_iterations_exceeded", "budget_reached"],
    ["timeout_exceeded", "budget_reached"],
    ["content_filtered", "refusal"],
    ["guardrail_intervened", "refusal"],
    ["hook_stopped", "terminated"],
    ["a_word_of_tomorrow", "terminated"],
  ];
  for (const [stopReason, ending] of endings) {
    const call = start(0, { toolUseId: "A", name: "look" });
    const { events, end } = read(bytesOf(assistant, call, ended(stopReason)));
    expect(end).toMatchObject({ stopReason, ending, handoff: undefined });
    expect(events).toEqual([]);
  }
});

it("refuses to wait for a call that nobody here can answer", () => {
  const call = start(0, { toolUseId: "S", name: "shell", type: "server_tool_use" });
  const waits = { message: expect.stringContaining('"shell"') };
  expect(read(bytesOf(assistant, call, ended("tool_use")))).toMatchObject({ error: waits });
  const none = { message: expect.stringContaining("names none") };
  expect(read(bytesOf(assistant, delta(0, { text: "?" }), ended("tool_use")))).toMatchObject({ error: none });
});
