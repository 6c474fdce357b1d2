// A frame damaged on its way, at each place of a reply with words and a call, read by the AI SDK's real models: nothing of that
// reply runs, its words are taken back, and the service is asked again.

import { defineAgent, defineTool, openSession } from "loophost";
import { aiSdkModel, local } from "loophost/providers/local";
import { describe, expect, it } from "vitest";

import { startService, streamed } from "../../../../support/model-service.ts";
import { anthropicReply, chatReply } from "../replies.ts";
import { REAL_MODELS } from "./models.ts";

const usage = { input_tokens: 1, output_tokens: 1 };
const piece = (index: number, delta: object) => ({ type: "content_block_delta", index, delta });
const begin = (index: number, block: object) => ({
  type: "content_block_start",
  index,
  content_block: block,
});
const end = (index: number) => ({ type: "content_block_stop", index });
const called = (fields: object) => ({ choices: [{ delta: { tool_calls: [{ index: 0, ...fields }] } }] });

const FRAMES: Readonly<Record<"anthropic" | "chat", readonly object[]>> = {
  anthropic: [
    { type: "message_start", message: { id: "m1", model: "m", content: [], usage } },
    begin(0, { type: "text", text: "" }),
    piece(0, { type: "text_delta", text: "Let me " }),
    piece(0, { type: "text_delta", text: "add." }),
    end(0),
    begin(1, { type: "tool_use", id: "c1", name: "add", input: {} }),
    piece(1, { type: "input_json_delta", partial_json: '{"a": 1' }),
    piece(1, { type: "input_json_delta", partial_json: ', "b": 2}' }),
    end(1),
    { type: "message_delta", delta: { stop_reason: "tool_use" }, usage },
    { type: "message_stop" },
  ],
  chat: [
    { choices: [{ delta: { role: "assistant", content: "Let me " } }] },
    { choices: [{ delta: { content: "add." } }] },
    called({ id: "c1", type: "function", function: { name: "add", arguments: "" } }),
    called({ function: { arguments: '{"a": 1' } }),
    called({ function: { arguments: ', "b": 2}' } }),
    { choices: [{ delta: {}, finish_reason: "tool_calls" }] },
  ],
};

/** Each way a frame can be damaged and still be a frame. */
const DAMAGES: Readonly<Record<string, (frame: string) => string>> = {
  "cut off": (frame) => frame.slice(0, frame.length / 2),
  "with a byte flipped": (frame) => frame.replace(":", ";"),
  "empty in the middle": (frame) => frame.replace(/"type"|"choices"/, ""),
};

function reply(wire: "anthropic" | "chat", at?: number, damage: (frame: string) => string = String) {
  const frames = FRAMES[wire].map((frame, index) =>
    index === at ? damage(JSON.stringify(frame)) : JSON.stringify(frame),
  );
  return streamed(
    [...frames, ...(wire === "chat" ? ["[DONE]"] : [])].map((data) => `data: ${data}\n\n`).join(""),
  );
}

const done = {
  anthropic: anthropicReply("m2", [{ type: "text", text: "" } as { type: string }]),
  chat: chatReply({ content: "" }),
};

describe.each(REAL_MODELS)("the AI SDK's $version model over the $wire wire", ({ wire, make }) => {
  it.each(Object.entries(DAMAGES))("reads a frame that is %s as no reply at all", async (_, damage) => {
    for (const [at, frame] of FRAMES[wire].entries()) {
      await using service = await startService(reply(wire, at, damage), reply(wire), done[wire]);
      const ran: unknown[] = [];
      const add = defineTool({
        name: "add",
        description: "Adds",
        input: { type: "object" },
        execute: (input) => void ran.push(input),
      });
      const provider = local({ model: aiSdkModel(make(service.url), { retry: { firstDelayMs: 1 } }) });
      const agent = defineAgent({ name: "a", instructions: "", tools: [add] });
      await using session = await openSession(agent, { provider });
      let shown = "";
      const run = session.send("Go");
      for await (const event of run) {
        if (event.type === "text.delta") shown += event.text;
        if (event.type === "deltas.retracted") shown = "";
      }
      const where = `frame ${at}: ${JSON.stringify(frame)}`;
      expect(ran, where).toEqual([{ a: 1, b: 2 }]);
      expect(shown, where).toBe("Let me add.");
      expect(await run.result(), where).toMatchObject({ ending: "completed" });
    }
  });
});
