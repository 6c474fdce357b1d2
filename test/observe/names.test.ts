// The names, in both directions: a table written from the conventions here, ours there, and what runs really write.

import type { HostEvent, Observer } from "loophost";
import { defineAgent, defineTool, run } from "loophost";
import { scriptedProvider } from "loophost/testing";
import { expect, it } from "vitest";

import { withOrigin } from "../../src/core/tool-origin.ts";
import { ATTRIBUTES, METRICS } from "../../src/observe/names.ts";
import { anything, call, done, needs } from "../support/host-events.ts";
import { collect } from "./collector.ts";

/** GenAI conventions v0.1.0: attribute, type, and whether agent, inference and tool spans require, recommend or allow it. */
const CONVENTIONS: Record<string, readonly [type: string, requirement: string]> = {
  "error.type": ["string", "conditional"],
  "gen_ai.agent.name": ["string", "conditional"],
  "gen_ai.conversation.compacted": ["boolean", "conditional"],
  "gen_ai.conversation.id": ["string", "conditional"],
  "gen_ai.input.messages": ["any", "opt-in"],
  "gen_ai.operation.name": ["string", "required"],
  "gen_ai.output.messages": ["any", "opt-in"],
  "gen_ai.provider.name": ["string", "required"],
  "gen_ai.request.model": ["string", "conditional"],
  "gen_ai.response.finish_reasons": ["string[]", "recommended"],
  "gen_ai.response.time_to_first_chunk": ["double", "recommended"],
  "gen_ai.system_instructions": ["any", "opt-in"],
  "gen_ai.tool.call.arguments": ["any", "opt-in"],
  "gen_ai.tool.call.id": ["string", "recommended"],
  "gen_ai.tool.call.result": ["any", "opt-in"],
  "gen_ai.tool.definitions": ["any", "opt-in"],
  "gen_ai.tool.name": ["string", "required"],
  "gen_ai.tool.type": ["string", "recommended"],
  "gen_ai.usage.cache_read.input_tokens": ["int", "recommended"],
  "gen_ai.usage.cache_write.input_tokens": ["int", "recommended"],
  "gen_ai.usage.input_tokens": ["int", "recommended"],
  "gen_ai.usage.output_tokens": ["int", "recommended"],
  "mcp.method.name": ["string", "required"],
  "network.transport": ["string", "recommended"],
  "server.address": ["string", "recommended"],
};
/** Those we write that are not in it: before v0.1.0, or a backend's. */
const OTHERS = ["gen_ai.usage.cache_creation.input_tokens", "session.id"];

const INSTRUMENTS: Record<
  string,
  readonly [unit: string, first: number | undefined, last: number | undefined]
> = {
  "gen_ai.client.inference.duration": ["s", 0.01, 81.92],
  "gen_ai.client.inference.time_to_first_chunk": ["s", 0.01, 81.92],
  "gen_ai.client.inference.time_per_output_chunk": ["s", 0.01, 81.92],
  "gen_ai.client.inference.usage.input_tokens": ["{token}", undefined, undefined],
  "gen_ai.client.inference.usage.output_tokens": ["{token}", undefined, undefined],
  "gen_ai.client.inference.usage.cache_read.input_tokens": ["{token}", undefined, undefined],
  "gen_ai.client.inference.usage.cache_write.input_tokens": ["{token}", undefined, undefined],
  "gen_ai.client.inference.operation.input_tokens": ["{token}", 1, 67_108_864],
  "gen_ai.client.inference.operation.output_tokens": ["{token}", 1, 67_108_864],
  "gen_ai.invoke_agent.duration": ["s", 0.1, 409.6],
  "gen_ai.client.invoke_agent.duration": ["s", 0.1, 409.6],
  "gen_ai.invoke_agent.inference_calls": ["{inference_call}", 1, 128],
  "gen_ai.invoke_agent.tool_calls": ["{tool_call}", 1, 128],
  "gen_ai.execute_tool.duration": ["s", 0.01, 81.92],
  "mcp.client.operation.duration": ["s", 0.01, 300],
  "gen_ai.client.token.usage": ["{token}", 1, 67_108_864],
  "gen_ai.client.operation.duration": ["s", 0.01, 81.92],
};

