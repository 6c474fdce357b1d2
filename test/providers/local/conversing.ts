// Conversations with a model, without the loop around them: what adapters are tested through.

import type { Clock } from "../../../src/core/clock.ts";
import { systemClock } from "../../../src/core/clock.ts";
import type {
  ConversationSetup,
  Model,
  ModelCall,
  ModelConversation,
  ModelReply,
} from "../../../src/providers/local/model.ts";

/** A tool called clock. */
export const CLOCK = {
  name: "clock",
  description: "Tells the time",
  inputSchema: { type: "object", properties: {} },
};

/** Starts a conversation that has one message of the user's. */
export function conversing(model: Model, setup: Partial<ConversationSetup> = {}): ModelConversation {
  const conversation = model.converse({ instructions: "", tools: [], modelId: "test-model", ...setup });
  conversation.add({ role: "user", content: [{ type: "text", text: "Hi" }] });
  return conversation;
}

/** Asks for a reply, and keeps what was emitted on the way. */
export async function ask(
  conversation: ModelConversation,
  options: { readonly clock?: Clock; readonly signal?: AbortSignal } = {},
): Promise<{ readonly reply: ModelReply; readonly emitted: readonly unknown[] }> {
  const emitted: unknown[] = [];
  const reply = await conversation.reply(callWith((event) => emitted.push(event), options));
  return { reply, emitted };
}

/** A model call that emits to a function. */
export function callWith(
  emit: ModelCall["emit"],
  {
    clock = systemClock,
    signal = new AbortController().signal,
  }: { readonly clock?: Clock; readonly signal?: AbortSignal } = {},
): ModelCall {
  return { emit, clock, signal };
}
