// Whole runs over the in-process loop host, the model behind real HTTP.

import type { SessionEvent } from "loophost";
import { defineAgent, defineTool, run } from "loophost";
import { anthropicMessages, local, openAICompatible } from "loophost/providers/local";
import { describe, expect, it } from "vitest";

import type { Answer } from "../../../support/model-service.ts";
import { type ModelService, startService, streamed } from "../../../support/model-service.ts";
import { anthropicReply, chatReply, events } from "./replies.ts";

const add = defineTool({
  name: "add",
  description: "Adds",
  input: {
    type: "object",
    properties: { a: { type: "number" }, b: { type: "number" } },
    required: ["a", "b"],
    additionalProperties: false,
  },
  execute: ({ a, b }) => Number(a) + Number(b),
});
const agent = defineAgent({ name: "calculator", instructions: "", model: "test-model", tools: [add] });
const retry = { firstDelayMs: 1 };

const text = (words: string) => ({ type: "text", text: words });
const sum = (id: string, input: unknown) => ({ type: "tool_use", id, name: "add", input });

const ANTHROPIC_CALLS = anthropicReply(
  "msg_1",
  [text("Both."), sum("t1", { a: 1, b: 2 }), sum("t2", { a: "x" })],
  "tool_use",
);

const WIRES = [
  {
    wire: "anthropic-messages",
    model: ({ url }: ModelService) => anthropicMessages({ apiKey: "sk-test", baseUrl: url, retry }),
    calls: ANTHROPIC_CALLS,
    answer: anthropicReply("msg_2", [text("3, and an error.")]),
    cut: streamed(
      events([
        { type: "message_start", message: { id: "m", content: [] } },
        { type: "content_block_start", index: 0, content_block: text("3, an") },
      ]),
      "cut",
    ),
    limit: anthropicReply("msg_3", [text("And then")], "max_tokens"),
    refusal: anthropicReply("msg_3", [text("No.")], "refusal"),
    results: (body: Record<string, unknown>) => {
      const { content } = (
        body["messages"] as { content: { tool_use_id: string; is_error?: boolean }[] }[]
      ).at(-1) ?? { content: [] };
      return content.map((one) => [one.tool_use_id, one.is_error ?? false]);
    },
  },
  {
    wire: "openai-chat",
    model: ({ url }: ModelService) => openAICompatible({ baseUrl: url, retry }),
    calls: chatReply({
      content: "Both.",
      tool_calls: [
        { index: 0, id: "t1", function: { name: "add", arguments: '{"a":1,"b":2}' } },
        { index: 1, id: "t2", function: { name: "add", arguments: '{"a":"x"}' } },
      ],
    }),
    answer: chatReply({ content: "3, and an error." }),
    cut: streamed(events([{ choices: [{ delta: { content: "3, an" } }] }]), "cut"),
    limit: chatReply({ content: "And then" }, "length"),
    refusal: chatReply({ content: "No." }, "content_filter"),
    results: (body: Record<string, unknown>) =>
      (body["messages"] as { role: string; tool_call_id: string; content: string }[])
        .filter(({ role }) => role === "tool")
        .map((one) => [one.tool_call_id, one.content.includes('"isError":true')]),
  },
];

