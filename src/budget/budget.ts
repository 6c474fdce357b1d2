/** Budgets: a policy for the core's turn guard. The core has the mechanism; what a run may cost is for its caller to say. */

import type { TurnGuard } from "../core/guard.ts";
import type { Usage } from "../core/results.ts";

/** What a million tokens cost, in whatever currency the budget is in. */
export interface TokenPrices {
  readonly inputPerMillion: number;
  readonly outputPerMillion: number;
  /** Default: the price of input. */
  readonly cacheReadPerMillion?: number | undefined;
  /** Default: the price of input. */
  readonly cacheWritePerMillion?: number | undefined;
}

/** The bounds of a budget; those left out do not bind. */
export interface Budget {
  /** Tokens in and out, caches included. */
  readonly maxTokens?: number | undefined;
  readonly maxTurns?: number | undefined;
  readonly maxMs?: number | undefined;
  /** Money, in the currency of `prices`. */
  readonly maxCost?: number | undefined;
  readonly prices?: TokenPrices | undefined;
}

/** A guard that halts a run once it has used up a budget. A turn under way is not cut short: it is counted when it ends. */
export function budget(bounds: Budget): TurnGuard {
  return ({ turns, usage, elapsedMs }) => {
    const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = usage;
    const tokens = inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens;
    const used: readonly (readonly [string, number, number | undefined])[] = [
      ["tokens", tokens, bounds.maxTokens],
      ["turns", turns, bounds.maxTurns],
      ["ms", elapsedMs, bounds.maxMs],
      ["of money", bounds.prices === undefined ? 0 : costOf(usage, bounds.prices), bounds.maxCost],
    ];
    const over = used.find(([, amount, bound]) => bound !== undefined && amount >= bound);
    return over === undefined
      ? "continue"
      : { halt: `the budget of ${over[2]} ${over[0]} is used up (${over[1]})` };
  };
}

/** What some usage costs. */
export function costOf(usage: Usage, prices: TokenPrices): number {
  const { inputPerMillion, outputPerMillion } = prices;
  const { cacheReadPerMillion = inputPerMillion, cacheWritePerMillion = inputPerMillion } = prices;
  const millionths =
    usage.inputTokens * inputPerMillion +
    usage.outputTokens * outputPerMillion +
    usage.cacheReadTokens * cacheReadPerMillion +
    usage.cacheWriteTokens * cacheWritePerMillion;
  return millionths / 1_000_000;
}
