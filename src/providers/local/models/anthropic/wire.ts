/** The Anthropic Messages wire, our side: messages, tools and the system prompt as the JSON text it takes. */

import { isObject } from "../../../../core/json.ts";
import type { ContentBlock, MediaSource } from "../../../../core/results.ts";
import type {
  AssistantBlock,
  AssistantMessage,
  TranscriptMessage,
  ToolMessage,
} from "../../../../core/transcript.ts";
import type { ToolDescription } from "../../model.ts";
import { operatorText } from "../operator-voice.ts";
import { sendableArguments, sendableName } from "../sendable.ts";
import { sendableTool } from "../tool-schema.ts";

/** What `native.wire` says on messages of this wire. */
export const ANTHROPIC_WIRE: string = "anthropic-messages";

/** A message as JSON text; undefined when there is nothing in it that may be sent. */
export function toAnthropicMessage(message: TranscriptMessage): string | undefined {
  switch (message.role) {
    case "user":
      if (message.from === "operator")
        return JSON.stringify({ role: "system", content: operatorText(message) });
      return `{"role":"user","content":${toContent(message.content)}}`;
    case "assistant":
      return toAssistant(message);
    case "tool":
      return message.results.length === 0
        ? undefined
        : `{"role":"user","content":[${message.results.map(toToolResult).join(",")}]}`;
  }
}

/** The system prompt and the tools, as fields of a request, each with its comma before it. */
export function toAnthropicSetup(
  instructions: string,
  tools: readonly ToolDescription[],
  serverTools: readonly unknown[],
  cache: boolean,
): string {
  const breakpoint = cache ? markBlock : (json: string) => json;
  const declared = [
    ...tools
      .map((tool) => sendableTool(tool, { keys: PROPERTY_NAMES }))
      .map(({ name, description, inputSchema }) => ({ name, description, input_schema: inputSchema })),
    ...serverTools,
  ].map((tool) => JSON.stringify(tool));
  const last = declared.pop();
  const toolsField = last === undefined ? "" : `,"tools":[${[...declared, breakpoint(last)].join(",")}]`;
  if (instructions === "") return toolsField;
  const system = JSON.stringify(instructions);
  return `,"system":[${breakpoint(`{"type":"text","text":${system}}`)}]${toolsField}`;
}

/** The names this service takes in schemas. */
const PROPERTY_NAMES = /^[a-zA-Z0-9_.-]{1,64}$/;

/** Tool results with a cache breakpoint on the last: what leads up to it can be read from the cache next time. */
export function markToolResults(json: string): string {
  return `${markBlock(json.slice(0, -2))}]}`;
}

/** A block with a cache breakpoint. */
function markBlock(json: string): string {
  return `${json.slice(0, -1)},"cache_control":{"type":"ephemeral"}}`;
}

/** The model's own words if they came over this wire; of another's, what this wire can say. */
function toAssistant({ content, native }: AssistantMessage): string | undefined {
  const own = native?.wire === ANTHROPIC_WIRE && isObject(native.message) ? native.message : {};
  // A refused reply must not go back: it would be refused again.
  if (own["stop_reason"] === "refusal") return undefined;
  const blocks: readonly unknown[] = Array.isArray(own["content"])
    ? own["content"]
    : content.flatMap(toBlock);
  const texts = new Map(
    content.flatMap((block) => (block.type === "tool_call" ? [[block.id, block.arguments]] : [])),
  );
  const json = blocks.flatMap((block) => {
    if (!isObject(block) || block["text"] === "") return []; // empty texts are written, but not accepted
    const text = block["type"] === "tool_use" ? texts.get(String(block["id"])) : undefined;
    return [text === undefined ? JSON.stringify(block) : withInput(block, text)];
  });
  return json.length === 0 ? undefined : `{"role":"assistant","content":[${json.join(",")}]}`;
}

/**
 * A call with its input byte for byte as the model wrote it (prompt cache); input the service would refuse is wrapped
 * in an object.
 */
function withInput(block: Record<string, unknown>, text: string): string {
  const { input: _, ...rest } = block;
  const call = JSON.stringify({ ...rest, name: sendableName(String(rest["name"])) });
  return `${call.slice(0, -1)},"input":${sendableArguments(text)}}`;
}

function toBlock(block: AssistantBlock): readonly Record<string, unknown>[] {
  if (block.type === "text") return [{ type: "text", text: block.text }];
  if (block.type === "tool_call") return [{ type: "tool_use", id: block.id, name: block.name }];
  return []; // thinking without its signature is not accepted
}

function toToolResult({ callId, result }: ToolMessage["results"][number]): string {
  const failed = result.isError ? `,"is_error":true` : "";
  return `{"type":"tool_result","tool_use_id":${JSON.stringify(callId)},"content":${toContent(result.content)}${failed}}`;
}

function toContent(content: readonly ContentBlock[]): string {
  const [only] = content;
  if (content.length === 1 && only?.type === "text") return JSON.stringify(only.text);
  return JSON.stringify(
    content.filter((block) => block.type !== "text" || block.text !== "").map(toContentBlock),
  );
}

function toContentBlock(block: ContentBlock): Record<string, unknown> {
  if (block.type === "text") return block;
  if (block.type === "search_result")
    return { ...block, content: [{ type: "text", text: block.text }], text: undefined };
  const title = block.type === "document" && block.title !== undefined ? { title: block.title } : {};
  return { type: block.type, source: toSource(block), ...title };
}

function toSource(media: MediaSource): Record<string, unknown> {
  if ("url" in media) return { type: "url", url: media.url };
  if ("fileId" in media) return { type: "file", file_id: media.fileId };
  const { mediaType, data } = media;
  return mediaType.startsWith("text/")
    ? { type: "text", media_type: "text/plain", data }
    : { type: "base64", media_type: mediaType, data };
}
