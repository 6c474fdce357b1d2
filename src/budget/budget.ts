/** Budgets: a policy for the core's turn guard. The core has the mechanism; what a run may cost is for its caller to say. */

import type { Names } from "../core/check-options.ts";
import { checkNames } from "../core/check-options.ts";
import { LoophostError } from "../core/errors.ts";
import type { TurnGuard } from "../core/guard.ts";
import { isObject } from "../core/json.ts";
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

/** The bounds of a budget; those left out do not bind, but one is needed. */
export type Budget = BudgetBounds & (BudgetOfMoney | { readonly maxCost?: undefined });

/** Bounds that need no prices. */
export interface BudgetBounds {
  /** Tokens in and out, caches included. Default: no bound. */
  readonly maxTokens?: number | undefined;
  /** Turns of a run. Default: no bound. */
  readonly maxTurns?: number | undefined;
  /** Milliseconds of a run. Default: no bound. */
  readonly maxMs?: number | undefined;
}

/** A bound on money. */
export interface BudgetOfMoney {
  /** In the currency of `prices`. */
  readonly maxCost: number;
  readonly prices: TokenPrices;
}

/**
 * A guard that halts a run once it has used up a budget. A turn under way is not cut short: it is counted when it ends. A run that ends
 * with that turn is left alone: what it came to is paid for.
 *
 * @throws LoophostError `invalid_options` for a budget that would never halt anything: without a bound, of a bound that is
 *   none, of money without prices
 */
export function budget(bounds: Budget): TurnGuard {
  const { maxTokens, maxTurns, maxMs, maxCost, prices } = checkBudget(bounds);
  return ({ turns, usage, isUsageKnown, elapsedMs, isLast }) => {
    if (isLast) return "continue";
    const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = usage;
    const tokens = inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens;
    const used: readonly (readonly [string, number, number | undefined])[] = [
      ["tokens", tokens, maxTokens],
      ["turns", turns, maxTurns],
      ["ms", elapsedMs, maxMs],
      ["of money", prices === undefined ? 0 : costOf(usage, prices), maxCost],
    ];
    const isCounted = isUsageKnown || turns === 0;
    const bindsTokens = maxTokens !== undefined || maxCost !== undefined;
    // A turn costs tokens: where none are told, or something that is no number, the budget would never halt anything.
    if (bindsTokens && !(isCounted && Number.isFinite(tokens)))
      return { halt: "the budget cannot count: the model does not tell the tokens it used" };
    const over = used.find(([, amount, bound]) => bound !== undefined && amount >= bound);
    return over === undefined
      ? "continue"
      : { halt: `the budget of ${over[2]} ${over[0]} is used up (${over[1]})` };
  };
}

/**
 * What some usage costs.
 *
 * @throws LoophostError `invalid_options` when usage or prices are not there
 */
export function costOf(usage: Usage, prices: TokenPrices): number {
  if (!isObject(usage)) throw invalid("costOf() needs usage, such as `result.usage`, and prices.");
  checkPrices(prices, "costOf()");
  const { inputPerMillion, outputPerMillion } = prices;
  const { cacheReadPerMillion = inputPerMillion, cacheWritePerMillion = inputPerMillion } = prices;
  const millionths =
    usage.inputTokens * inputPerMillion +
    usage.outputTokens * outputPerMillion +
    usage.cacheReadTokens * cacheReadPerMillion +
    usage.cacheWriteTokens * cacheWritePerMillion;
  return millionths / 1_000_000;
}

const BOUNDS = ["maxTokens", "maxTurns", "maxMs", "maxCost"] as const;

const BUDGET: Names<BudgetBounds & BudgetOfMoney> = {
  maxTokens: 1,
  maxTurns: 1,
  maxMs: 1,
  maxCost: 1,
  prices: 1,
};
const PRICES: Names<TokenPrices> = {
  inputPerMillion: 1,
  outputPerMillion: 1,
  cacheReadPerMillion: 1,
  cacheWritePerMillion: 1,
};

/** A budget that does not bind looks like one that does until the bill comes, so everything about it is checked. */
function checkBudget(given: Budget): BudgetBounds & Partial<BudgetOfMoney> {
  const bounds: BudgetBounds & Partial<BudgetOfMoney> = isObject(given) ? given : {};
  checkNames("budget()", bounds, BUDGET);
  const set = BOUNDS.filter((name) => bounds[name] !== undefined);
  if (set.length === 0)
    throw invalid(`budget() without a bound would halt nothing. Set one of ${BOUNDS.join(", ")}.`);
  for (const name of set) checkNumber(bounds[name], `budget(): ${name}`);
  if (bounds.maxCost !== undefined) checkPrices(bounds.prices, "budget(): maxCost");
  return bounds;
}

function checkPrices(prices: TokenPrices | undefined, what: string): void {
  if (!isObject(prices))
    throw invalid(`${what} needs prices: { inputPerMillion, outputPerMillion }, for a million tokens.`);
  checkNames("prices", prices, PRICES);
  checkNumber(prices.inputPerMillion, "prices.inputPerMillion");
  checkNumber(prices.outputPerMillion, "prices.outputPerMillion");
  checkNumber(prices.cacheReadPerMillion ?? 0, "prices.cacheReadPerMillion");
  checkNumber(prices.cacheWritePerMillion ?? 0, "prices.cacheWritePerMillion");
}

function checkNumber(value: unknown, what: string): void {
  if (typeof value === "number" && value >= 0) return;
  throw invalid(`${what} must be a number, 0 or more; got ${JSON.stringify(value)}.`);
}

function invalid(message: string): LoophostError {
  return new LoophostError("invalid_options", message);
}
