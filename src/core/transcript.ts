/** The transcript of a conversation, where this side holds it: messages, neutral between the wires of models. */

import type { ContentBlock, ToolResult } from "./results.ts";

/** A message of a conversation, neutral between wires. */
export type TranscriptMessage = UserMessage | AssistantMessage | ToolMessage;

/** What the user said, or whoever operates the agent. */
export interface UserMessage {
  readonly role: "user";
  readonly content: readonly ContentBlock[];
  /** Set when these are not the user's words but instructions of the operator, which apply from here on. */
  readonly from?: "operator" | undefined;
}

/** What the model said. */
export interface AssistantMessage {
  readonly role: "assistant";
  readonly content: readonly AssistantBlock[];
  /** The model's own words on the wire they came from. Sent back untouched on that wire; other wires use `content`. */
  readonly native?: { readonly wire: string; readonly message: unknown } | undefined;
}

/** A piece of what the model said. */
export type AssistantBlock =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "thinking"; readonly text: string }
  /** `arguments` is the JSON text exactly as the model wrote it. */
  | { readonly type: "tool_call"; readonly id: string; readonly name: string; readonly arguments: string };

/** The results of a turn's calls, in call order. */
export interface ToolMessage {
  readonly role: "tool";
  readonly results: readonly {
    readonly callId: string;
    readonly name: string;
    readonly result: ToolResult;
  }[];
}

/** The text of a message, its text blocks joined without separator, as its deltas were. */
export function textOf(message: AssistantMessage): string {
  return message.content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("");
}
