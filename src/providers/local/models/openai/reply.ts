/**
 * The chat completions wire, the service's side: chunks of a stream, or a completion in one piece, become a reply.
 *
 * Many servers speak this wire, each with an accent. What is forgiven here: no [DONE] at the end, no usage, calls
 * without an index, ids that are empty or used twice, arguments given as an object, unknown finish reasons.
 */

import { LoophostError } from "../../../../core/errors.ts";
import type { Usage } from "../../../../core/results.ts";
import type { AssistantBlock } from "../../../../core/transcript.ts";
import { parseObject } from "../../../../core/wire/http.ts";
import { toStreamError } from "../../../../core/wire/refusal.ts";
import type { ModelCall, ModelReply } from "../../model.ts";
import type { ReplyReader } from "../ask.ts";
import { CHAT_WIRE, toAssistantMessage } from "./wire.ts";

/** How errors call the service. */
export const CHAT_SERVICE: string = "Chat Completions";

/** Reads one reply. */
export class ChatReply implements ReplyReader {
  hasEmitted = false;
  readonly #emit: ModelCall["emit"];
  readonly #text: string[] = [];
  readonly #thinking: string[] = [];
  readonly #calls: OpenCall[] = [];
  readonly #ids = new Set<string>();
  #finishReason: string | undefined;
  #hasEnded = false;
  #hasRefused = false;
  #usage: WireUsage | undefined;

  constructor(emit: ModelCall["emit"]) {
    this.#emit = emit;
  }

  get isWhole(): boolean {
    return this.#hasEnded || this.#finishReason !== undefined;
  }

  take(data: string): boolean {
    if (data === "[DONE]") {
      this.#hasEnded = true;
      return true;
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary; every field is optional
    const chunk = parseObject(data, CHAT_SERVICE) as WireChunk;
    this.#takeChunk(chunk, chunk.choices?.[0]?.delta);
    return false;
  }

  takeWhole(body: Record<string, unknown>): void {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary; every field is optional
    const completion = body as WireChunk;
    const message = completion.choices?.[0]?.message;
    if (message === undefined && !completion.error)
      throw new LoophostError(
        "host_protocol",
        `${CHAT_SERVICE} sent JSON that is no completion. Check baseUrl.`,
      );
    // In one piece, each entry is a call of its own, whatever its index.
    this.#takeChunk(
      completion,
      message && { ...message, tool_calls: message.tool_calls?.map((call, index) => ({ ...call, index })) },
    );
    this.#hasEnded = true;
  }

  finish(): ModelReply {
    const refused = this.#hasRefused || this.#finishReason === "content_filter";
    const calls = refused ? [] : this.#calls.map((call) => this.#finishCall(call));
    const content: AssistantBlock[] = [
      ...toBlocks("thinking", this.#thinking),
      ...toBlocks("text", this.#text),
      ...calls.map(({ id, function: { name, arguments: text } }) => ({
        type: "tool_call" as const,
        id,
        name,
        arguments: text,
      })),
    ];
    const stopReason = this.#finishReason ?? null;
    return {
      message: {
        role: "assistant",
        content,
        native: { wire: CHAT_WIRE, message: toAssistantMessage(content, calls) },
      },
      ending: refused ? "refusal" : (ENDINGS[stopReason ?? "stop"] ?? "terminated"),
      stopReason,
      usage: toUsage(this.#usage),
    };
  }

  #takeChunk({ error, usage, choices }: WireChunk, delta: WireDelta | undefined): void {
    if (error) throw toStreamError(error, CHAT_SERVICE);
    if (usage) this.#usage = usage;
    const reason = choices?.[0]?.finish_reason;
    if (reason) this.#finishReason = reason;
    if (!delta) return;
    this.#say("thinking.delta", this.#thinking, delta.reasoning_content ?? delta.reasoning);
    this.#say("text.delta", this.#text, textIn(delta.content));
    if (delta.refusal) this.#hasRefused = true;
    this.#say("text.delta", this.#text, delta.refusal);
    for (const fragment of delta.tool_calls ?? []) this.#addFragment(fragment);
  }

  #say(type: "text.delta" | "thinking.delta", parts: string[], text: string | null | undefined): void {
    if (!text) return;
    parts.push(text);
    this.hasEmitted = true;
    this.#emit({ type, text });
  }

  /** Adds a fragment to the last call of its index, unless its name and id say that another call begins. */
  #addFragment({ index, id, function: part = {}, ...extra }: WireCall): void {
    let call = index === undefined ? this.#calls.at(-1) : this.#calls.findLast((one) => one.index === index);
    const isNamed = part.name !== undefined && part.name !== "";
    const isOther = index === undefined || (Boolean(id) && Boolean(call?.id) && id !== call?.id);
    if (call === undefined || (isNamed && isOther)) {
      call = { index, id: "", name: "", parts: [], extra: {} };
      this.#calls.push(call);
    }
    if (call.id === "") call.id = id ?? "";
    if (call.name === "") call.name = part.name ?? "";
    const text = part.arguments ?? "";
    call.parts.push(typeof text === "string" ? text : JSON.stringify(text));
    // Fields of a server's own, such as signatures, go back with the call.
    Object.assign(call.extra, extra);
  }

