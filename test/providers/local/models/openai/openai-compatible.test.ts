// The chat completions adapter as a conversation.

import { expect, it } from "vitest";

import { openAICompatible } from "../../../../../src/providers/local/models/openai/index.ts";
import { startService } from "../../../../support/model-service.ts";
import { ask, conversing } from "../../conversing.ts";
import { chatReply } from "../replies.ts";

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
