/** The events and blocks of the Anthropic Messages wire, and what each of them means to us. */

import { isObject } from "../../../../core/json.ts";
import type { Usage } from "../../../../core/results.ts";
import type { AssistantBlock } from "../../../../core/transcript.ts";
import { countOrNone } from "../../../../core/wire/numbers.ts";
import type { ModelEvent, ModelReply } from "../../model.ts";

/** An event of the stream. Nothing about it is certain but that it is an object. */
export interface WireEvent {
  readonly type: string;
  readonly index?: unknown;
  readonly message?: WireMessage | null;
  readonly content_block?: unknown;
  readonly delta?: WireDelta | null;
  readonly usage?: WireUsage | null;
  readonly error?: unknown;
}

/** A message, whole or as it begins. */
export interface WireMessage {
  readonly content?: readonly WireBlock[];
  readonly stop_reason?: string | null;
  usage?: WireUsage;
}

/** A block of a message; kinds unknown here keep their fields. */
export interface WireBlock {
  readonly type: string;
  readonly id?: string;
  readonly name?: string;
  text?: string;
  thinking?: string;
  [field: string]: unknown;
}

/** What is added to a block. */
export interface WireDelta {
  readonly type: string;
  readonly text?: string;
  readonly thinking?: string;
  readonly partial_json?: string;
  readonly [field: string]: unknown;
}

/** Tokens as this wire counts them. */
interface WireUsage {
  readonly input_tokens?: number | null;
  readonly output_tokens?: number | null;
  readonly cache_read_input_tokens?: number | null;
  readonly cache_creation_input_tokens?: number | null;
  [field: string]: unknown;
}

/** Why a reply stopped, in our words. */
export const ENDINGS: ReadonlyMap<string, ModelReply["ending"]> = new Map<string, ModelReply["ending"]>(
  Object.entries({
    end_turn: "completed",
    stop_sequence: "completed",
    tool_use: "completed",
    max_tokens: "max_tokens",
    model_context_window_exceeded: "max_tokens",
    refusal: "refusal",
    // Unfinished: asked again with nothing new, the service goes on.
    pause_turn: "paused",
    compaction: "paused",
  }),
);

/** Tokens in our terms; undefined when the service tells none, or something that is no number. */
export function toUsage(usage: unknown): Usage | undefined {
  if (!isObject(usage)) return undefined;
  const counts = ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"];
  if (usage["input_tokens"] === undefined && usage["output_tokens"] === undefined) return undefined;
  const [inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens] = counts.map((name) =>
    countOrNone(usage[name]),
  );
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  if (cacheReadTokens === undefined || cacheWriteTokens === undefined) return undefined;
  return { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens };
}

/** Whether something is a block. */
export function isBlock(block: unknown): block is WireBlock {
  return isObject(block) && typeof block["type"] === "string";
}

/** A text; null, and what is none, is no text. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Whether an input has nothing in it. */
export function isEmpty(input: unknown): boolean {
  return !isObject(input) || Object.keys(input).length === 0;
}

/** What a closed block says in a neutral message; nothing for kinds that are the wire's own. */
export function toSaid(block: WireBlock, written: string): AssistantBlock | undefined {
  const { type } = block;
  if (type === "text") return { type, text: textOf(block.text) };
  if (type === "thinking") return { type, text: textOf(block.thinking) };
  if (type !== "tool_use") return undefined;
  return {
    type: "tool_call",
    id: textOf(block.id),
    name: textOf(block.name),
    arguments: written === "" ? JSON.stringify(block["input"] ?? {}) : written,
  };
}

/** Tools the service runs itself come as a block of the call, and a block of the result that names it. */
export function toServerToolEvent(block: WireBlock): ModelEvent | undefined {
  const { type, id = "", name = "", tool_use_id: callId, content } = block;
  if (type === "server_tool_use" || type === "mcp_tool_use")
    return { type: "server_tool.called", id, name, input: block["input"], raw: block };
  if (!type.endsWith("_tool_result") || typeof callId !== "string") return undefined;
  const problem = isObject(content) ? String(content["type"]) : "";
  const isError = block["is_error"] === true || problem.endsWith("_error");
  return { type: "server_tool.finished", id: callId, isError, raw: block };
}

/** Input that is no JSON stays the text it is: the model is told, and nothing is repaired. */
export function parseInput(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
