// The Anthropic Messages adapter as a conversation: what goes back, where the cache breakpoints are, who holds what.

import { describe, expect, it } from "vitest";

import type { AssistantMessage } from "../../../../../src/core/transcript.ts";
import type { ModelConversation } from "../../../../../src/providers/local/model.ts";
import type { AnthropicMessagesOptions } from "../../../../../src/providers/local/models/anthropic/index.ts";
import { anthropicMessages } from "../../../../../src/providers/local/models/anthropic/index.ts";
import type { Answer } from "../../../../support/model-service.ts";
import { json, type ModelService, startService, streamed } from "../../../../support/model-service.ts";
import { ask, callWith, CLOCK, conversing } from "../../conversing.ts";
import { anthropicReply } from "../replies.ts";

const text = (words: string) => ({ type: "text", text: words });
const call = (id: string) => ({ type: "tool_use", id, name: "clock", input: {} });

function converse({ url }: ModelService, options: AnthropicMessagesOptions = {}): ModelConversation {
  const model = anthropicMessages({
    apiKey: "sk-test",
    baseUrl: url,
    retry: { firstDelayMs: 1 },
    ...options,
  });
  return conversing(model, { instructions: "Be brief.", tools: [CLOCK] });
}

/** Lets the model speak, and what it said enter the conversation, with a result for each of its calls. */
async function takeTurn(conversation: ModelConversation): Promise<AssistantMessage> {
  const { message } = (await ask(conversation)).reply;
  conversation.add(message);
  const results = message.content.flatMap((block) =>
    block.type === "tool_call"
      ? [
          {
            callId: block.id,
            name: block.name,
            result: { content: [{ type: "text" as const, text: "noon" }], isError: false },
          },
        ]
      : [],
  );
  if (results.length > 0) conversation.add({ role: "tool", results });
  return message;
}

const tool = (id: string) => anthropicReply(`msg_${id}`, [call(id)], "tool_use");
const from = (id: string) => ({ type: "continue", previous_message_id: id });
const refusal = (code: string, status = 404) =>
  json(
    {
      type: "error",
      error: {
        type: "invalid_request_error",
        message: "no",
        details: { error_code: code, unsupported: ["x"] },
      },
    },
    status,
  );

/** How each request threads, and how many messages it brings. */
async function playThread(turns: number, ...answers: readonly Answer[]): Promise<readonly unknown[]> {
  await using service = await startService(...answers);
  const conversation = converse(service, { threads: true });
  for (let turn = 1; turn <= turns; turn += 1) await takeTurn(conversation);
  return service.asked.map(({ body, headers }) => {
    const isThreaded = body["thread"] !== undefined;
    expect(headers["anthropic-beta"]?.includes("message-threads") ?? false).toBe(isThreaded);
    // The thread has them: naming them again is refused.
    const isContinued = JSON.stringify(body["thread"])?.includes("continue") ?? false;
    expect(["system", "tools"].filter((field) => field in body)).toEqual(
      isContinued ? [] : ["system", "tools"],
    );
    // At most one of them is in the messages, however often they are sent again.
    expect(JSON.stringify(body["messages"]).split("cache_control").length).toBeLessThanOrEqual(2);
    return [body["thread"], (body["messages"] as unknown[]).length];
  });
}

