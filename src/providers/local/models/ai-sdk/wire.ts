/**
 * The AI SDK's language models, our side: what they are, and messages and tools as their prompts take them.
 *
 * The types are structural copies of specification v3 (`ai` 6) and v4 (`ai` 7), as far as a loop needs them, so that no
 * package is needed. For a loop the two differ in one thing: how a file in a prompt is written.
 */

import { LoophostError } from "../../../../core/errors.ts";
import { isObject } from "../../../../core/json.ts";
import type { ContentBlock, ToolResult } from "../../../../core/results.ts";
import { blockText, resultText } from "../../../../core/results.ts";
import type { AssistantMessage, TranscriptMessage } from "../../../../core/transcript.ts";
import type { ToolDescription } from "../../model.ts";
import { operatorText } from "../operator-voice.ts";

/** The specifications that are understood. */
export type AiSdkVersion = "v3" | "v4";

/** A language model of the AI SDK, such as `openai("gpt-5")` or `anthropic("claude-sonnet-5-5")`. */
export interface AiSdkLanguageModel {
  readonly specificationVersion: AiSdkVersion;
  readonly provider: string;
  readonly modelId: string;
  doGenerate(call: AiSdkCall): PromiseLike<AiSdkGenerated>;
  doStream(call: AiSdkCall): PromiseLike<{ readonly stream: ReadableStream<AiSdkPart> }>;
}

/** What a language model is called with. */
export interface AiSdkCall {
  readonly prompt: readonly object[];
  readonly tools?: readonly object[] | undefined;
  readonly toolChoice?: object | undefined;
  readonly maxOutputTokens?: number | undefined;
  readonly headers?: Readonly<Record<string, string | undefined>> | undefined;
  readonly abortSignal?: AbortSignal | undefined;
}

/** A reply in one piece. */
export interface AiSdkGenerated extends AiSdkFinish {
  readonly content: readonly AiSdkPart[];
}

/** How a reply ended. */
export interface AiSdkFinish {
  readonly finishReason: { readonly unified: string; readonly raw: string | undefined };
  readonly usage: AiSdkUsage;
}

/** Tokens, where the service tells. */
export interface AiSdkUsage {
  readonly inputTokens: {
    readonly total: number | undefined;
    readonly noCache: number | undefined;
    readonly cacheRead: number | undefined;
    readonly cacheWrite: number | undefined;
  };
  readonly outputTokens: { readonly total: number | undefined };
}

/** A piece of a reply, of a stream or whole. Which fields are there depends on the type. */
export interface AiSdkPart extends Partial<AiSdkFinish> {
  readonly type: string;
  readonly id?: string | undefined;
  readonly delta?: string | undefined;
  readonly text?: string | undefined;
  readonly toolCallId?: string | undefined;
  readonly toolName?: string | undefined;
  /** JSON text. */
  readonly input?: string | undefined;
  readonly providerExecuted?: boolean | undefined;
  readonly preliminary?: boolean | undefined;
  readonly result?: unknown;
  readonly isError?: boolean | undefined;
  readonly kind?: string | undefined;
  readonly mediaType?: string | undefined;
  readonly data?: unknown;
  readonly error?: unknown;
  readonly providerMetadata?: object | undefined;
}

/** A piece of what the model said, as it goes back: what came as provider metadata returns as provider options. */
export type SaidPart = (
  | SaidText
  | {
      readonly type: "tool-call";
      readonly toolCallId: string;
      readonly toolName: string;
      readonly input: unknown;
      readonly providerExecuted?: true;
    }
  | {
      readonly type: "tool-result";
      readonly toolCallId: string;
      readonly toolName: string;
      readonly output: { readonly type: "json" | "error-json"; readonly value: unknown };
    }
  | FilePart
  | { readonly type: "custom"; readonly kind: string }
) & { providerOptions?: object | undefined };

/** A text or a thought, which grows while it is streamed. */
export interface SaidText {
  readonly type: "text" | "reasoning";
  text: string;
  providerOptions?: object | undefined;
}

interface FilePart {
  readonly type: "file" | "reasoning-file";
  readonly mediaType: string;
  /** Base64 here; each specification wraps it in its own way. */
  readonly data: string;
  readonly filename?: string | undefined;
}

/** What `native.wire` says on messages of the AI SDK. */
export const AI_SDK_WIRE: string = "ai-sdk";

