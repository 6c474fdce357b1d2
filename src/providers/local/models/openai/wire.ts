/** The chat completions wire, our side: messages and tools as the JSON text it takes. */

import { LoophostError } from "../../../../core/errors.ts";
import { isObject } from "../../../../core/json.ts";
import type { ContentBlock, MediaSource, ToolResult } from "../../../../core/results.ts";
import { blockText, resultText } from "../../../../core/results.ts";
import type {
  AssistantBlock,
  AssistantMessage,
  TranscriptMessage,
  ToolMessage,
} from "../../../../core/transcript.ts";
import { textOf } from "../../../../core/transcript.ts";
import type { ToolDescription } from "../../model.ts";
import { operatorText } from "../operator-voice.ts";
import { sendableArguments, sendableName } from "../sendable.ts";
import { sendableTool } from "../tool-schema.ts";
import type { ChatCall } from "./calls.ts";

/** What `native.wire` says on messages of this wire. */
export const CHAT_WIRE: string = "openai-chat";

/** A message as JSON texts: none when nothing in it may be sent, several for the results of several calls. */
export function toChatMessages(message: TranscriptMessage): readonly string[] {
  switch (message.role) {
    case "user":
      if (message.from === "operator")
        return [JSON.stringify({ role: "system", content: operatorText(message) })];
      return [JSON.stringify({ role: "user", content: toContent(message.content) })];
    case "assistant":
      return toAssistant(message).map((said) => JSON.stringify(said));
    case "tool":
      return toToolMessages(message).map((result) => JSON.stringify(result));
  }
}

/** The tools as this wire takes them. */
export function toChatTools(tools: readonly ToolDescription[]): readonly object[] {
  return tools
    .map((tool) => sendableTool(tool))
    .map(({ name, description, inputSchema }) => ({
      type: "function",
      function: { name, description, parameters: inputSchema },
    }));
}

/** Thinking goes back only with calls: some services refuse calls without it, others refuse it anywhere else. */
const WITH_CALLS: ReadonlySet<string> = new Set(["reasoning_content", "reasoning"]);

/**
 * What the model said, in the form it is sent back in.
 *
 * @param own fields of the service's own, such as signed reasoning: it wants them back as they came
 */
export function toAssistantMessage(
  content: readonly AssistantBlock[],
  calls: readonly ChatCall[],
  own: ReadonlyMap<string, unknown> = new Map(),
): Record<string, unknown> {
  const text = textOf({ role: "assistant", content });
  const hasCalls = calls.length > 0;
  return {
    role: "assistant",
    content: text === "" && hasCalls ? null : text,
    ...Object.fromEntries([...own].filter(([name]) => hasCalls || !WITH_CALLS.has(name))),
    ...(hasCalls ? { tool_calls: calls.map(toSendable) } : {}),
  };
}

function toSendable(call: ChatCall): ChatCall {
  const { name, arguments: text } = call.function;
  return { ...call, function: { name: sendableName(name), arguments: sendableArguments(text) } };
}

function toAssistant({ content, native }: AssistantMessage): readonly object[] {
  if (native?.wire === CHAT_WIRE && isObject(native.message))
    return isEmpty(native.message) ? [] : [native.message];
  const calls = content.flatMap((block) =>
    block.type === "tool_call"
      ? [
          {
            id: block.id,
            type: "function" as const,
            function: { name: block.name, arguments: block.arguments },
          },
        ]
      : [],
  );
  const message = toAssistantMessage(content, calls);
  return isEmpty(message) ? [] : [message];
}

/** Servers refuse an assistant message that says nothing. */
function isEmpty(message: Record<string, unknown>): boolean {
  return (message["content"] ?? "") === "" && message["tool_calls"] === undefined;
}

/** Results are text on this wire: images and documents follow in a user message. */
function toToolMessages({ results }: ToolMessage): readonly object[] {
  const attached = results.flatMap(({ name, callId, result }) => {
    const files = result.content.filter((block) => block.type !== "text");
    return files.length === 0 ? [] : [{ type: "text", text: `From ${name} (${callId}):` } as const, ...files];
  });
  const answers = results.map(({ callId, result }) => ({
    role: "tool",
    tool_call_id: callId,
    content: toResultText(result),
  }));
  return attached.length === 0 ? answers : [...answers, { role: "user", content: toContent(attached) }];
}

function toResultText(result: ToolResult): string {
  const text = resultText(result);
  // This wire has no field to say that a call failed.
  if (result.isError) return JSON.stringify({ isError: true, error: text });
  const hasFiles = result.content.some((block) => blockText(block) === undefined);
  return text === "" && hasFiles ? "The result is in the next message." : text;
}

function toContent(content: readonly ContentBlock[]): string | readonly object[] {
  const [only] = content;
  return content.length === 1 && only?.type === "text" ? only.text : content.map(toPart);
}

function toPart(block: ContentBlock): object {
  if (block.type === "text" || block.type === "search_result")
    return { type: "text", text: blockText(block) };
  const url = urlOf(block);
  if (block.type === "image" && url !== undefined) return { type: "image_url", image_url: { url } };
  if ("data" in block && block.mediaType.startsWith("text/")) return { type: "text", text: block.data };
  if (block.type === "document" && "data" in block)
    return { type: "file", file: { filename: block.title ?? "document", file_data: url } };
  if (block.type === "document" && "fileId" in block)
    return { type: "file", file: { file_id: block.fileId } };
  throw new LoophostError(
    "invalid_options",
    `This model's wire takes no ${block.type} by ${"url" in block ? "address" : "file id"}; give it as data.`,
  );
}

function urlOf(media: MediaSource): string | undefined {
  if ("data" in media) return `data:${media.mediaType};base64,${media.data}`;
  return "url" in media ? media.url : undefined;
}
