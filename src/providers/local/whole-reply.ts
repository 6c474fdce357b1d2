/**
 * The rule of what may run: a call runs only when its reply is provably whole and its input was really given.
 *
 * A reply that was cut off, by its token limit or the context window, may hold a call whose input had yet to come; read as `{}` it
 * would run with input nobody sent. So the calls of a reply that did not end by itself are void, and leave it.
 */

import { isObject } from "../../core/json.ts";
import type { AssistantBlock } from "../../core/transcript.ts";
import type { ModelReply } from "./model.ts";

/** The reply with the calls that may run, and no others. */
export function withWholeCalls(reply: ModelReply): ModelReply {
  const { content } = reply.message;
  const calls = content.filter(isCall);
  // Without a stop reason, a call without input may be truncated.
  const isMissing = reply.stopReason === null && calls.some((call) => call.arguments.trim() === "");
  if (calls.length === 0 || (reply.ending === "completed" && !isMissing)) return reply;
  // Fails closed on an unknown ending: each call must prove that its input is complete.
  const isUnknown = reply.ending === "terminated" || reply.ending === "paused";
  if (isUnknown && calls.every((call) => isGiven(call.arguments))) return reply;
  return {
    ...reply,
    ending: reply.ending === "completed" || reply.ending === "paused" ? "terminated" : reply.ending,
    // Nor the service's own form of it: a call without a result would be refused when it is sent back.
    message: { role: "assistant", content: content.filter((block) => !isCall(block)) },
  };
}

function isCall(block: AssistantBlock): block is Extract<AssistantBlock, { type: "tool_call" }> {
  return block.type === "tool_call";
}

function isGiven(text: string): boolean {
  try {
    return isObject(JSON.parse(text));
  } catch {
    return false;
  }
}
