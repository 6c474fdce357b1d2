/** What a run comes to: the same shape for every loop host. */

import type { SessionEvent } from "./events.ts";
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
export interface ToolUse {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

/** A piece of a tool's result. */
export type ContentBlock =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image"; readonly mediaType: string; readonly data: string }
  | {
      readonly type: "document";
      readonly mediaType: string;
      readonly data: string;
      readonly title?: string | undefined;
    };

/** What the model is told about a call: content, and whether it failed. */
export interface ToolResult {
  readonly content: readonly ContentBlock[];
  readonly isError: boolean;
}

/** The text of a tool result: its text blocks, one a line. */
export function resultText(result: ToolResult): string {
  return result.content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("\n");
}

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
  readonly sessionId: string;
  readonly text: string;
  /** The validated structured output, when the agent asks for one and the run was completed. */
  readonly output: Output | undefined;
  /** Calls of our tools, each id once, in the order they were first seen. */
  readonly toolUses: readonly ToolUse[];
  /** Calls of tools the host ran itself. */
  readonly serverToolUses: readonly ToolUse[];
  readonly usage: Usage;
  readonly turns: number;
  /** Whole events in order, deltas left out, unless `keepEvents` says otherwise. */
  readonly events: readonly SessionEvent[];
  /** The conversation, where this side holds it; reusable as `history`. Null where the host holds it. */
  readonly transcript: readonly TranscriptMessage[] | null;
}
