/**
 * Messages in the shape of the Messages API, and the way between them and a transcript.
 *
 * Blocks this library does not know are kept as they are, and go back as they came.
 */

import { LoophostError } from "../core/errors.ts";
import { isObject } from "../core/json.ts";
import type { ContentBlock as OwnBlock, MediaSource, ToolResult } from "../core/results.ts";
import type { AssistantBlock, AssistantMessage, TranscriptMessage, ToolMessage } from "../core/transcript.ts";

/** A message of the Messages API. */
export interface Message {
  readonly role: "user" | "assistant";
  readonly content: string | readonly ContentBlock[];
}

/** A content block of the Messages API. */
export type ContentBlock =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image" | "document"; readonly source: Source; readonly title?: string }
  | ToolUseBlock
  | ToolResultBlock
  | OtherBlock;

/** A call the model made. */
export interface ToolUseBlock {
  readonly type: "tool_use";
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

/** What a call came to. */
export interface ToolResultBlock {
  readonly type: "tool_result";
  readonly tool_use_id: string;
  readonly content: string | readonly ContentBlock[];
  readonly is_error?: boolean;
}

type Source =
  | { readonly type: "base64" | "text"; readonly media_type: string; readonly data: string }
  | { readonly type: "url"; readonly url: string }
  | { readonly type: "file"; readonly file_id: string };

/** A block of another kind, such as thinking with its signature. */
interface OtherBlock {
  readonly type:
    | "thinking"
    | "redacted_thinking"
    | "server_tool_use"
    | "web_search_tool_result"
    | "search_result";
  readonly [field: string]: unknown;
}

/** The wire whose assistant messages are in this very shape. */
const OWN_WIRE = "anthropic-messages";

/** The transcript some messages make. Tool results become messages of their own. */
export function toTranscript(messages: readonly Message[]): TranscriptMessage[] {
  const names = new Map<string, string>();
  return messages.flatMap((message): TranscriptMessage[] => {
    const blocks = blocksOf(message.content);
    if (message.role === "assistant") {
      for (const block of blocks) if (isToolUse(block)) names.set(block.id, block.name);
      return [toAssistant(blocks)];
    }
    const results = blocks.filter(isToolResult);
    const rest = blocks.filter((block) => !isToolResult(block));
    const toolMessage: ToolMessage = {
      role: "tool",
      results: results.map((block) => ({
        callId: block.tool_use_id,
        name: names.get(block.tool_use_id) ?? "",
        result: toResult(block),
      })),
    };
    return [
      ...(results.length > 0 ? [toolMessage] : []),
      ...(rest.length > 0 ? [{ role: "user" as const, content: rest.map(toOwnBlock) }] : []),
    ];
  });
}

/** The messages a transcript stands for. */
export function fromTranscript(transcript: readonly TranscriptMessage[]): Message[] {
  return transcript.map((message): Message => {
    if (message.role === "user") return { role: "user", content: message.content.map(fromOwnBlock) };
    if (message.role === "assistant") return { role: "assistant", content: contentOf(message) };
    return {
      role: "user",
      content: message.results.map(({ callId, result }) => toolResultBlock(callId, result)),
    };
  });
}

/** A tool result as a block of a message. */
export function toolResultBlock(id: string, { content, isError }: ToolResult): ToolResultBlock {
  const [only] = content;
  return {
    type: "tool_result",
    tool_use_id: id,
    content: content.length === 1 && only?.type === "text" ? only.text : content.map(fromOwnBlock),
    ...(isError ? { is_error: true } : {}),
  };
}

/** The blocks of a message's content. */
export function blocksOf(content: Message["content"]): readonly ContentBlock[] {
  return typeof content === "string" ? [{ type: "text", text: content }] : content;
}

/** Whether a block is a call. */
export function isToolUse(block: ContentBlock): block is ToolUseBlock {
  return block.type === "tool_use";
}

function isToolResult(block: ContentBlock): block is ToolResultBlock {
  return block.type === "tool_result";
}

/** What the model said, in its own words first: a thinking block without its signature is refused by the API. */
function contentOf({ content, native }: AssistantMessage): readonly ContentBlock[] {
  const own = native?.wire === OWN_WIRE && isObject(native.message) ? native.message["content"] : undefined;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: kept as the API sent it
  if (Array.isArray(own)) return own as readonly ContentBlock[];
  return content.flatMap((block): ContentBlock[] => {
    if (block.type === "text") return [{ type: "text", text: block.text }];
    return block.type === "tool_call"
      ? [{ type: "tool_use", id: block.id, name: block.name, input: parsed(block.arguments) }]
      : [];
  });
}

function toAssistant(blocks: readonly ContentBlock[]): AssistantMessage {
  const content = blocks.flatMap((block): AssistantBlock[] => {
    if (block.type === "text") return [{ type: "text", text: block.text }];
    return isToolUse(block)
      ? [{ type: "tool_call", id: block.id, name: block.name, arguments: JSON.stringify(block.input ?? {}) }]
      : [];
  });
  return { role: "assistant", content, native: { wire: OWN_WIRE, message: { content: blocks } } };
}

function toResult(block: ToolResultBlock): ToolResult {
  return { content: blocksOf(block.content).map(toOwnBlock), isError: block.is_error === true };
}

function toOwnBlock(block: ContentBlock): OwnBlock {
  if (block.type === "text") return { type: "text", text: block.text };
  if (block.type === "image" || block.type === "document") {
    const { type, source, title } = block;
    const media = toMedia(type, source);
    return type === "image" ? { type, ...media } : { type, ...media, title };
  }
  // What a user's message can hold beside these has no neutral form; its text at least is not lost.
  return { type: "text", text: JSON.stringify(block) };
}

function toMedia(type: string, source: Source): MediaSource {
  if (source.type === "url") return { url: source.url };
  if (source.type === "file") return { fileId: source.file_id };
  if (source.type === "base64" || source.type === "text")
    return { mediaType: source.media_type, data: source.data };
  // Said by its type, and checked all the same: messages often come from JSON.
  const { type: given } = source as { type: unknown };
  throw new LoophostError(
    "invalid_options",
    `The source of the ${type} of a message must be "base64", "text", "url" or "file"; it is "${String(given)}".`,
  );
}

function fromMedia(media: MediaSource): Source {
  if ("url" in media) return { type: "url", url: media.url };
  if ("fileId" in media) return { type: "file", file_id: media.fileId };
  const type = media.mediaType.startsWith("text/") ? "text" : "base64";
  return { type, media_type: media.mediaType, data: media.data };
}

function fromOwnBlock(block: OwnBlock): ContentBlock {
  if (block.type === "text") return block;
  if (block.type === "search_result")
    return { ...block, content: [{ type: "text", text: block.text }], text: undefined };
  const source = fromMedia(block);
  return block.type === "document" && block.title !== undefined
    ? { type: block.type, source, title: block.title }
    : { type: block.type, source };
}

function parsed(text: string): unknown {
  try {
    return text.trim() === "" ? {} : JSON.parse(text);
  } catch {
    return text;
  }
}
