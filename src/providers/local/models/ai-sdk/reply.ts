/**
 * The AI SDK's language models, the model's side: the parts of a stream, or a result in one piece, become a reply.
 *
 *   R1  a call is what came as a whole `tool-call`; its arguments are kept character for character
 *   R2  what the service ran itself is no call of ours, but goes back with the rest of what was said
 *   R3  no call id comes twice in a reply
 */

import { LoophostError } from "../../../../core/errors.ts";
import type { Usage } from "../../../../core/results.ts";
import type { AssistantBlock } from "../../../../core/transcript.ts";
import { countOf } from "../../../../core/wire/numbers.ts";
import type { ModelCall, ModelReply } from "../../model.ts";
import type { AiSdkFinish, AiSdkGenerated, AiSdkPart, AiSdkUsage, SaidPart, SaidText } from "./wire.ts";
import { AI_SDK_WIRE, toInput } from "./wire.ts";

/** Reads one reply. */
export class AiSdkReply {
  hasEmitted = false;
  readonly #emit: ModelCall["emit"];
  readonly #said: Said[] = [];
  /** The texts that still grow, by type and id. */
  readonly #open = new Map<string, SaidText>();
  readonly #callIds = new Set<string>();
  #finish: AiSdkFinish | undefined;
  #cameWhole = false;

  constructor(emit: ModelCall["emit"]) {
    this.#emit = emit;
  }

  /** Takes the next part of a stream; `error` parts are for the caller. */
  take(part: AiSdkPart): void {
    switch (part.type) {
      case "text-delta":
      case "reasoning-delta":
      case "text-start":
      case "reasoning-start":
      case "text-end":
      case "reasoning-end":
        return this.#takeText(part);
      case "finish":
        if (part.finishReason !== undefined && part.usage !== undefined)
          this.#finish = { finishReason: part.finishReason, usage: part.usage };
        return;
      default:
        if (!UNTOLD.has(part.type)) this.#takePart(part);
    }
  }

  /** Takes a reply that came in one piece. */
  takeWhole({ content, finishReason, usage }: AiSdkGenerated): void {
    for (const part of content) {
      if (part.type === "text" || part.type === "reasoning")
        this.#grow(this.#begin(part.type, ""), part.text ?? "", part.providerMetadata);
      else this.#takePart(part);
    }
    this.#finish = { finishReason, usage };
    this.#cameWhole = true;
  }

  /** Makes the reply. Throws when it is not whole. */
  finish(name: string): ModelReply {
    const { unified, raw } = this.#finish?.finishReason ?? CUT_OFF;
    // Providers invent a finish reason for a stream that just ended: without the service's own, the reply may be
    // truncated.
    const hasNoReason = unified === "interrupted" || (unified === "other" && raw === undefined);
    if (hasNoReason && !this.#cameWhole)
      throw new LoophostError("host_unreachable", `The reply of ${name} ended before it was complete.`);
    if (unified === "error")
      throw new LoophostError("host_failed", `${name} broke its reply off: ${raw ?? "no reason given"}.`);
    const ending = hasNoReason ? "completed" : endingOf(unified, raw);
    // Void a refused reply, its calls too: sent back, it would be refused again.
    const isRefused = ending === "refusal";
    const content = this.#said.flatMap(toBlock);
    return {
      message: {
        role: "assistant",
        content: isRefused ? content.filter((block) => block.type !== "tool_call") : content,
        native: { wire: AI_SDK_WIRE, message: isRefused ? [] : this.#said.map(({ part }) => part) },
      },
      ending,
      stopReason: raw ?? unified,
      usage: toUsage(this.#finish?.usage),
    };
  }

  #takeText({ type, id = "", delta = "", providerMetadata }: AiSdkPart): void {
    const kind = type.startsWith("text") ? "text" : "reasoning";
    const key = `${kind} ${id}`;
    // Ids are used again once their text has ended.
    if (type.endsWith("-start")) this.#open.delete(key);
    this.#grow(this.#open.get(key) ?? this.#begin(kind, key), delta, providerMetadata);
    if (type.endsWith("-end")) this.#open.delete(key);
  }

  #begin(type: "text" | "reasoning", key: string): SaidText {
    const part = { type, text: "" };
    this.#open.set(key, part);
    this.#said.push({ part });
    return part;
  }

  #grow(part: SaidText, text: string, metadata: object | undefined): void {
    part.text += text;
    // Signatures come with the last piece.
    if (metadata !== undefined) part.providerOptions = metadata;
    if (text === "") return;
    this.hasEmitted = true;
    this.#emit({ type: part.type === "text" ? "text.delta" : "thinking.delta", text });
  }

