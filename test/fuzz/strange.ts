// Replies put together of pieces that make no sense: each alone was seen somewhere, or could be. What runs of them may run
// only with an input that stands in one of the pieces.

import * as fc from "fast-check";

import type { Reply } from "./replies.ts";

const A = '{"a":1}';
const tool = (more: object) => ({ choices: [{ index: 0, delta: { tool_calls: [more] } }] });

const CHAT: readonly object[] = [
  tool({ index: 5, function: { arguments: A } }),
  tool({ id: 7, function: { name: "tool", arguments: [1] } }),
  tool({ index: 0, id: "k", function: { name: "tool", arguments: A } }),
  tool({ index: 0, id: "n" }),
  tool({ index: 0, id: "n", function: { name: "tool" } }),
  tool({ function: { arguments: "" } }),
  tool({ function: null }),
  tool({ index: 1, id: "b", function: { name: "tool", arguments: "x}" } }),
  tool({ index: 1, id: "b", function: { name: "tool", arguments: "{}" } }),
  { choices: [3, { delta: null }, { finish_reason: "" }] },
  { choices: [{ delta: { own: "a", list: [1], content: { text: "x" } } }] },
  { choices: [{ message: { content: "in a stream" } }] },
  { choices: [{ index: 1, delta: { content: "another choice" } }] },
  { choices: [], usage: { prompt_tokens: 1, prompt_tokens_details: { cached_tokens: 9 } } },
  { choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }] },
  { message: "no", code: "overloaded" },
  tool({ index: 0, function: { name: "other", arguments: "" } }),
  { choices: [{ index: 0, delta: { own: null } }], usage: { prompt_tokens: 1 } },
  { choices: [{ index: 0, delta: {}, finish_reason: "solar_flare" }] },
];

const use = { type: "tool_use", id: "k", name: "tool" };
const MESSAGES: readonly object[] = [
  { type: "message_start", message: null },
  { type: "message_start", message: { content: [], usage: { other: 1 } } },
  { type: "content_block_start", index: 0, content_block: null },
  { type: "content_block_start", index: 0, content_block: use },
  { type: "content_block_start", content_block: { ...use, input: { a: 1 } } },
  { type: "content_block_delta", delta: { type: "input_json_delta", partial_json: A } },
  { type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json: "{x" } },
  { type: "content_block_delta", index: 9, delta: { type: "text_delta", text: "lost" } },
  { type: "content_block_delta", index: 0, delta: { type: "citations_delta", citation: 1 } },
  {
    type: "content_block_start",
    index: 1,
    content_block: { type: "web_tool_result", tool_use_id: "s", content: "x" },
  },
  { type: "content_block_start", index: 1, content_block: { type: "server_tool_use", id: "s", name: "web" } },
  { type: "content_block_stop", index: 0 },
  { type: "content_block_stop" },
  { type: "message_delta", delta: { stop_reason: "pause_turn" } },
  {
    type: "message_delta",
    delta: { stop_reason: "tool_use" },
    usage: { input_tokens: 1, cache_read_input_tokens: "x" },
  },
  { type: "message_stop" },
  { message: "no", code: "overloaded" },
];

/** Pieces in an order that chance seldom finds. */
const TOGETHER: Readonly<Record<Reply["wire"], readonly (readonly number[])[]>> = {
  chat: [
    [7, 18],
    [2, 16, 14],
    [10, 10, 17],
    [9, 11],
  ],
  messages: [
    [1, 3, 14, 15],
    [1, 16],
    [0, 3, 6, 11, 14],
    [1, 3, 8, 8, 11, 14],
  ],
};

/** Bodies that are a whole of something else. */
const WHOLE: readonly object[] = [
  {},
  { content: 3 },
  { choices: 3 },
  { choices: [{ message: null }] },
  { content: [null, use] },
];

/** Strange replies over both wires. */
export const strangeReply: fc.Arbitrary<Reply> = fc
  .record({
    wire: fc.constantFrom("chat" as const, "messages" as const),
    pieces: fc.array(fc.nat(99), { minLength: 1, maxLength: 12, size: "max" }),
    named: fc.boolean(),
    ends: fc.boolean(),
    together: fc.option(fc.nat(3), { freq: 4 }),
    whole: fc.option(fc.nat(WHOLE.length - 1), { freq: 8 }),
  })
  .map(({ wire, pieces, named, ends, together, whole }) => {
    const pool = wire === "chat" ? CHAT : MESSAGES;
    const first = wire === "messages" && ends && together === null ? [pool[1]] : [];
    const order = (together === null ? undefined : TOGETHER[wire][together]) ?? pieces;
    const frames = [...first, ...order.map((at) => pool[at % pool.length])].map((data, at) => {
      const name = named && at % 3 === 2 ? "event: error\n" : "";
      return `${name}data: ${JSON.stringify(data)}\n\n`;
    });
    const end = wire === "chat" ? "data: [DONE]\n\n" : 'data: {"type":"message_stop"}\n\n';
    return {
      wire,
      body: whole === null ? frames.join("") + (ends ? end : "") : JSON.stringify(WHOLE[whole]),
      type: "text/event-stream",
      inputs: Array.from({ length: 8 }, () => [A, "{}"]).flat(),
      mayRun: true,
    };
  });