it("our table of attributes is that of the conventions, and ours begin with loophost [A-234]", () => {
  const ours = Object.entries(ATTRIBUTES).filter(([name]) => !name.startsWith("loophost."));
  expect(ours.map(([name]) => name).toSorted()).toEqual([...Object.keys(CONVENTIONS), ...OTHERS].toSorted());
  for (const [name, [type]] of ours) {
    const [theirs = "int"] = CONVENTIONS[name] ?? (name === "session.id" ? ["string"] : []);
    expect(type, name).toBe(theirs === "any" ? "string" : theirs);
  }
});

it("our table of instruments is that of the conventions", () => {
  const ours = Object.entries(METRICS).filter(([name]) => !name.startsWith("loophost."));
  expect(
    Object.fromEntries(
      ours.map(([name, { unit, boundaries }]) => [name, [unit, boundaries?.at(0), boundaries?.at(-1)]]),
    ),
  ).toEqual(INSTRUMENTS);
});

it("what runs write is in the table, of its type and on its spans, and all of the table is written [A-234] [A-235]", async () => {
  const collected = await collect({ content: "full" });
  const ask = defineTool({
    name: "ask",
    description: "Asks.",
    input: anything,
    execute: () => "ok",
    needsApproval: true,
  });
  const outside = defineTool({ name: "outside", description: "Waits.", input: anything });
  const fails = defineTool({
    name: "fails",
    description: "Fails.",
    input: anything,
    execute: () => Promise.reject(new Error("no")),
  });
  const remote = withOrigin(ask, { mcpServer: "files", transport: "pipe" });
  const agent = defineAgent({ name: "a", instructions: "x", model: "m", tools: [remote, outside, fails] });
  const events: HostEvent[] = [
    { type: "model.asked", model: "m", thread: "t" },
    { type: "text.delta", text: "he" },
    { type: "model.asked", model: "m" },
    { type: "text.delta", text: "he" },
    { type: "text.delta", text: "llo" },
    { type: "context.compacted" },
    { type: "retrying", attempt: 1, delayMs: 0, reason: "busy" },
    { type: "stream.lost", reason: "cut" },
    { type: "message", text: "hello" },
    { type: "outcome.evaluated", outcomeId: "o", verdict: "satisfied", explanation: "", iteration: 1 },
    {
      type: "usage",
      usage: { inputTokens: 1, outputTokens: 1, cacheReadTokens: 1, cacheWriteTokens: 1 },
      cost: { minorUnits: 2, currency: "USD" },
    },
    call("x", "ask"),
    call("y", "outside"),
    call("z", "fails"),
    needs("x", "y", "z"),
  ];
  const provider = {
    ...scriptedProvider({ turns: [events, [{ type: "message", text: "bye" }, done]] }),
    address: "host",
  };
  const failing: Observer = { send: () => Promise.reject(new Error("no")) as never };
  const observers = [failing, collected.observer];
  await run(agent, { provider, prompt: "go", observers, onApproval: () => true });
  const written = new Map<string, { readonly on: Set<string>; readonly value: unknown }>();
  for (const { name, attributes } of collected.spans)
    for (const [key, value] of Object.entries(attributes)) {
      const found = written.get(key) ?? { on: new Set(), value };
      found.on.add(KINDS[name.split(" ")[0] ?? ""] ?? name);
      written.set(key, found);
    }
  const table = new Map(Object.entries(ATTRIBUTES));
  for (const [name, { on, value }] of written) {
    const [type, where] = table.get(name) ?? ["missing from the table", ""];
    expect(typeOf(value), name).toBe(type === "double" ? typeOf(value) : type);
    for (const kind of on)
      expect(where === "any" || where.split(" ").includes(kind), `${name} on ${kind}`).toBe(true);
  }
  // Those that another content level, another end or another process writes.
  const elsewhere = /^loophost\.(input|result)\.|replayed|cancelled|resumed/;
  expect([...table.keys()].filter((name) => !written.has(name) && !elsewhere.test(name))).toEqual([]);
  const points = await collected.points();
  expect([...points.keys()].filter((name) => !Object.hasOwn(METRICS, name))).toEqual([]);
  const unwritten = Object.keys(METRICS).filter((name) => !points.has(name));
  expect(unwritten).toEqual(["gen_ai.invoke_agent.duration"]);
});

const KINDS: Record<string, string> = {
  invoke_agent: "agent",
  chat: "chat",
  execute_tool: "tool",
  approval: "approval",
};

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return "string[]";
  return typeof value === "number" ? (Number.isInteger(value) ? "int" : "double") : typeof value;
}