  #takePart(part: AiSdkPart): void {
    if (part.type === "tool-call" && part.providerExecuted !== true) return this.#takeCall(part);
    this.#emit({ type: "provider", raw: part });
    const said = toSaid(part);
    if (said !== undefined) this.#said.push({ part: withOptions(said, part) });
  }

  #takeCall(part: AiSdkPart): void {
    const { toolCallId = "", toolName = "", input = "" } = part;
    // A result is matched by its id, which some servers leave empty.
    const isUsable = toolCallId !== "" && !this.#callIds.has(toolCallId);
    const id = isUsable ? toolCallId : `call_${crypto.randomUUID()}`;
    this.#callIds.add(id);
    this.#said.push({
      part: withOptions({ type: "tool-call", toolCallId: id, toolName, input: toInput(input) }, part),
      call: { type: "tool_call", id, name: toolName, arguments: input },
    });
  }
}

/** A piece of what the model said; `call` when it calls a tool of ours. */
interface Said {
  readonly part: SaidPart;
  readonly call?: AssistantBlock;
}

/** Parts that say nothing of what the model said: the whole follows, or nobody needs it. */
const UNTOLD: ReadonlySet<string> = new Set([
  "stream-start",
  "response-metadata",
  "tool-input-start",
  "tool-input-delta",
  "tool-input-end",
  "raw",
  "ping",
]);

const CUT_OFF: AiSdkFinish["finishReason"] = { unified: "interrupted", raw: undefined };

const ENDINGS: ReadonlyMap<string, ModelReply["ending"]> = new Map([
  ["stop", "completed"],
  ["tool-calls", "completed"],
  ["length", "max_tokens"],
  ["content-filter", "refusal"],
]);

function endingOf(unified: string, raw: string | undefined): ModelReply["ending"] {
  return raw !== undefined && PAUSES.has(raw) ? "paused" : (ENDINGS.get(unified) ?? "terminated");
}

/** Anthropic's stop reasons for an unfinished reply, for which the AI SDK has none. */
const PAUSES: ReadonlySet<string> = new Set(["pause_turn", "compaction"]);

function toSaid(part: AiSdkPart): SaidPart | undefined {
  const { type, toolCallId = "", toolName = "", mediaType = "", kind = "" } = part;
  switch (type) {
    case "tool-call":
      return { type, toolCallId, toolName, input: toInput(part.input ?? ""), providerExecuted: true };
    case "tool-result": {
      if (part.preliminary === true) return undefined;
      const output = { type: part.isError === true ? "error-json" : "json", value: part.result } as const;
      return { type, toolCallId, toolName, output };
    }
    case "file":
    case "reasoning-file": {
      const data = toBase64(part.data);
      return data === undefined ? undefined : { type, mediaType, data };
    }
    case "custom":
      return { type, kind };
    default:
      return undefined;
  }
}

function withOptions(said: SaidPart, { providerMetadata }: AiSdkPart): SaidPart {
  return providerMetadata === undefined ? said : { ...said, providerOptions: providerMetadata };
}

function toBlock({ part, call }: Said): readonly AssistantBlock[] {
  if (call !== undefined) return [call];
  if (!("text" in part) || part.text === "") return [];
  return [{ type: part.type === "text" ? "text" : "thinking", text: part.text }];
}

/** File data as text, so that a transcript stays JSON; v4 wraps what v3 gives plainly. */
function toBase64(data: unknown): string | undefined {
  if (typeof data === "string") return data;
  if (data instanceof Uint8Array) return btoa(Array.from(data, (byte) => String.fromCharCode(byte)).join(""));
  return typeof data === "object" && data !== null && "data" in data ? toBase64(data.data) : undefined;
}

/** Cached tokens are counted among the prompt's here, and beside them in ours. */
function toUsage(usage: AiSdkUsage | null | undefined): Usage | undefined {
  const input: Partial<AiSdkUsage["inputTokens"]> = usage?.inputTokens ?? {};
  const [total, noCache] = [countOf(input.total), countOf(input.noCache)];
  const outputTokens = countOf(usage?.outputTokens?.total);
  if (total === undefined && noCache === undefined && outputTokens === undefined) return undefined;
  const [cacheReadTokens, cacheWriteTokens] = [countOf(input.cacheRead) ?? 0, countOf(input.cacheWrite) ?? 0];
  return {
    inputTokens: noCache ?? Math.max(0, (total ?? 0) - cacheReadTokens - cacheWriteTokens),
    outputTokens: outputTokens ?? 0,
    cacheReadTokens,
    cacheWriteTokens,
  };
}
