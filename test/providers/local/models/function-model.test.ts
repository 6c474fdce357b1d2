// A function as the model: what it is shown, what it may answer, and what becomes of it.

import { defineAgent, defineTool, openSession, run, type SessionEvent } from "loophost";
import { local, type ModelFunction, type ModelPart, type ModelRequest } from "loophost/providers/local";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const add = defineTool({
  name: "add",
  description: "Adds",
  input: z.object({ a: z.number(), b: z.number() }),
  execute: ({ a, b }) => a + b,
});
const agent = defineAgent({ name: "adder", instructions: "Add.", model: "small", tools: [add] });
const parts: readonly ModelPart[] = [
  { type: "thinking", text: "Hm." },
  { type: "text", text: "It is " },
  { type: "text", text: "five." },
  { type: "usage", inputTokens: 7, outputTokens: 2 },
];

describe("a function that answers", () => {
  it.each<[string, ModelFunction]>([
    ["a text", () => "It is five."],
    ["the promise of one", async () => "It is five."],
    ["a list of parts", () => parts],
    [
      "parts as they come",
      async function* () {
        yield* parts;
      },
    ],
  ])(
    "with %s is a model: its deltas make its message, and the message the text [A-086] [A-103] [B-47]",
    async (_, model) => {
      const deltas: string[] = [];
      const result = await run(agent, {
        provider: local({ model }),
        prompt: "2+3?",
        onEvent: (event) => event.type === "text.delta" && deltas.push(event.text),
      });
      expect(result).toMatchObject({
        text: "It is five.",
        ending: "completed",
        stopReason: "stop",
        turns: 1,
      });
      expect(deltas.join("")).toBe(result.text);
    },
  );

  it("is shown instructions, tools, conversation and the agent's model id [A-088]", async () => {
    const asked: ModelRequest[] = [];
    const model: ModelFunction = (request) => {
      asked.push(request);
      return "five";
    };
    await run(agent, { provider: local({ model }), prompt: "2+3?" });
    expect(asked).toMatchObject([
      {
        instructions: "Add.",
        modelId: "small",
        tools: [{ name: "add", description: "Adds", inputSchema: { type: "object", required: ["a", "b"] } }],
        messages: [{ role: "user", content: [{ type: "text", text: "2+3?" }] }],
      },
    ]);
  });

  it("is heard while it speaks, not when it is done [B-44]", async () => {
    const heard = Promise.withResolvers<void>();
    const model: ModelFunction = async function* () {
      yield { type: "text", text: "It is " };
      await heard.promise;
      yield { type: "text", text: "five." };
    };
    const onEvent = (event: SessionEvent) => {
      if (event.type === "text.delta") heard.resolve();
    };
    expect((await run(agent, { provider: local({ model }), prompt: "2+3?", onEvent })).text).toBe(
      "It is five.",
    );
  });

  it.each([
    ["length", "max_tokens"],
    ["refusal", "refusal"],
    ["whatever", "completed"],
  ])("and stops for %s ends as %s", async (reason, ending) => {
    const model: ModelFunction = () => [...parts, { type: "stop", reason }];
    expect(await run(agent, { provider: local({ model }), prompt: "2+3?" })).toMatchObject({
      ending,
      stopReason: reason,
      usage: { inputTokens: 7, outputTokens: 2 },
    });
  });
});

describe("a function that fails", () => {
  it.each<[string, () => ReturnType<ModelFunction>, object]>([
    [
      "by throwing",
      () => {
        throw new TypeError("no weights");
      },
      { code: "host_failed", message: expect.stringContaining("no weights") },
    ],
    [
      "by a part there is none of",
      () => [{ type: "song" } as never],
      { code: "host_protocol", message: expect.stringContaining("song") },
    ],
    [
      "by a call without an id",
      () => [{ type: "tool_call", name: "add" } as never],
      { code: "host_protocol", message: expect.stringContaining("a tool_call an id and a name") },
    ],
    ["by a part that is nothing", () => [null as never], { code: "host_protocol" }],
    ["by a text without text", () => [{ type: "text" } as never], { code: "host_protocol" }],
    [
      "by a number for an answer",
      () => 5 as never,
      { code: "host_protocol", message: expect.stringContaining("answered 5. It has to answer with a text") },
    ],
    [
      "by no answer",
      () => undefined as never,
      { code: "host_protocol", message: expect.stringContaining("answered undefined") },
    ],
  ])(
    "%s fails the run with a typed error, and leaves no trace in the conversation [A-015]",
    async (_, fail, error) => {
      const asked: ModelRequest[] = [];
      const model: ModelFunction = (request) => (asked.push(request) === 1 ? fail() : "five");
      await using session = await openSession(agent, { provider: local({ model }) });
      await expect(session.send("2+3?").result()).rejects.toMatchObject(error);
      expect((await session.send("Well?").result()).text).toBe("five");
      expect(asked[1]?.messages.map(({ role }) => role)).toEqual(["user", "user"]);
    },
  );
});

it.each([undefined, {}, { model: 5 }, { model: "small" }])("needs a model, which is not in %o", (options) => {
  expect(() => local(options as never)).toThrow(
    expect.objectContaining({
      code: "invalid_options",
      message: expect.stringContaining("local() needs a model"),
    }),
  );
});

it("gives each session an id of its own, or the one it is told [A-088] [B-24]", async () => {
  const provider = local({ model: () => "hi" });
  const ids = await Promise.all(
    Array.from({ length: 50 }, async () => (await run(agent, { provider, prompt: "hi" })).sessionId),
  );
  expect(new Set(ids).size).toBe(50);
  expect((await run(agent, { provider, prompt: "hi", sessionId: "mine" })).sessionId).toBe("mine");
});
