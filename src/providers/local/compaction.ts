/**
 * Compaction: making a conversation smaller when the context is nearly full.
 *
 * The built-in way takes the cheap step first: the oldest tool results give up their content. Only when that is not enough does
 * the model itself write a summary of what came before the newest messages.
 */

import type { Usage } from "../../core/results.ts";
import { NO_USAGE } from "../../core/results.ts";
import type { AssistantMessage, TranscriptMessage, ToolMessage } from "../../core/transcript.ts";
import { textOf } from "../../core/transcript.ts";
import type { Model, ModelCall } from "./model.ts";

/** When and how a conversation is compacted. */
export interface CompactionOptions {
  /** Tokens of context, as the last reply counted them, above which the next request is preceded by a compaction. */
  readonly aboveTokens: number;
  /** Rewrites the conversation. Default: the built-in way. */
  readonly compact?: Compactor | undefined;
}

/** Rewrites a conversation. What it leaves out is gone for the model; calls and their results must stay together. */
export type Compactor = (
  messages: readonly TranscriptMessage[],
  help: CompactionHelp,
) => readonly TranscriptMessage[] | Promise<readonly TranscriptMessage[]>;

/** What a compactor can use. */
export interface CompactionHelp {
  /** Tokens of context at the last reply. */
  readonly tokens: number;
  readonly aboveTokens: number;
  /** Asks the conversation's own model for a summary of some messages. */
  summarise(messages: readonly TranscriptMessage[]): Promise<string>;
}

/** Messages at the end that are never touched: the task at hand. */
const KEPT = 6;
const LEFT_OUT = "[left out to make room; call the tool again if it is needed]";

/** The built-in compactor. */
export const compactOldestFirst: Compactor = async (messages, help) => {
  const { tokens, aboveTokens } = help;
  const split = safeSplit(messages, Math.max(0, messages.length - KEPT));
  const [old, kept] = [messages.slice(0, split), messages.slice(split)];
  const emptied = old.map(withoutResults);
  const freed = sizeOf(old) - sizeOf(emptied);
  // Tokens go with characters closely enough to tell whether half of the room is free again.
  if (tokens * (1 - freed / Math.max(1, sizeOf(messages))) <= aboveTokens / 2) return [...emptied, ...kept];
  if (old.length === 0) return messages;
  const summary = await help.summarise(old);
  // Operator instructions still apply. They are put after a user message, where wires with a role for them want them.
  const next = kept.findIndex((message) => message.role !== "user" || isOperators(message));
  const at = next < 0 ? kept.length : next;
  return [
    { role: "user", content: [{ type: "text", text: `What happened so far, in short:\n${summary}` }] },
    ...kept.slice(0, at),
    ...old.filter(isOperators),
    ...kept.slice(at),
  ];
};

/** Asks a model for a summary, in a conversation of its own. */
export async function summariseWith(
  model: Model,
  modelId: string | undefined,
  messages: readonly TranscriptMessage[],
  call: ModelCall,
): Promise<{ readonly text: string; readonly usage: Usage }> {
  const conversation = model.converse({ instructions: SUMMARY_INSTRUCTIONS, tools: [], modelId });
  conversation.add({ role: "user", content: [{ type: "text", text: messages.map(inWords).join("\n\n") }] });
  const { message, usage = NO_USAGE } = await conversation.reply({ ...call, emit: () => undefined });
  return { text: textOf(message), usage };
}

const SUMMARY_INSTRUCTIONS =
  "Summarise the conversation you are given for the agent that will go on with it: the task, what was decided, what was " +
  "found (with exact names, numbers and ids), what failed, and what remains to be done. Write nothing else.";

function isOperators(message: TranscriptMessage): boolean {
  return message.role === "user" && message.from === "operator";
}

/** A place to cut that separates no call from its results: before a user or assistant message. */
function safeSplit(messages: readonly TranscriptMessage[], at: number): number {
  let split = at;
  while (split > 0 && messages[split]?.role === "tool") split -= 1;
  return split;
}

function withoutResults(message: TranscriptMessage): TranscriptMessage {
  if (message.role !== "tool") return message;
  const emptied: ToolMessage["results"] = message.results.map((one) => ({
    ...one,
    result: { isError: one.result.isError, content: [{ type: "text", text: LEFT_OUT }] },
  }));
  return { ...message, results: emptied };
}

function sizeOf(messages: readonly TranscriptMessage[]): number {
  return messages.reduce((sum, message) => sum + inWords(message).length, 0);
}

function inWords(message: TranscriptMessage): string {
  if (message.role === "user")
    return `${isOperators(message) ? "Operator" : "User"}: ${message.content.map((block) => (block.type === "text" ? block.text : `[${block.type}]`)).join("\n")}`;
  if (message.role === "assistant") return `Agent: ${assistantInWords(message)}`;
  return message.results
    .map(
      ({ name, result }) =>
        `Result of ${name}: ${result.content.map((block) => (block.type === "text" ? block.text : `[${block.type}]`)).join("\n")}`,
    )
    .join("\n");
}

function assistantInWords(message: AssistantMessage): string {
  return message.content
    .map((block) =>
      block.type === "tool_call"
        ? `calls ${block.name} ${block.arguments}`
        : block.type === "text"
          ? block.text
          : "",
    )
    .join("\n");
}
