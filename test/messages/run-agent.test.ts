import { defineTool, LoophostError } from "loophost";
import type { AgentEvent, Message } from "loophost/messages";
import {
  AgentError,
  buildToolResultsMessage,
  createToolRegistry,
  extractToolCalls,
  runAgent,
  runWithEvents,
  runWithMessages,
} from "loophost/messages";
import type { ModelFunction, ModelPart, ModelRequest } from "loophost/providers/local";
import { anthropicMessages, local } from "loophost/providers/local";
import { scriptedProvider } from "loophost/testing";
import { describe, expect, it } from "vitest";

const add = defineTool({
  name: "add",
  description: "Adds",
  input: {
    type: "object",
    properties: { a: { type: "number" }, b: { type: "number" } },
    required: ["a", "b"],
  },
  execute: ({ a, b }) => Number(a) + Number(b),
});

function scripted(...replies: (string | readonly ModelPart[])[]) {
  const asked: ModelRequest[] = [];
  const model: ModelFunction = (request) => {
    asked.push(request);
    return replies[asked.length - 1] ?? "done";
  };
  return { provider: local({ model }), asked };
}

const call = (id: string, a: number, b: number): ModelPart => ({
  type: "tool_call",
  id,
  name: "add",
  input: { a, b },
});
const spent: ModelPart = { type: "usage", inputTokens: 10, outputTokens: 5 };

describe("runAgent", () => {
  it("calls the model until it calls no tool, and gives messages, last message, iterations and tokens [B-13] [B-14] [B-16]", async () => {
    const { provider } = scripted(
      [call("a", 2, 3), call("b", 4, 5), spent],
      [{ type: "text", text: "5 and 9" }, spent],
    );
    const result = await runAgent({ provider, system: "Add.", tools: [add] }, "2+3, 4+5?");
    expect(result).toMatchObject({
      iterations: 2,
      inputTokens: 20,
      outputTokens: 10,
      finalMessage: { role: "assistant", content: [{ type: "text", text: "5 and 9" }] },
    });
    expect(result.messages.map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant"]);
    expect(result.messages[2]).toEqual({
      role: "user",
      content: [
        { type: "tool_result", tool_use_id: "a", content: "5" },
        { type: "tool_result", tool_use_id: "b", content: "9" },
      ],
    });
  });

  it("stops after ten iterations unless told otherwise, with the messages so far and the count [B-04] [B-15]", async () => {
    const endless: ModelFunction = () => [call("x", 1, 1)];
    const error: unknown = await runAgent({ provider: local({ model: endless }), tools: [add] }, "go").catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(AgentError);
    expect(error).toMatchObject({ kind: "max_iterations_reached", iterations: 10 });
    expect((error as AgentError).messages.length).toBeGreaterThan(19);
    await expect(
      runAgent({ provider: local({ model: endless }), tools: [add], maxIterations: 2 }, "go"),
    ).rejects.toMatchObject({ iterations: 2 });
  });

  it("gives a failed call of the model a typed cause, and the messages so far [B-15] [B-30]", async () => {
    const refuse: typeof fetch = () =>
      Promise.resolve(
        Response.json(
          { type: "error", error: { type: "authentication_error", message: "bad key" } },
          { status: 401 },
        ),
      );
    const provider = local({ model: anthropicMessages({ model: "m", apiKey: "k", fetch: refuse }) });
    const error: unknown = await runAgent({ provider }, "go").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      kind: "api_call_failed",
      cause: { code: "host_rejected", status: 401, hostCode: "authentication_error" },
      messages: [{ role: "user" }],
    });
  });

  it("refuses a provider that holds the conversation itself", async () => {
    await expect(runAgent({ provider: scriptedProvider() }, "go")).rejects.toMatchObject({
      cause: { code: "invalid_options" },
    });
  });
});

