/** What a run comes to: the same shape for every loop host. */

import type { SessionEvent } from "./events.ts";
import { isKeepable, isObject } from "./json.ts";
import type { TranscriptMessage } from "./transcript.ts";

/** How a turn or run ended, the same three for all loop hosts. */
export type Terminal = "end_turn" | "requires_action" | "terminated";

/**
 * Why it ended, finer than the terminal and still the same for all hosts. The host's own word is kept
 * beside it as `stopReason`.
 */
export type Ending =
  | "completed"
  | "interrupted"
  | "requires_action"
  | "refusal"
  | "max_tokens"
  | "budget_reached"
  | "retries_exhausted"
  | "deleted"
  | "terminated";

/** How a run ended: the ending, the host's own word for it, and what else the host says. */
export interface RunEnd {
  readonly ending: Ending;
  readonly stopReason: unknown;
  readonly details?: EndingDetails | undefined;
}

/** The terminal an ending belongs to. Only work the host finished, or we interrupted, is an `end_turn`. */
export function terminalOf(ending: Ending): Terminal {
  if (ending === "completed" || ending === "interrupted") return "end_turn";
  return ending === "requires_action" ? "requires_action" : "terminated";
}

/** Tokens spent. `inputTokens` leaves out what was read from or written to a cache, where the host tells. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
}

/** No tokens. */
export const NO_USAGE: Usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };

/** Adds two usages. */
export function addUsage(a: Usage, b: Usage): Usage {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
  };
}

/** A call the model made, of one of our tools or of one of the host's. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

/** A piece of a message or of a tool's result. */
export type ContentBlock =
  | { readonly type: "text"; readonly text: string }
  | ({ readonly type: "image" } & MediaSource)
  | ({ readonly type: "document"; readonly title?: string | undefined } & MediaSource)
  /** A search result, for the model to cite. */
  | {
      readonly type: "search_result";
      /** Where it was found, usually an address. */
      readonly source: string;
      readonly title: string;
      readonly text: string;
    };

/** Where an image or a document is: here, as base64 or, of a text type, as it is; at an address; in the host's files. */
export type MediaSource =
  | { readonly mediaType: string; readonly data: string }
  | { readonly url: string }
  | { readonly fileId: string };

/** Whether a value is a content block: of a known type, with its content, and fit to be kept. */
export function isContentBlock(block: unknown): block is ContentBlock {
  if (!isObject(block) || !isKeepable(block)) return false;
  const { type, text } = block;
  const isMedia = type === "image" || type === "document";
  if (!isMedia) return (type === "text" || type === "search_result") && typeof text === "string";
  return ["data", "url", "fileId"].some((where) => typeof block[where] === "string");
}

/** What an error calls a value that is not a content block. */
export const NO_BLOCK = "no text, image, document or search_result, or no JSON";

/** What the model is told about a call: content, and whether it failed. */
export interface ToolResult {
  readonly content: readonly ContentBlock[];
  readonly isError: boolean;
}

/** The text of a tool result: its text blocks, one a line. */
export function resultText(result: ToolResult): string {
  return result.content.flatMap((block) => blockText(block) ?? []).join("\n");
}

/** What a block says in words; undefined for one that is no text. */
export function blockText(block: ContentBlock): string | undefined {
  if (block.type === "search_result") return `${block.title} (${block.source})\n${block.text}`;
  return block.type === "text" ? block.text : undefined;
}

/** What the host says of an ending beyond its name. */
export interface EndingDetails {
  /** As text: why a model refused, what failed last. */
  readonly message: string | undefined;
  /** The host's own word for it: the category of a refusal, the type of an error. */
  readonly code: string | undefined;
}

/** A goal a session works towards until a grader accepts the work; see `OutcomeVerdict`. */
export interface Outcome {
  readonly description: string;
  /** What the grader looks for. */
  readonly rubric: string;
  /** How many times the work is graded and revised, at most. Default: the host's. */
  readonly maxIterations?: number | undefined;
}

/** A grader's verdict on an outcome: after `needs_revision` the work continues, every other verdict is final. */
export interface OutcomeVerdict {
  readonly verdict: "satisfied" | "needs_revision" | "max_iterations_reached" | "failed" | "interrupted";
  readonly explanation: string;
  /** Counted as the host counts. */
  readonly iteration: number;
}

/** Money, in the smallest unit of its currency: 716 of USD is 7.16 dollars. */
export interface Money {
  readonly minorUnits: number;
  readonly currency: string;
}

/** What a run had achieved when it failed: everything of a result but its end, since it reached none. */
export type PartialResult<Output = unknown> = Omit<
  SessionResult<Output>,
  "terminal" | "ending" | "stopReason" | "details"
>;

/** A tool result of one text block. */
export function textResult(text: string, isError = false): ToolResult {
  return { content: [{ type: "text", text }], isError };
}

/**
 * The result of a run.
 *
 * Counters, tool uses and events are those of this run alone; `text` is what the agent said in its last turn
 * (text it said before calling a tool is in `events`).
 */
export interface SessionResult<Output = unknown> {
  readonly terminal: Terminal;
  readonly ending: Ending;
  /** The host's own value, verbatim: a string, an object or null. */
  readonly stopReason: unknown;
  /** More about how it ended, where the host says more. */
  readonly details?: EndingDetails | undefined;
  readonly sessionId: string;
  readonly text: string;
  /** The validated structured output, when the agent asks for one and the run was completed. */
  readonly output: Output | undefined;
  /** The last verdict on the outcome the run was given. */
  readonly outcome?: OutcomeVerdict | undefined;
  /** What the session has cost so far, by the host's list prices, where the host tells. */
  readonly cost?: Money | undefined;
  /** Calls of our tools, each id once, in the order they were first seen. */
  readonly toolCalls: readonly ToolCall[];
  /** Calls of tools the host ran itself. */
  readonly serverToolCalls: readonly ToolCall[];
  readonly usage: Usage;
  readonly turns: number;
  /** Whole events in order, deltas left out, unless `keepEvents` says otherwise. */
  readonly events: readonly SessionEvent[];
  /**
   * The conversation, where this side holds it; reusable as `history`. Null where the host holds it. Its messages are those the
   * session goes on with: copy what is to be changed.
   */
  readonly transcript: readonly TranscriptMessage[] | null;
}
