/** A plain function as a model: the smallest seam, for tests and home-made models. */

import { LoophostError } from "../../../core/errors.ts";
import { isObject } from "../../../core/json.ts";
import type { Usage } from "../../../core/results.ts";
import { addUsage, NO_USAGE } from "../../../core/results.ts";
import type { AssistantBlock, TranscriptMessage } from "../../../core/transcript.ts";
import { countOf } from "../../../core/wire/numbers.ts";
import type { Model, ModelCall, ModelReply, ToolDescription } from "../model.ts";

/** What a model function is asked. */
export interface ModelRequest {
  readonly instructions: string;
  readonly tools: readonly ToolDescription[];
  readonly messages: readonly TranscriptMessage[];
  readonly modelId: string | undefined;
}

/** A piece of what a model function answers. */
export type ModelPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "thinking"; readonly text: string }
  | { readonly type: "tool_call"; readonly id: string; readonly name: string; readonly input: unknown }
  | ({ readonly type: "usage" } & Partial<Usage>)
  /** Why it stopped: "stop" when left out; "length" is a `max_tokens` ending, "refusal" a refusal. */
  | { readonly type: "stop"; readonly reason: string };

/** Answers a conversation: a text, a list of parts, or parts as they come. */
export type ModelFunction = (
  request: ModelRequest,
  context: { readonly signal: AbortSignal },
) => string | readonly ModelPart[] | Promise<string | readonly ModelPart[]> | AsyncIterable<ModelPart>;

/** Makes a model of a function. */
export function functionModel(answer: ModelFunction): Model {
  return {
    name: answer.name || "function",
    converse({ instructions, tools, modelId }) {
      const messages: TranscriptMessage[] = [];
      return {
        add: (message) => void messages.push(message),
        async reply(call) {
          const answered = await answer(
            { instructions, tools, messages: [...messages], modelId },
            { signal: call.signal },
          );
          return fold(toParts(answered), call);
        },
      };
    },
  };
}

/** What a function answered as parts; functions are written by hand, and types do not hold everybody. */
function toParts(answered: unknown): Iterable<unknown> | AsyncIterable<unknown> {
  if (typeof answered === "string") return [{ type: "text", text: answered }];
  if (Array.isArray(answered) || isAsyncIterable(answered)) return answered;
  throw new LoophostError(
    "host_protocol",
    `The model function answered ${inShort(answered)}. It has to answer with a text, a list of parts, or parts as they come.`,
  );
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return isObject(value) && Symbol.asyncIterator in value;
}

function isPart(part: unknown): part is ModelPart {
  if (!isObject(part)) return false;
  const isText = (field: string) => typeof part[field] === "string";
  switch (part["type"]) {
    case "text":
    case "thinking":
      return isText("text");
    case "tool_call":
      return isText("id") && isText("name");
    case "usage":
      return true;
    case "stop":
      return isText("reason");
    default:
      return false;
  }
}

function inShort(value: unknown): string {
  return isObject(value) ? JSON.stringify(value) : String(value);
}

/** Counts that are none are 0: NaN in a sum would stay there, and no budget would halt. */
function toUsage(part: Partial<Usage>): Usage {
  return {
    inputTokens: countOf(part.inputTokens) ?? 0,
    outputTokens: countOf(part.outputTokens) ?? 0,
    cacheReadTokens: countOf(part.cacheReadTokens) ?? 0,
    cacheWriteTokens: countOf(part.cacheWriteTokens) ?? 0,
  };
}

async function fold(
  parts: Iterable<unknown> | AsyncIterable<unknown>,
  { emit, signal }: ModelCall,
): Promise<ModelReply> {
  const content: AssistantBlock[] = [];
  let usage: Usage | undefined;
  let stopReason = "stop";
  for await (const part of parts) {
    signal.throwIfAborted();
    if (!isPart(part))
      throw new LoophostError(
        "host_protocol",
        `The model function gave a part it may not: ${inShort(part)}. A text needs its text, a tool_call an id and a name.`,
      );
    if (part.type === "text" || part.type === "thinking") {
      emit({ type: part.type === "text" ? "text.delta" : "thinking.delta", text: part.text });
      const last = content.at(-1);
      if (last?.type === part.type)
        content[content.length - 1] = { type: part.type, text: last.text + part.text };
      else content.push({ type: part.type, text: part.text });
    } else if (part.type === "tool_call")
      content.push({
        type: "tool_call",
        id: part.id,
        name: part.name,
        arguments: JSON.stringify(part.input ?? {}),
      });
    else if (part.type === "usage") usage = addUsage(usage ?? NO_USAGE, toUsage(part));
    else stopReason = part.reason;
  }
  const ending = stopReason === "length" ? "max_tokens" : stopReason === "refusal" ? "refusal" : "completed";
  return { message: { role: "assistant", content }, ending, stopReason, usage };
}
