/** The cost of sessions, and their budgets. */

import { costOf } from "../../budget/budget.ts";
import type { TokenPrices } from "../../budget/budget.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { Usage } from "../../core/results.ts";
import { invalid } from "../http/errors.ts";
import { isJsonObject } from "../http/fields.ts";
import type { Budget, SessionRecord } from "../records/session-record.ts";
import { addSpent } from "../records/session-record.ts";

/** The prices of models by their id, in cents for a million tokens. */
export type Prices = Readonly<Record<string, TokenPrices>>;

/** What spending tokens changes of a session. */
export function spending(
  record: SessionRecord,
  spent: Usage,
  prices: Prices,
): Partial<Pick<SessionRecord, "usage" | "cost" | "is_uncounted">> {
  // NaN compares false with every bound: added to the cost, it would switch the budget off for good.
  if (!Object.values(spent).every((count) => Number.isFinite(count) && count >= 0))
    return { is_uncounted: true };
  const price = priceOf(record.agent.model.id, prices);
  const usage = addSpent(record.usage, spent);
  if (price === undefined) return { usage, cost: record.cost };
  const cost = record.cost + costOf(spent, price);
  // Rounded up, so that the cost shown is never less than what was spent.
  return { usage: { ...usage, list_cost: { amount: String(Math.ceil(cost)), currency: "USD" } }, cost };
}

/** Whether a session has used up its budget. Fails closed: one whose cost is unknown has. */
export function isUsedUp({ budget, cost, is_uncounted: isUncounted = false }: SessionRecord): boolean {
  return budget !== null && (isUncounted || cost >= Number(budget.max_list_cost.amount));
}

/** The usage of a reply without one. */
export const UNKNOWN_USAGE: Usage = {
  inputTokens: Number.NaN,
  outputTokens: Number.NaN,
  cacheReadTokens: Number.NaN,
  cacheWriteTokens: Number.NaN,
};

/**
 * The budget a session is created with, if any.
 *
 * @throws Refusal when it is none, or the model has no price
 */
export function readBudget(given: Json | undefined, modelId: string, prices: Prices): Budget | null {
  if (given === undefined || given === null) return null;
  const budget = read(given);
  if (priceOf(modelId, prices) === undefined)
    throw invalid(
      `This host knows no price of model "${modelId}", so a session with it can have no budget.`,
      "model_not_budgetable",
    );
  return budget;
}

/**
 * The budget an update gives a session: more than it has spent, or none from now on.
 *
 * @throws Refusal when the session was made without one, or the new one would be used up already
 */
export function readNewBudget({ budget, cost }: SessionRecord, given: Json): Budget | null {
  if (budget === null)
    throw invalid(
      "A budget can only be given when the session is created; this one has none.",
      "budget_create_only",
    );
  if (given === null) return null;
  const raised = read(given);
  if (Number(raised.max_list_cost.amount) <= cost)
    throw invalid(
      `The session has spent ${Math.ceil(cost)} cents already; a new budget must be more.`,
      "budget_not_raised",
    );
  return raised;
}

function read(given: Json): Budget {
  const limit = isJsonObject(given) && given["type"] === "limit" ? given["max_list_cost"] : undefined;
  const { amount, currency }: JsonObject = isJsonObject(limit) ? limit : {};
  if (typeof amount !== "string" || !/^\d{1,15}$/.test(amount) || Number(amount) === 0 || currency !== "USD")
    throw invalid(
      'budget must be { type: "limit", max_list_cost: { amount, currency: "USD" } }, with the amount in cents as a string.',
    );
  return { type: "limit", max_list_cost: { amount, currency } };
}

function priceOf(modelId: string, prices: Prices): TokenPrices | undefined {
  return Object.hasOwn(prices, modelId) ? prices[modelId] : undefined;
}
