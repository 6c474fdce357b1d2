/**
 * Guards for weak models: what a small model does wrong in a loop, caught before it costs a turn or a tool run.
 *
 * All counts begin anew with every message of the user: a long conversation is not held against the model.
 */

import type { ToolResult } from "../../core/results.ts";
import { resultText, textResult } from "../../core/results.ts";

/** Which guards are on. */
export interface ModelGuards {
  /** A call with the name and arguments of one that succeeded is answered with a note instead of being run. Default true. */
  readonly duplicateCalls?: boolean | undefined;
  /** After so many failures of one tool in a row the model is told to change its input. Default 2; 0 switches it off. */
  readonly failuresBeforeAdvice?: number | undefined;
  /** In the last turn the limit allows, the model is told to answer now. Default true. */
  readonly lastTurn?: boolean | undefined;
}

/** A call as the guards look at it. */
export interface GuardedCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

/** The guards of one conversation. */
export class GuardState {
  readonly #guards: ModelGuards;
  readonly #succeeded = new Set<string>();
  readonly #failures = new Map<string, number>();

  constructor(guards: ModelGuards) {
    this.#guards = guards;
  }

  /** Begins anew. */
  reset(): void {
    this.#succeeded.clear();
    this.#failures.clear();
  }

  /** The answer to a call that was made before and succeeded; undefined for one that is to be run. A retry after a failure is. */
  answerTo(call: GuardedCall): ToolResult | undefined {
    if (this.#guards.duplicateCalls === false || !this.#succeeded.has(fingerprint(call))) return undefined;
    return textResult(
      `This call of ${call.name} was made before with the same arguments; its result above still stands. ` +
        "It was not run again. Use that result, or call with other arguments.",
    );
  }

  /** Takes note of results; gives what the model should be told about them. */
  learn(results: readonly { readonly call: GuardedCall; readonly result: ToolResult }[]): string | undefined {
    const limit = this.#guards.failuresBeforeAdvice ?? 2;
    const advice: string[] = [];
    for (const { call, result } of results) {
      if (!result.isError) {
        this.#succeeded.add(fingerprint(call));
        this.#failures.delete(call.name);
        continue;
      }
      const failures = (this.#failures.get(call.name) ?? 0) + 1;
      this.#failures.set(call.name, failures);
      if (limit > 0 && failures === limit) {
        advice.push(
          `${call.name} has failed ${failures} times in a row, the last time with: ${resultText(result)}\n` +
            "Do not send the same input again. Read the error, and change the input, or go another way.",
        );
      }
    }
    return advice.length === 0 ? undefined : advice.join("\n\n");
  }

  /** What the model is told before its last turn. */
  lastWord(terminalTool: string | undefined): string | undefined {
    if (this.#guards.lastTurn === false) return undefined;
    return terminalTool === undefined
      ? "This is your last turn. Call no more tools; give your final answer now, with what you have."
      : `This is your last turn. Call ${terminalTool} now, with what you have.`;
  }
}

/** What makes two calls the same: the tool, and the arguments as data, however they are spaced or ordered. */
function fingerprint(call: GuardedCall): string {
  try {
    return `${call.name} ${JSON.stringify(sorted(JSON.parse(call.arguments || "{}")))}`;
  } catch {
    return `${call.name} ${call.arguments}`;
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}
