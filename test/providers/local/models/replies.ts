// Replies as the services stream them, for tests that care about the conversation and not about the wire.

import type { Answer } from "../../../support/model-service.ts";
import { streamed } from "../../../support/model-service.ts";

/** Events as a stream has them. */
export function events(list: readonly unknown[]): string {
  return list.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
}

/** A reply over the Anthropic Messages wire. */
export function anthropicReply(
  id: string,
  content: readonly { readonly type: string }[],
  stopReason = "end_turn",
  usage: object = {},
): Answer {
  return streamed(
    events([
      { type: "message_start", message: { id, content: [], usage: { input_tokens: 1, output_tokens: 1 } } },
      ...content.flatMap((block, index) => [
        { type: "content_block_start", index, content_block: block },
        { type: "content_block_stop", index },
      ]),
      { type: "message_delta", delta: { stop_reason: stopReason }, usage: { output_tokens: 2, ...usage } },
      { type: "message_stop" },
    ]),
  );
}

/** A reply over the chat completions wire. */
export function chatReply(delta: object, finishReason = "stop"): Answer {
  return streamed(`${events([{ choices: [{ delta, finish_reason: finishReason }] }])}data: [DONE]\n\n`);
}