/** A message of a prompt; undefined when there is nothing in it that may be sent. */
export function toPromptMessage(message: TranscriptMessage, version: AiSdkVersion): object | undefined {
  switch (message.role) {
    case "user":
      if (message.from === "operator") return { role: "system", content: operatorText(message) };
      return { role: "user", content: message.content.map((block) => toUserPart(block, version)) };
    case "assistant": {
      const said = toSaidParts(message).filter((part) => !isNothing(part));
      if (said.every((part) => part.type === "custom")) return undefined;
      return { role: "assistant", content: said.map((part) => writeFile(part, version)) };
    }
    case "tool": {
      if (message.results.length === 0) return undefined;
      const content = message.results.map(({ callId, name, result }) => ({
        type: "tool-result",
        toolCallId: callId,
        toolName: name,
        output: toOutput(result, version),
      }));
      return { role: "tool", content };
    }
  }
}

/** The tools as language models take them. */
export function toFunctionTools(tools: readonly ToolDescription[]): readonly object[] {
  return tools.map((tool) => ({ type: "function", ...tool }));
}

/** The arguments of a call as prompts want them, which is an object whatever the model wrote. */
export function toInput(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    return isObject(parsed) ? parsed : {};
  } catch {
    return {}; // the result that follows tells the model what was wrong
  }
}

/** The model's own words if they came over this wire; of another's, what this wire can say. */
function toSaidParts({ content, native }: AssistantMessage): readonly SaidPart[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: made here, and come back as it was
  if (native?.wire === AI_SDK_WIRE && Array.isArray(native.message)) return native.message as SaidPart[];
  return content.flatMap((block): SaidPart[] => {
    if (block.type === "text") return [block];
    if (block.type === "thinking") return []; // not accepted without its signature
    return [
      { type: "tool-call", toolCallId: block.id, toolName: block.name, input: toInput(block.arguments) },
    ];
  });
}

/** Empty texts are written, but not accepted; unless they carry something of the provider's. */
function isNothing(part: SaidPart): boolean {
  return part.type === "text" && part.text === "" && part.providerOptions === undefined;
}

function toUserPart(block: ContentBlock, version: AiSdkVersion): object {
  const text = toText(block);
  if (text !== undefined) return { type: "text", text };
  return writeFile({ type: "file", ...toFile(block), ...filenameOf(block) }, version);
}

function toOutput(result: ToolResult, version: AiSdkVersion): object {
  // An error has no place for files.
  if (result.isError) return { type: "error-text", value: resultText(result) || "The call failed." };
  if (result.content.every((block) => blockText(block) !== undefined))
    return { type: "text", value: resultText(result) };
  return { type: "content", value: result.content.map((block) => toOutputPart(block, version)) };
}

function toOutputPart(block: ContentBlock, version: AiSdkVersion): object {
  if (toText(block) !== undefined || version === "v4") return toUserPart(block, version);
  const kind = block.type === "image" ? "image" : "file";
  if ("url" in block) return { type: `${kind}-url`, url: block.url };
  return { type: `${kind}-data`, ...toFile(block), ...filenameOf(block) };
}

interface SentFile {
  readonly type: "file";
  readonly mediaType: string;
  readonly data: string | URL;
}

/** What a block says in words, text documents included. */
function toText(block: ContentBlock): string | undefined {
  const isText = block.type === "document" && "data" in block && block.mediaType.startsWith("text/");
  return isText ? block.data : blockText(block);
}

function toFile(block: ContentBlock): Pick<SentFile, "mediaType" | "data"> {
  if ("data" in block) return { mediaType: block.mediaType, data: block.data };
  // The type of what is at an address is not known before it is fetched; PDF is what models take.
  if ("url" in block)
    return { mediaType: block.type === "image" ? "image/*" : "application/pdf", data: new URL(block.url) };
  throw new LoophostError(
    "invalid_options",
    `An AI SDK model takes no ${block.type} by file id; give it by address or as data.`,
  );
}

function filenameOf(block: ContentBlock): { filename?: string } {
  return block.type === "document" && block.title !== undefined ? { filename: block.title } : {};
}

function writeFile(part: SaidPart | SentFile, version: AiSdkVersion): object {
  const isFile = part.type === "file" || part.type === "reasoning-file";
  return isFile && version === "v4"
    ? {
        ...part,
        data: part.data instanceof URL ? { type: "url", url: part.data } : { type: "data", data: part.data },
      }
    : part;
}