describe("history", () => {
  it("changes nothing in older messages but where the breakpoint stood [F4-history-fidelity]", async () => {
    const turns = ["t1", "t2", "t3"].map((id) =>
      anthropicReply(`msg_${id}`, [text("Hm."), call(id)], "tool_use"),
    );
    await using service = await startService(...turns, anthropicReply("msg_4", [text("Noon.")]));
    const conversation = converse(service);
    for (let turn = 1; turn <= 4; turn += 1) await takeTurn(conversation);

    const bodies = service.asked.map((one) => one.text);
    const breakpoint = ',"cache_control":{"type":"ephemeral"}';
    for (const [at, body] of bodies.entries()) {
      const next = bodies[at + 1];
      if (next === undefined) break;
      const head = body.slice(0, -"]}".length);
      const marked = head.lastIndexOf(breakpoint);
      const isResult = at > 0;
      // Up to the breakpoint on the newest results, and after it, byte for byte.
      const plain = isResult ? head.slice(0, marked) + head.slice(marked + breakpoint.length) : head;
      expect(next.startsWith(plain)).toBe(true);
    }
    expect(bodies.at(-1)?.split(breakpoint).length).toBe(4);
  });

  it("goes on from a stored transcript as if it had never been away [B-16] [B-19]", async () => {
    const thinking = { type: "thinking", thinking: "Hm.", signature: "sig==" };
    const first = anthropicReply("msg_1", [thinking, call("t1")], "tool_use");
    await using service = await startService(first, anthropicReply("msg_2", [text("Noon.")]));
    const conversation = converse(service);
    const said = await takeTurn(conversation);
    await ask(conversation);

    const restored = converse(service);
    restored.add(JSON.parse(JSON.stringify(said)));
    restored.add({
      role: "tool",
      results: [
        {
          callId: "t1",
          name: "clock",
          result: { content: [{ type: "text", text: "noon" }], isError: false },
        },
      ],
    });
    await ask(restored);

    expect(service.asked[2]?.text).toBe(service.asked[1]?.text);
  });
});

describe("headers", () => {
  it.each([
    { auth: undefined, key: "sk-test", bearer: undefined },
    { auth: "bearer" as const, key: undefined, bearer: "Bearer sk-test" },
    { auth: "both" as const, key: "sk-test", bearer: "Bearer sk-test" },
  ])("sends the key as told: $auth", async ({ auth, key, bearer }) => {
    await using service = await startService(anthropicReply("msg_1", [text("Hi")]));
    await ask(converse(service, { auth }));

    const { headers, path } = service.asked[0] ?? {};
    expect(path).toBe("/v1/messages");
    expect(headers?.["x-api-key"]).toBe(key);
    expect(headers?.authorization).toBe(bearer);
    expect(headers?.["anthropic-version"]).toBe("2023-06-01");
    expect(headers).not.toHaveProperty("anthropic-beta");
  });

  it("asks for betas, threads among them", async () => {
    await using service = await startService(anthropicReply("msg_1", [text("Hi")]));
    await ask(converse(service, { betas: ["one-2026", "two-2026"], threads: true }));

    expect(service.asked[0]?.headers["anthropic-beta"]).toBe("one-2026,two-2026,message-threads-2026-08-12");
  });
});

describe("options that cannot work together", () => {
  it.each<AnthropicMessagesOptions>([
    { thinking: { budgetTokens: 1_000 } },
    { thinking: { budgetTokens: 2_000 }, maxTokens: 2_000 },
    { thinking: { budgetTokens: 2_000 }, toolChoice: "any" },
    { thinking: { budgetTokens: 2_000 }, toolChoice: { tool: "clock" } },
    { extraBody: { thread: { type: "create" } } },
  ])("refuses %j [B-48]", (options) => {
    expect(() => anthropicMessages(options)).toThrow(expect.objectContaining({ code: "invalid_options" }));
  });
});

it("asks once, and says what is wrong, when a message cannot be written", async () => {
  await using service = await startService(anthropicReply("msg_1", [text("ok")]));
  const conversation = converse(service);
  conversation.add({ role: "user", content: [{ type: "image" } as never] });
  const emitted: unknown[] = [];
  await expect(conversation.reply(callWith((event) => emitted.push(event)))).rejects.toMatchObject({
    code: "invalid_options",
    message: expect.stringContaining("The request to Anthropic Messages could not be written"),
  });
  expect({ emitted, asked: service.asked }).toEqual({ emitted: [], asked: [] });
});

