/** Budgets of sessions: money in its smallest unit, which the wire writes as a string. */

import { LoophostError } from "../../../core/errors.ts";
import type { Money } from "../../../core/results.ts";

/**
 * The wire's form of a budget; null removes one, undefined says nothing of it.
 *
 * @throws LoophostError `invalid_options` when the amount is not a whole number of the currency's smallest unit
 */
export function toWireBudget(budget: Money | null | undefined): object {
  if (budget === undefined) return {};
  if (budget === null) return { budget: null };
  const { minorUnits, currency } = budget;
  if (!Number.isSafeInteger(minorUnits) || minorUnits < 0 || !/^[A-Z]{3}$/.test(currency)) {
    throw new LoophostError(
      "invalid_options",
      'A budget is a whole number of the smallest unit, such as { minorUnits: 125, currency: "USD" } for 1.25 dollars.',
    );
  }
  return { budget: { type: "limit", max_list_cost: { amount: String(minorUnits), currency } } };
}