describe.each(WIRES)("$wire", ({ model, calls, answer, cut, limit, refusal, results }) => {
  async function play(...answers: readonly Answer[]) {
    await using service = await startService(...answers);
    const seen: SessionEvent[] = [];
    const provider = local({ model: model(service) });
    const result = await run(agent, { provider, prompt: "1+2 and x?", onEvent: (event) => seen.push(event) });
    return { result, seen, asked: service.asked };
  }

  it("runs the calls of a turn and sends their results back together, in call order [A-001] [A-091] [A-096] [B-14] [B-18]", async () => {
    const { result, asked } = await play(calls, answer);

    expect(result).toMatchObject({ terminal: "end_turn", text: "3, and an error.", turns: 2 });
    expect(result.events.find(({ type }) => type === "message")).toHaveProperty("raw.content");
    expect(results(asked[1]?.body ?? {})).toEqual([
      ["t1", false],
      ["t2", true],
    ]);
  });

  it("leaves the query of baseUrl where it is, and never tells what is in it", async () => {
    const quoting = { status: 400, body: "/?key=s3cret-key is wrong" };
    await using service = await startService(answer, quoting);
    const provider = local({ model: model({ ...service, url: `${service.url}/base/?key=s3cret-key` }) });
    await run(agent, { provider, prompt: "1+2?" });
    const error: unknown = await run(agent, { provider, prompt: "1+2?" }).catch((thrown: unknown) => thrown);
    expect(service.asked[0]?.path).toMatch(/^\/base\/[a-z1/]+\?key=s3cret-key$/);
    expect(error).toMatchObject({ code: "host_rejected", message: expect.not.stringContaining("s3cret") });
  });

  it("shows a reply that broke off, takes it back, and ends as if it had not [F4-cut]", async () => {
    const { result, seen } = await play(calls, cut, answer);

    expect(result).toMatchObject({ terminal: "end_turn", text: "3, and an error.", turns: 2 });
    const types = seen.map(({ type }) => type);
    const retracted = types.indexOf("deltas.retracted");
    expect(types.slice(retracted - 1, retracted + 4)).toEqual([
      "text.delta",
      "deltas.retracted",
      "retrying",
      "text.delta",
      "message",
    ]);
    expect(types.filter((type) => type === "tool.started").length).toBe(2);
  });

  it.each([
    { ending: "max_tokens", reply: limit },
    { ending: "refusal", reply: refusal },
  ])("does not call $ending a success [A-092] [L-50]", async ({ ending, reply }) => {
    const { result } = await play(reply);

    expect(result).toMatchObject({ terminal: "terminated", ending });
  });
});

it("goes on with an unfinished turn within the same run [L-50]", async () => {
  const search = { type: "server_tool_use", id: "s1", name: "web_search", input: { query: "x" } };
  await using service = await startService(
    anthropicReply("msg_1", [search], "pause_turn"),
    anthropicReply("msg_2", [text("Found.")]),
  );
  const model = anthropicMessages({ apiKey: "sk-test", baseUrl: service.url });
  const result = await run(agent, { provider: local({ model }), prompt: "Search" });

  expect(result).toMatchObject({ ending: "completed", text: "Found.", stopReason: "end_turn" });
  expect(service.asked[1]?.body["messages"]).toEqual([
    { role: "user", content: "Search" },
    { role: "assistant", content: [search] },
  ]);
});

it("tells the model that its arguments were no JSON, and goes on [F4-malformed] [A-093] [B-37]", async () => {
  const broken = chatReply({
    tool_calls: [{ index: 0, id: "t1", function: { name: "add", arguments: '{"a": 1,' } }],
  });
  await using service = await startService(broken, chatReply({ content: "Sorry." }));
  const result = await run(agent, {
    provider: local({ model: openAICompatible({ baseUrl: service.url }) }),
    prompt: "1+2?",
  });

  expect(result.text).toBe("Sorry.");
  expect(service.asked[1]?.body["messages"]).toMatchObject([
    { role: "user" },
    // Services refuse arguments that are no object, so the model's words go back inside one.
    { tool_calls: [{ function: { arguments: JSON.stringify({ invalid_arguments: '{"a": 1,' }) } }] },
    { role: "tool", content: expect.stringContaining("not valid JSON") },
  ]);
});

it("takes a conversation from one model to another [A-102]", async () => {
  await using claude = await startService(
    ...WIRES.slice(0, 1).flatMap(({ calls, answer }) => [calls, answer]),
  );
  await using other = await startService(chatReply({ content: "As I said." }));
  const first = await run(agent, {
    provider: local({ model: anthropicMessages({ apiKey: "sk-test", baseUrl: claude.url }) }),
    prompt: "1+2?",
  });
  const second = await run(agent, {
    provider: local({ model: openAICompatible({ baseUrl: other.url }) }),
    history: first.transcript ?? [],
    prompt: "Again?",
  });

  expect(second.text).toBe("As I said.");
  expect(other.asked[0]?.body["messages"]).toMatchObject([
    { role: "user", content: "1+2?" },
    { role: "assistant", content: "Both.", tool_calls: [{ id: "t1" }, { id: "t2" }] },
    { role: "tool", tool_call_id: "t1", content: "3" },
    { role: "tool", tool_call_id: "t2" },
    { role: "assistant", content: "3, and an error." },
    { role: "user", content: "Again?" },
  ]);
});
