// The scripted model speaks the real wire: the official client reads it, as a stream, as JSON and as a thread.

import Anthropic from "@anthropic-ai/sdk";
import { afterAll, beforeAll, expect, it } from "vitest";

import type { ModelServer } from "../../bench/model-server.ts";
import { startModelServer } from "../../bench/model-server.ts";
import { EVERYDAY, filler, toModelName } from "../../bench/script.ts";

const script = { ...EVERYDAY, toolTurns: 2, args: 500, text: 1000, delta: 7 };
const prompt = { role: "user" as const, content: "Where is order 42?" };

let server: ModelServer;
let client: Anthropic;

beforeAll(async () => {
  server = await startModelServer();
  client = new Anthropic({ apiKey: "test", baseURL: server.url, maxRetries: 0 });
});

afterAll(() => server.close());

it.each([true, false])("plays a script to its end (streamed: %s)", async (streamed) => {
  const messages: Anthropic.MessageParam[] = [prompt];
  const replies: Anthropic.Message[] = [];
  while (replies.at(-1)?.stop_reason !== "end_turn") {
    const request = { model: toModelName(script), max_tokens: 100, messages };
    const reply = await (streamed
      ? client.messages.stream(request).finalMessage()
      : client.messages.create(request));
    replies.push(reply);
    messages.push({ role: "assistant", content: reply.content }, answerTo(reply));
  }

  const toolTurn = [
    { type: "text", text: filler(script.preface) },
    { type: "tool_use", name: "look_up", input: { query: expect.any(String) } },
  ];
  const closing = [{ type: "text", text: filler(script.text) }];
  expect(replies.map((reply) => reply.content)).toMatchObject([toolTurn, toolTurn, closing]);
  const calls = replies.flatMap((reply) => reply.content).filter((block) => block.type === "tool_use");
  for (const call of calls) expect(JSON.stringify(call.input)).toHaveLength(script.args);
});

it("lets a thread go on from its last message only", async () => {
  const first = (await (
    await ask({ messages: [prompt], thread: { type: "create" } })
  ).json()) as Anthropic.Message;
  const goOn = (previous: string) =>
    ask({ messages: [answerTo(first)], thread: { type: "continue", previous_message_id: previous } });

  expect((await goOn(first.id)).status).toBe(200);
  const refused = await goOn("msg_0_0");
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({ error: { details: { error_code: "thread_not_found" } } });
});

it("holds a stream back until it is released", async () => {
  const model = toModelName({ ...EVERYDAY, text: 100, delta: 10, holdAfter: 3 });
  let text = "";
  const stream = client.messages.stream({ model, max_tokens: 100, messages: [prompt] });
  await new Promise<void>((resolve) =>
    stream.on("text", (piece) => (text += piece).length === 30 && resolve()),
  );
  expect(text).toBe(filler(30));
  await fetch(`${server.url}/release`, { method: "POST" });
  expect(await stream.finalText()).toBe(filler(100));
});

it("refuses a model that is not a script", async () => {
  const asked = client.messages.create({ model: "other", max_tokens: 1, messages: [prompt] });
  await expect(asked).rejects.toMatchObject({ status: 404 });
});

function answerTo({ content }: Anthropic.Message): Anthropic.MessageParam {
  const calls = content.filter((block) => block.type === "tool_use");
  return {
    role: "user",
    content: calls.map(({ id }) => ({ type: "tool_result", tool_use_id: id, content: "done" })),
  };
}

function ask(body: object): Promise<Response> {
  const request = { model: toModelName(script), max_tokens: 100, ...body };
  return fetch(`${server.url}/v1/messages`, { method: "POST", body: JSON.stringify(request) });
}
