/**
 * The floor: the loop a careful engineer writes by hand over fetch, with nothing that is not needed for this one task.
 * No retries, no deadlines, no validation, no events, no journal. What a library costs is what it costs beyond this.
 */

import { splitEvents } from "./split-events.ts";
import type { Converse, Setting } from "./task.ts";
import { INSTRUCTIONS, LOOK_UP, Orders, PROMPT } from "./task.ts";

/** Sets the hand-written loop up. */
export function floor({ url, script, threads }: Setting, model: string): Converse {
  const fixed = {
    system: INSTRUCTIONS,
    tools: [{ name: LOOK_UP.name, description: LOOK_UP.description, input_schema: LOOK_UP.inputSchema }],
  };
  const basics = { model, max_tokens: 4096, stream: true };
  return async (onText) => {
    const orders = new Orders(script);
    const history: object[] = [{ role: "user", content: PROMPT }];
    let request: object = threads
      ? { ...basics, ...fixed, messages: history, thread: { type: "create" } }
      : { ...basics, ...fixed, messages: history };
    for (let turns = 1; ; turns += 1) {
      const reply = await ask(url, request, onText);
      const results = reply.content.flatMap((block) =>
        block.type === "tool_use"
          ? [{ type: "tool_result", tool_use_id: block.id, content: orders.lookUp(block.input.query) }]
          : [],
      );
      if (results.length === 0) {
        const textChars = reply.content.reduce(
          (sum, block) => sum + (block.type === "text" ? block.text.length : 0),
          0,
        );
        return { turns, toolCalls: orders.toolCalls, inputChars: orders.inputChars, textChars };
      }
      const answer = { role: "user", content: results };
      if (threads) {
        const thread = { type: "continue", previous_message_id: reply.id };
        request = { ...basics, messages: [answer], thread };
      } else history.push({ role: "assistant", content: reply.content }, answer);
    }
  };
}

type Block =
  | { readonly type: "text"; text: string }
  | {
      readonly type: "tool_use";
      readonly id: string;
      readonly name: string;
      input: { readonly query: string };
    };

interface Reply {
  id: string;
  readonly content: Block[];
}

type WireEvent =
  | { readonly type: "message_start"; readonly message: { readonly id: string } }
  | { readonly type: "content_block_start"; readonly index: number; readonly content_block: Block }
  | {
      readonly type: "content_block_delta";
      readonly index: number;
      readonly delta:
        | { readonly type: "text_delta"; readonly text: string }
        | { readonly type: "input_json_delta"; readonly partial_json: string };
    }
  | { readonly type: "content_block_stop"; readonly index: number }
  | { readonly type: "message_delta" | "message_stop" | "ping" };

async function ask(url: string, body: object, onText?: (text: string) => void): Promise<Reply> {
  const response = await fetch(`${url}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": "bench", "anthropic-version": "2023-06-01" },
    body: JSON.stringify(body),
  });
  if (!response.ok || response.body === null)
    throw new Error(`HTTP ${response.status}: ${await response.text()}`);
  const reply: Reply = { id: "", content: [] };
  let json = "";
  const take = (event: WireEvent) => {
    if (event.type === "message_start") reply.id = event.message.id;
    else if (event.type === "content_block_start") reply.content.push(event.content_block);
    else if (event.type === "content_block_delta") {
      const block = reply.content[event.index];
      if (event.delta.type === "input_json_delta") json += event.delta.partial_json;
      else if (block?.type === "text") {
        block.text += event.delta.text;
        onText?.(event.delta.text);
      }
    } else if (event.type === "content_block_stop") {
      const block = reply.content[event.index];
      if (block?.type === "tool_use") block.input = JSON.parse(json);
      json = "";
    }
  };
  await splitEvents(response.body, (data) => take(JSON.parse(data)));
  return reply;
}
