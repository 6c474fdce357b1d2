/** Budgets of sessions: money in its smallest unit, which the wire writes as a string. */

import type { Check } from "../../../core/check-options.ts";
import { checkSome, must } from "../../../core/check-options.ts";
import { isObject } from "../../../core/json.ts";
import type { Money } from "../../../core/results.ts";

/** What money has to be. */
export const MONEY: Check = must(
  'a whole number of the smallest unit, such as { minorUnits: 125, currency: "USD" } for 1.25 dollars',
  (value) =>
    isObject(value) &&
    Number.isSafeInteger(value["minorUnits"]) &&
    Number(value["minorUnits"]) >= 0 &&
    /^[A-Z]{3}$/.test(String(value["currency"])),
);

/**
 * A session as it is described here, with its budget as the wire has it; null removes one.
 *
 * @throws LoophostError `invalid_options` for a description that is none, and for money that is none
 */
export function withWireBudget(
  owner: string,
  described: { readonly budget?: Money | null | undefined },
): object {
  checkSome(owner, described, { budget: (value) => (value === null ? undefined : MONEY(value)) });
  const { budget } = described;
  if (budget === undefined || budget === null) return described;
  const amount = String(budget.minorUnits);
  return { ...described, budget: { type: "limit", max_list_cost: { amount, currency: budget.currency } } };
}
