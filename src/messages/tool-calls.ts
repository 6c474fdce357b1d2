/** The two pieces of a hand-written loop: what the model called, and the message that answers it. */

import type { ToolResult } from "../core/results.ts";
import type { Message, ToolUseBlock } from "./message.ts";
import { blocksOf, isToolUse, toolResultBlock } from "./message.ts";

/** The calls in a message's content, in order. */
export function extractToolCalls(content: Message["content"]): readonly ToolUseBlock[] {
  return blocksOf(content).filter(isToolUse);
}

/** The one user message that answers calls, in the order of the results given. */
export function buildToolResultsMessage(
  results: readonly { readonly id: string; readonly result: ToolResult }[],
): Message {
  return { role: "user", content: results.map(({ id, result }) => toolResultBlock(id, result)) };
}