describe("threads", () => {
  const create = { type: "create" };

  it("sends everything once, then only what is new", async () => {
    expect(await playThread(3, tool("a"), tool("b"), anthropicReply("msg_c", [text("Noon.")]))).toEqual([
      [create, 1],
      [from("msg_a"), 1],
      [from("msg_b"), 1],
    ]);
  });

  it("goes on with an unfinished turn by sending nothing new", async () => {
    expect(await playThread(2, anthropicReply("msg_a", [text("Still…")], "pause_turn"), tool("b"))).toEqual([
      [create, 1],
      [from("msg_a"), 0],
    ]);
  });

  it.each(["thread_not_found", "thread_already_continued", "thread_continue_in_flight"])(
    "sends everything again under a new thread after %s",
    async (code) => {
      expect(await playThread(3, tool("a"), refusal(code), tool("b"), tool("c"))).toEqual([
        [create, 1],
        [from("msg_a"), 1],
        [create, 3],
        [from("msg_b"), 1],
      ]);
    },
  );

  it("does without threads when a new thread is lost as well", async () => {
    const lost = refusal("thread_not_found");
    expect(await playThread(4, tool("a"), lost, tool("b"), lost, tool("c"), tool("d"))).toEqual([
      [create, 1],
      [from("msg_a"), 1],
      [create, 3],
      [from("msg_b"), 1],
      [undefined, 5],
      [undefined, 7],
    ]);
  });

  it("keeps to threads when one is lost that had been continued", async () => {
    const lost = refusal("thread_not_found");
    expect(await playThread(4, tool("a"), lost, tool("b"), tool("c"), lost, tool("d"))).toEqual([
      [create, 1],
      [from("msg_a"), 1],
      [create, 3],
      [from("msg_b"), 1],
      [from("msg_c"), 1],
      [create, 7],
    ]);
  });

  it("does without threads when the service cannot thread the request", async () => {
    expect(await playThread(2, refusal("thread_unsupported_request", 400), tool("a"), tool("b"))).toEqual([
      [create, 1],
      [undefined, 1],
      [undefined, 3],
    ]);
  });

  it("starts a new thread after a stream that broke off", async () => {
    const body = String(tool("b").body);
    const half = streamed(body.slice(0, body.indexOf('data: {"type":"content_block_stop"')), "cut");
    expect(await playThread(3, tool("a"), half, tool("c"), tool("d"))).toEqual([
      [create, 1],
      [from("msg_a"), 1],
      [create, 3],
      [from("msg_c"), 1],
    ]);
  });

  it("keeps the thread when a try failed before its reply began", async () => {
    expect(await playThread(2, tool("a"), json({}, 500), tool("b"))).toEqual([
      [create, 1],
      [from("msg_a"), 1],
      [from("msg_a"), 1],
    ]);
  });

  it.each([
    { what: "a refusal", reply: anthropicReply("msg_b", [text("No")], "refusal"), sent: 3 },
    {
      what: "the words of a stand-in model",
      reply: anthropicReply("msg_b", [text("Yes")], "pause_turn", {
        iterations: [{ type: "fallback_message" }],
      }),
      sent: 4,
    },
  ])("starts a new thread after $what", async ({ reply, sent }) => {
    expect(await playThread(3, tool("a"), reply, tool("c"))).toEqual([
      [create, 1],
      [from("msg_a"), 1],
      [create, sent],
    ]);
  });

  it("starts a new thread when its last reply did not enter the conversation", async () => {
    await using service = await startService(tool("a"), tool("b"));
    const conversation = converse(service, { threads: true });
    await ask(conversation);
    conversation.add({ role: "user", content: [{ type: "text", text: "Stop that." }] });
    await ask(conversation);

    expect(service.asked[1]?.body).toMatchObject({ thread: create, messages: [{}, {}] });
  });

  it("passes every other refusal on", async () => {
    await expect(playThread(1, refusal("model_not_found"))).rejects.toMatchObject({
      hostCode: "model_not_found",
    });
  });
});
