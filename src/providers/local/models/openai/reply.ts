/**
 * The chat completions wire, the service's side: chunks of a stream, or a completion in one piece, become a reply.
 *
 * Many servers speak this wire, each with an accent. What is forgiven here: no [DONE] at the end, no usage or usage in another
 * place, a reply spread over several choices, `function_call`, unknown finish reasons, fields that are null or of another type.
 */

import { LoophostError } from "../../../../core/errors.ts";
import { isObject } from "../../../../core/json.ts";
import type { Usage } from "../../../../core/results.ts";
import type { AssistantBlock } from "../../../../core/transcript.ts";
import { parseObject } from "../../../../core/wire/http.ts";
import { countOf, countOrNone } from "../../../../core/wire/numbers.ts";
import { errorIn, toStreamError } from "../../../../core/wire/refusal.ts";
import type { ModelCall, ModelReply } from "../../model.ts";
import type { ReplyReader } from "../ask.ts";
import { ChatChoice } from "./choice.ts";
import { CHAT_WIRE, toAssistantMessage } from "./wire.ts";

/** How errors call the service. */
export const CHAT_SERVICE: string = "Chat Completions";

/** Reads one reply. */
export class ChatReply implements ReplyReader {
  hasEmitted = false;
  readonly #emit: ModelCall["emit"];
  /** By the number the service gives them, the first one first. */
  readonly #choices = new Map<unknown, ChatChoice>();
  #hasEnded = false;
  #usage: Usage | undefined;

  constructor(emit: ModelCall["emit"]) {
    this.#emit = emit;
  }

