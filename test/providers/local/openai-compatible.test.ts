// The chat completions adapter as a conversation.

import { expect, it } from "vitest";

import { openAICompatible } from "../../../src/providers/local/openai-compatible.ts";
import { ask, conversing } from "./conversing.ts";
import { startService } from "./model-service.ts";
import { chatReply } from "./replies.ts";

const call = (id: string) => ({
  tool_calls: [{ index: 0, id, function: { name: "clock", arguments: "{}" } }],
});

it("gives a call id that was used before another one, history included [I2]", async () => {
  await using service = await startService(
    chatReply(call("call_0")),
    chatReply(call("call_1")),
    chatReply(call("call_1")),
  );
  const conversation = conversing(openAICompatible({ baseUrl: service.url }));
  conversation.add({
    role: "assistant",
    content: [{ type: "tool_call", id: "call_0", name: "clock", arguments: "{}" }],
  });
  const ids: string[] = [];
  for (let turn = 1; turn <= 3; turn += 1) {
    const { message } = (await ask(conversation)).reply;
    conversation.add(message);
    ids.push(...message.content.flatMap((block) => (block.type === "tool_call" ? [block.id] : [])));
  }

  expect(ids[1]).toBe("call_1");
  expect(ids[0]).toMatch(/^call_[0-9a-f-]{36}$/);
  expect(new Set(["call_0", ...ids]).size).toBe(4);
});

it("names the limit as OpenAI wants it, and as everybody else does", async () => {
  await using service = await startService(chatReply({ content: "Hi" }));
  const fetchThere: typeof globalThis.fetch = (_, init) => fetch(service.url, init);
  await ask(conversing(openAICompatible({ apiKey: "sk-test", maxTokens: 9, fetch: fetchThere })));
  await ask(conversing(openAICompatible({ baseUrl: service.url, maxTokens: 9 })));

  expect(service.asked.map(({ body }) => [body["max_completion_tokens"], body["max_tokens"]])).toEqual([
    [9, undefined],
    [undefined, 9],
  ]);
});

it("asks under the base address as it is given [A-087]", async () => {
  await using service = await startService(chatReply({ content: "Hi" }));
  await ask(conversing(openAICompatible({ baseUrl: `${service.url}/proxy/v1/` })));

  expect(service.asked[0]?.path).toBe("/proxy/v1/chat/completions");
  expect(service.asked[0]?.headers).not.toHaveProperty("authorization");
});