describe("runWithMessages", () => {
  it("goes on from the messages of an earlier run [B-13] [B-16]", async () => {
    const first = await runAgent(
      { provider: scripted([call("a", 1, 2)], "three").provider, tools: [add] },
      "1+2?",
    );
    const { provider, asked } = scripted("four");
    const second = await runWithMessages({ provider, tools: [add] }, [
      ...first.messages,
      { role: "user", content: "and one more?" },
    ]);
    expect(asked[0]?.messages.map(({ role }) => role)).toEqual([
      "user",
      "assistant",
      "tool",
      "assistant",
      "user",
    ]);
    expect(second.messages).toHaveLength(first.messages.length + 2);
  });

  it("runs the calls of a last message first, and replies to results that were not replied to", async () => {
    const called: Message[] = [
      { role: "user", content: "1+2?" },
      { role: "assistant", content: [{ type: "tool_use", id: "a", name: "add", input: { a: 1, b: 2 } }] },
    ];
    const open = await runWithMessages({ provider: scripted("three").provider, tools: [add] }, called);
    expect(open.messages[2]).toMatchObject({ content: [{ tool_use_id: "a", content: "3" }] });
    const answered = [
      ...called,
      buildToolResultsMessage([
        { id: "a", result: { content: [{ type: "text", text: "3" }], isError: false } },
      ]),
    ];
    const replied = await runWithMessages({ provider: scripted("three").provider, tools: [add] }, answered);
    expect(replied).toMatchObject({ iterations: 1, finalMessage: { content: [{ text: "three" }] } });
  });

  it("sends thinking back with its signature, and blocks it does not know as they are [B-19] [B-40] [B-41] [B-48] [L-51]", async () => {
    const bodies: string[] = [];
    const service: typeof fetch = async (_, init) => {
      bodies.push(await new Response(init?.body).text());
      return Response.json({
        id: "m",
        role: "assistant",
        content: [{ type: "text", text: "ok" }],
        stop_reason: "end_turn",
        usage: { input_tokens: 1, output_tokens: 1 },
      });
    };
    const provider = local({
      model: anthropicMessages({ model: "m", apiKey: "k", stream: false, fetch: service }),
    });
    const content = [
      { type: "thinking", thinking: "hm", signature: "sig" },
      { type: "text", text: "hi", citations: [{ type: "char_location" }] },
    ] as const;
    await runWithMessages({ provider }, [
      { role: "user", content: "a" },
      { role: "assistant", content: [...content] },
      { role: "user", content: "b" },
    ]);
    expect(JSON.parse(bodies[0] ?? "").messages[1].content).toEqual(content);
  });
});

describe("runWithEvents", () => {
  it("tells the six events in order, started first, done last [B-20] [B-21] [B-23]", async () => {
    const events: AgentEvent[] = [];
    const { provider } = scripted([{ type: "text", text: "let me see" }, call("a", 1, 2)], "three");
    const result = await runWithEvents({ provider, tools: [add] }, "1+2?", (event) => events.push(event));
    expect(events.map(({ type }) => type)).toEqual([
      "started",
      "assistant_response",
      "tool_executing",
      "tool_completed",
      "assistant_response",
      "done",
    ]);
    expect(events[1]).toMatchObject({
      message: {
        content: [{ text: "let me see" }, { type: "tool_use", id: "a", name: "add", input: { a: 1, b: 2 } }],
      },
    });
    expect(events.at(-1)).toEqual({ type: "done", result });
  });

  it("ends with failed, and a callback that throws disturbs nothing [B-20] [L-23]", async () => {
    const types: string[] = [];
    const broken: ModelFunction = () => {
      throw new LoophostError("host_rejected", "no", { status: 400 });
    };
    const failed = runWithEvents({ provider: local({ model: broken }) }, "go", ({ type }) => {
      types.push(type);
      throw new Error("observer");
    });
    await expect(failed).rejects.toMatchObject({ kind: "api_call_failed" });
    expect(types).toEqual(["started", "failed"]);
  });
});

describe("the pieces of a loop of one's own", () => {
  it("extracts the calls of a message and answers them in one message, errors flagged [B-18] [B-26]", async () => {
    const calls = extractToolCalls([
      { type: "text", text: "x" },
      { type: "tool_use", id: "a", name: "add", input: { a: 1, b: 1 } },
      { type: "tool_use", id: "b", name: "add", input: {} },
    ]);
    const registry = createToolRegistry([add]);
    const results = await Promise.all(
      calls.map(async ({ id, name, input }) => ({ id, result: await registry.dispatch(name, input) })),
    );
    expect(buildToolResultsMessage(results)).toEqual({
      role: "user",
      content: [
        { type: "tool_result", tool_use_id: "a", content: "2" },
        {
          type: "tool_result",
          tool_use_id: "b",
          content: expect.stringContaining("a: is required"),
          is_error: true,
        },
      ],
    });
    expect(extractToolCalls("no calls")).toEqual([]);
  });

  it("keeps tools in a registry: added, replaced, removed, listed in order, dispatched [B-07] [B-08] [B-10]", async () => {
    const registry = createToolRegistry();
    expect(registry.isEmpty()).toBe(true);
    const named = (name: string, text: string) =>
      defineTool({ name, description: text, input: { type: "object" }, execute: () => text });
    registry.register(named("b", "one")).register(named("a", "two")).register(named("b", "three"));
    expect(registry.toJson().map(({ name, description }) => `${name}:${description}`)).toEqual([
      "b:three",
      "a:two",
    ]);
    expect(await registry.dispatch("b", "{}")).toMatchObject({
      content: [{ text: "three" }],
      isError: false,
    });
    expect(await registry.dispatch("b", "{not json")).toMatchObject({ isError: true });
    expect(await registry.unregister("b").dispatch("b", {})).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining("a") }],
    });
  });
});
