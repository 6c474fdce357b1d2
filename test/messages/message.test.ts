// Messages in the shape of the Messages API: what of them reaches the model, and what comes back.

import { defineAgent, defineTool, run } from "loophost";
import type { AgentConfig, AgentResult, Message } from "loophost/messages";
import { runAgent, runWithEvents, runWithMessages } from "loophost/messages";
import { local, type ModelFunction, type ModelRequest } from "loophost/providers/local";
import { expect, it } from "vitest";

const add = defineTool({
  name: "add",
  description: "Adds",
  input: { type: "object", properties: { a: { type: "number" } }, required: ["a"] },
  execute: ({ a }) => Number(a) + 1,
});

/** A model that calls the tool once, then says so, and keeps what it was asked. */
function adder() {
  const asked: ModelRequest[] = [];
  const model: ModelFunction = (request) => {
    asked.push(request);
    return request.messages.at(-1)?.role === "user"
      ? [{ type: "tool_call", id: "c1", name: "add", input: { a: 1 } }]
      : "two";
  };
  return { provider: local({ model }), asked };
}

it.each<[string, (config: AgentConfig) => Promise<AgentResult>]>([
  ["runAgent", (config) => runAgent(config, "1+1?")],
  ["runWithMessages", (config) => runWithMessages(config, [{ role: "user", content: "1+1?" }])],
  ["runWithEvents", (config) => runWithEvents(config, "1+1?", () => undefined)],
])("%s is the same loop as run(): the model is asked the same [B-12]", async (_, face) => {
  const plain = adder();
  const result = await run(defineAgent({ name: "adder", instructions: "Add.", tools: [add] }), {
    provider: plain.provider,
    prompt: "1+1?",
  });
  const faced = adder();
  const { finalMessage, iterations } = await face({ provider: faced.provider, system: "Add.", tools: [add] });
  expect(faced.asked).toEqual(plain.asked);
  expect(finalMessage).toEqual({ role: "assistant", content: [{ type: "text", text: result.text }] });
  expect(iterations).toBe(result.turns);
});

it("takes a content as text or as blocks, images and documents with them [B-43]", async () => {
  const source = { type: "base64", media_type: "image/png", data: "AA==" } as const;
  const { provider, asked } = adder();
  await runWithMessages({ provider }, [
    { role: "user", content: "Look." },
    { role: "assistant", content: "At what?" },
    {
      role: "user",
      content: [
        { type: "text", text: "At this." },
        { type: "image", source },
        { type: "document", source: { ...source, media_type: "application/pdf" }, title: "Plan" },
      ],
    },
  ]);
  expect(asked[0]?.messages).toMatchObject([
    { role: "user", content: [{ type: "text", text: "Look." }] },
    { role: "assistant", content: [{ type: "text", text: "At what?" }] },
    {
      role: "user",
      content: [
        { type: "text", text: "At this." },
        { type: "image", mediaType: "image/png", data: "AA==" },
        { type: "document", mediaType: "application/pdf", title: "Plan" },
      ],
    },
  ]);
});

it.each([
  [true, true],
  [false, false],
  [undefined, false],
  ["true", false],
])("takes a result flagged %j for an error: %s [A-032]", async (is_error, isError) => {
  const { provider, asked } = adder();
  const messages = [
    { role: "user", content: "1+1?" },
    { role: "assistant", content: [{ type: "tool_use", id: "c1", name: "add", input: { a: 1 } }] },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "c1", content: "2", is_error }] },
  ] as Message[];
  await runWithMessages({ provider, tools: [add] }, messages);
  expect(asked[0]?.messages.at(-1)).toEqual({
    role: "tool",
    results: [{ callId: "c1", name: "add", result: { isError, content: [{ type: "text", text: "2" }] } }],
  });
});
