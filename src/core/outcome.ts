/** A goal is checked where it is sent: a misspelt option would be the default in silence, and graded so. */

import type { Checks } from "./check-options.ts";
import { checkOptions, must, NAME } from "./check-options.ts";
import type { Outcome } from "./results.ts";

const MAX_ITERATIONS = 20;

const OUTCOME: Checks<Outcome> = {
  description: NAME,
  rubric: NAME,
  maxIterations: must(
    `a whole number from 1 to ${MAX_ITERATIONS}`,
    (value) => Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= MAX_ITERATIONS,
  ),
};

/**
 * Checks an outcome that a host is to grade.
 *
 * @throws LoophostError `invalid_options`
 */
export function checkOutcome(outcome: Outcome): void {
  checkOptions("An outcome", outcome, OUTCOME, ["description", "rubric"]);
}
