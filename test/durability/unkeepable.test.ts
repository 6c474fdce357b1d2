// What cannot be kept as JSON, wherever it comes from: it refuses itself alone, and its session and its log go on.

import type { ContentBlock, SessionResult, Store } from "loophost";
import { defineAgent, defineTool, openSession, toolContent } from "loophost";
import type { ModelFunction } from "loophost/providers/local";
import { local, openAICompatible } from "loophost/providers/local";
import { memoryStore } from "loophost/stores/memory";
import { sqliteStore } from "loophost/stores/sqlite";
import { scriptedProvider } from "loophost/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";

import { chatReply } from "../providers/local/models/replies.ts";
import { call, done, needs } from "../support/host-events.ts";
import { startService } from "../support/model-service.ts";

const nestedText = (depth: number) => `{"x":${"[".repeat(depth)}${"]".repeat(depth)}}`;
const nested: unknown = JSON.parse(nestedText(50_000));
const circular: { self?: unknown } = {};
circular.self = circular;

const UNKEEPABLE = [
  ["nested deep", nested],
  ["circular", circular],
  ["a bigint", 10n],
] as const;
const STORES: Readonly<Record<string, () => Store>> = {
  memory: memoryStore,
  SQLite: () => sqliteStore(":memory:"),
};
const cases = Object.keys(STORES).flatMap((store) =>
  UNKEEPABLE.map(([name, value]) => ({ store, name, value })),
);

const odd = (value: unknown) =>
  [{ type: "text", text: "x", odd: value }] as unknown as readonly ContentBlock[];
const ask = defineTool({ name: "ask", description: "Asks", input: z.object({}) });
const asker = defineAgent({ name: "asker", instructions: "", model: "m", tools: [ask] });
/** A model that calls a tool, once it has been told something, and then is done. */
const callsOnce =
  (name: string): ModelFunction =>
  ({ messages }) =>
    messages.at(-1)?.role === "user"
      ? [{ type: "tool_call", id: `c${messages.length}`, name, input: {} }]
      : "done";

describe.each(cases)("$name, over $store", ({ store: kind, value }) => {
  const newStore = STORES[kind] ?? memoryStore;

  it("as a prompt is refused, and the next one is taken", async () => {
    const store = newStore();
    await using session = await openSession(asker, { provider: local({ model: () => "ok" }), store });
    expect(() => session.send(odd(value))).toThrow(expect.objectContaining({ code: "invalid_options" }));
    expect(await session.send("hi").result()).toMatchObject({ text: "ok" });
  });

  it("as an answer is refused, and the call still waits for one", async () => {
    const store = newStore();
    await using session = await openSession(asker, { provider: local({ model: callsOnce("ask") }), store });
    const waiting = Promise.withResolvers<void>();
    const run = session.send("go");
    const reading = (async () => {
      for await (const { type } of run) if (type === "run.waiting") waiting.resolve();
    })();
    await waiting.promise;
    const unfit = { content: odd(value), isError: false };
    await expect(session.answer("c1", unfit)).rejects.toMatchObject({ code: "invalid_options" });
    await session.answer("c1", "plain");
    await reading;
    expect(await run.result()).toMatchObject({ text: "done" });
  });

  it("as the output of a run is given to who asked, and left out of the record", async () => {
    const store = newStore();
    const schema = z.object({}).transform(() => value);
    const agent = defineAgent({ name: "a", instructions: "", model: "m", output: schema });
    await using session = await openSession(agent, {
      provider: local({ model: callsOnce("submit_output") }),
      store,
    });
    const { output } = await session.send("go").result();
    expect(output).toBe(value);
    expect(await session.send("again").result()).toMatchObject({ ending: "completed" });
  });

  it("in the content of a tool's result is an error the model is told of", async () => {
    const store = newStore();
    const tool = defineTool({
      name: "ask",
      description: "Asks",
      input: z.object({}),
      execute: () => toolContent(odd(value)),
    });
    const agent = defineAgent({ name: "a", instructions: "", model: "m", tools: [tool] });
    await using session = await openSession(agent, { provider: local({ model: callsOnce("ask") }), store });
    expect(isErrorOf(await session.send("go").result())).toBe(true);
    expect(await session.send("again").result()).toMatchObject({ text: "done" });
  });
});

const isErrorOf = ({ events }: SessionResult) =>
  events.find((event) => event.type === "tool.finished")?.result.isError;

const echo = defineTool({
  name: "echo",
  description: "Echoes",
  input: { type: "object" },
  execute: () => "ran",
});
const echoer = defineAgent({ name: "echoer", instructions: "", model: "m", tools: [echo] });

describe("what a host says, nested deep", () => {
  const chatCall = chatReply(
    { tool_calls: [{ index: 0, id: "c1", function: { name: "echo", arguments: nestedText(50_000) } }] },
    "tool_calls",
  );

  it("as the input of a call, over chat completions: the tool is not run, and the model is told", async () => {
    await using service = await startService(chatCall, chatReply({ content: "Sorry." }));
    const store = sqliteStore(":memory:");
    const provider = local({ model: openAICompatible({ baseUrl: service.url }) });
    await using session = await openSession(echoer, { provider, store });
    const result = await session.send("go").result();
    expect([result.text, isErrorOf(result)]).toEqual(["Sorry.", true]);
    expect(JSON.stringify(service.asked[1]?.body["messages"])).toContain("nested too deep");
    expect(await session.send("again").result()).toMatchObject({ text: "Sorry." });
  });

  it("as the input of a call, by any host: the tool is not run, and the session goes on", async () => {
    const store = sqliteStore(":memory:");
    const deep = { ...call("c1", "echo"), input: nested };
    const provider = scriptedProvider({
      turns: [
        [deep, needs("c1")],
        [{ type: "message", text: "Sorry." }, done],
        [{ type: "message", text: "Here." }, done],
      ],
    });
    await using session = await openSession(echoer, { provider, store });
    expect(isErrorOf(await session.send("go").result())).toBe(true);
    expect(await session.send("again").result()).toMatchObject({ text: "Here." });
  });

  it("in fields of a reply that are the service's own: the run fails in a typed error, the next goes on", async () => {
    const chatOdd = {
      ...chatReply({}),
      body: `data: {"choices":[{"delta":{"content":"x","reasoning_details":[${nestedText(20_000)}]},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`,
    };
    await using service = await startService(chatOdd, chatReply({ content: "Here." }));
    const store = sqliteStore(":memory:");
    const provider = local({ model: openAICompatible({ baseUrl: service.url }) });
    await using session = await openSession(echoer, { provider, store });
    await expect(session.send("go").result()).rejects.toMatchObject({ code: "host_protocol" });
    expect(await session.send("again").result()).toMatchObject({ text: "Here." });
  });
});