  get isWhole(): boolean {
    if (this.#hasEnded) return true;
    const choices = [...this.#choices.values()];
    const hasOpenCall = choices.some(
      ({ calls, finishReason }) => calls.count > 0 && finishReason === undefined,
    );
    return !hasOpenCall && choices.some(({ finishReason }) => finishReason !== undefined);
  }

  take(data: string, event: string): boolean {
    if (data.trim() === "[DONE]") {
      this.#hasEnded = true;
      return true;
    }
    const chunk = parseObject(data, CHAT_SERVICE);
    const error =
      event === "error" ? (chunk["error"] ?? chunk) : errorIn(chunk, Array.isArray(chunk["choices"]));
    if (error !== undefined) throw toStreamError(error, CHAT_SERVICE);
    this.#takeChunk(chunk, "delta");
    return false;
  }

  takeWhole(body: Record<string, unknown>): void {
    const error = errorIn(body, Array.isArray(body["choices"]));
    if (error !== undefined) throw toStreamError(error, CHAT_SERVICE);
    this.#takeChunk(body, "message");
    if (this.#choices.size === 0)
      throw new LoophostError(
        "host_protocol",
        `${CHAT_SERVICE} sent JSON that is no completion. Check baseUrl.`,
      );
    this.#hasEnded = true;
  }

  finish(): ModelReply {
    const { text, thinking, calls, extra, hasRefused, finishReason } = this.#merged();
    const stopReason = finishReason ?? null;
    const isEmpty = text === "" && thinking === "" && calls.count === 0;
    if (isEmpty && !hasRefused && stopReason === null)
      throw new LoophostError(
        "host_protocol",
        `${CHAT_SERVICE} ended its reply without saying anything, not even why.`,
      );
    const isRefusal = hasRefused || stopReason === "content_filter";
    const finished = isRefusal ? [] : calls.finish();
    const content: AssistantBlock[] = [
      ...(thinking === "" ? [] : [{ type: "thinking", text: thinking } as const]),
      ...(text === "" ? [] : [{ type: "text", text } as const]),
      ...finished.map(({ id, function: { name, arguments: written } }) => ({
        type: "tool_call" as const,
        id,
        name,
        arguments: written,
      })),
    ];
    return {
      message: {
        role: "assistant",
        content,
        native: { wire: CHAT_WIRE, message: toAssistantMessage(content, finished, extra) },
      },
      ending: isRefusal ? "refusal" : (ENDINGS.get(stopReason ?? "stop") ?? "terminated"),
      stopReason,
      usage: this.#usage,
    };
  }

  #takeChunk({ usage, choices }: Record<string, unknown>, piece: "delta" | "message"): void {
    this.#count(usage);
    for (const sent of Array.isArray(choices) ? choices : []) {
      if (!isObject(sent)) continue;
      if (isObject(sent["error"])) throw toStreamError(sent["error"], CHAT_SERVICE);
      const choice = this.#choiceOf(sent["index"] ?? (piece === "message" ? this.#choices.size : 0));
      this.#count(sent["usage"]);
      const said = sent[piece] ?? sent[piece === "delta" ? "message" : "delta"];
      // Only the first choice is shown as it is written: others are pieces of the same reply, or alternatives to it.
      const isFirst = this.#choices.values().next().value === choice;
      if (isObject(said))
        choice.take(said, piece === "message", (type, text) => {
          if (!isFirst) return;
          this.hasEmitted = true;
          this.#emit({ type, text });
        });
      // Last: a reply that had ended before what came with its end was read would be taken without it.
      const { finish_reason: reason } = sent;
      if (typeof reason === "string" && reason !== "") choice.finishReason = reason;
    }
  }

  #choiceOf(index: unknown): ChatChoice {
    const known = this.#choices.get(index);
    if (known !== undefined) return known;
    const choice = new ChatChoice(CHAT_SERVICE);
    this.#choices.set(index, choice);
    return choice;
  }

  /** The first choice, and from the others what it lacks: one reply was asked for. It is whole if all that is taken is. */
  #merged(): Pick<ChatChoice, "text" | "thinking" | "calls" | "extra" | "hasRefused" | "finishReason"> {
    const all = [...this.#choices.values()];
    const [first = new ChatChoice(CHAT_SERVICE)] = all;
    const withText = all.find(({ text }) => text !== "") ?? first;
    const withCalls = all.find(({ calls }) => calls.count > 0) ?? first;
    const reasons = [withCalls, withText, first].flatMap(({ finishReason = [] }) => finishReason);
    const ended = withCalls.calls.count > 0 ? withCalls : all.find((one) => one.finishReason !== undefined);
    return {
      text: withText.text,
      thinking: withCalls.thinking || first.thinking,
      calls: withCalls.calls,
      // What a service wants back with its calls is where the calls are.
      extra: new Map([...first.extra, ...withCalls.extra]),
      hasRefused: withText.hasRefused || withCalls.hasRefused,
      finishReason: reasons.find((reason) => ENDINGS.get(reason) !== "completed") ?? ended?.finishReason,
    };
  }

  #count(sent: unknown): void {
    this.#usage = toUsage(sent) ?? this.#usage;
  }
}

const ENDINGS: ReadonlyMap<string, ModelReply["ending"]> = new Map([
  ["stop", "completed"],
  ["tool_calls", "completed"],
  ["function_call", "completed"],
  ["length", "max_tokens"],
  ["content_filter", "refusal"],
  // Words of compatible servers.
  ["eos", "completed"],
  ["eos_token", "completed"],
  ["end_turn", "completed"],
  ["stop_sequence", "completed"],
  ["tool_use", "completed"],
  ["max_tokens", "max_tokens"],
  ["model_length", "max_tokens"],
]);

/**
 * Cached tokens are counted among the prompt's on this wire, and beside them in ours. Some servers count them beside the
 * prompt's, too: then there are more of them than of the prompt's.
 */
function toUsage(sent: unknown): Usage | undefined {
  if (!isObject(sent)) return undefined;
  const prompt = countOf(sent["prompt_tokens"]);
  const output = countOrNone(sent["completion_tokens"]);
  const details = sent["prompt_tokens_details"];
  const cached = countOrNone(isObject(details) ? details["cached_tokens"] : undefined);
  // Fails closed: a usage that is no number counts as unknown; as 0, a budget would never notice it.
  if (prompt === undefined || output === undefined || cached === undefined) return undefined;
  return {
    inputTokens: cached > prompt ? prompt : prompt - cached,
    outputTokens: output,
    cacheReadTokens: cached,
    cacheWriteTokens: 0,
  };
}