  #finishCall({ id, name, parts, extra }: OpenCall) {
    // Results find their calls by id; some servers leave it empty, or give all calls of a reply the same.
    const unique = id === "" || this.#ids.has(id) ? `call_${crypto.randomUUID()}` : id;
    this.#ids.add(unique);
    return { id: unique, type: "function", function: { name, arguments: parts.join("") }, ...extra };
  }
}

interface OpenCall {
  readonly index: number | undefined;
  id: string;
  name: string;
  readonly parts: string[];
  readonly extra: object;
}

interface WireChunk {
  readonly choices?: readonly {
    readonly delta?: WireDelta;
    readonly message?: WireDelta;
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: WireUsage | null;
  readonly error?: unknown;
}

interface WireDelta {
  readonly content?: string | readonly { readonly text?: string }[] | null;
  readonly reasoning_content?: string | null;
  readonly reasoning?: string | null;
  readonly refusal?: string | null;
  readonly tool_calls?: readonly WireCall[] | null | undefined;
}

interface WireCall {
  readonly index?: number;
  readonly id?: string | null;
  readonly type?: string;
  readonly function?: { readonly name?: string; readonly arguments?: unknown };
}

interface WireUsage {
  readonly prompt_tokens?: number | null;
  readonly completion_tokens?: number | null;
  readonly prompt_tokens_details?: { readonly cached_tokens?: number | null } | null;
}

const ENDINGS: Readonly<Record<string, ModelReply["ending"]>> = {
  stop: "completed",
  tool_calls: "completed",
  function_call: "completed",
  length: "max_tokens",
  content_filter: "refusal",
  // Words of compatible servers.
  eos: "completed",
  eos_token: "completed",
  end_turn: "completed",
  stop_sequence: "completed",
};

/** The text of a content, which some servers give in parts. */
function textIn(content: WireDelta["content"]): string | null | undefined {
  return typeof content === "object" ? content?.map((part) => part.text ?? "").join("") : content;
}

function toBlocks(type: "text" | "thinking", parts: readonly string[]): readonly AssistantBlock[] {
  return parts.length === 0 ? [] : [{ type, text: parts.join("") }];
}

/** Cached tokens are counted among the prompt's on this wire, and beside them in ours. */
function toUsage(usage: WireUsage | undefined): Usage | undefined {
  if (typeof usage?.prompt_tokens !== "number") return undefined;
  const cached = usage.prompt_tokens_details?.cached_tokens ?? 0;
  return {
    inputTokens: usage.prompt_tokens - cached,
    outputTokens: usage.completion_tokens ?? 0,
    cacheReadTokens: cached,
    cacheWriteTokens: 0,
  };
}
