/**
 * Deletes what a failed call had made. A harness that is CREATING cannot be deleted, so it is asked again until it can be:
 * given up at the first 409 it would stay, and be billed.
 */

import { sleep } from "../../../core/async/abort.ts";
import { messageOf } from "../../../core/errors.ts";
import { deleteHarness } from "./harnesses.ts";
import type { ControlRequests } from "./requests.ts";
import type { WaitOptions } from "./wait.ts";
import { Budget } from "./wait.ts";

/**
 * Deletes a harness within a budget of its own; never rejects, since it must not hide why it was needed.
 *
 * @returns what became of it, as a sentence
 */
export async function rollBack(
  requests: ControlRequests,
  harnessId: string,
  options: WaitOptions,
): Promise<string> {
  const budget = new Budget(requests.clock, options);
  for (let polls = 1; ; polls += 1) {
    const failure = await deleteHarness(requests, harnessId, { leftMs: budget.leftMs }).then(
      () => undefined,
      (thrown: unknown) => thrown ?? "an unknown error",
    );
    budget.tell({
      id: harnessId,
      phase: "rollback",
      status: failure === undefined ? "DELETING" : undefined,
      polls,
    });
    if (failure === undefined) return `Harness ${harnessId}, which was made for it, is being deleted again.`;
    if (budget.leftMs < budget.pollMs)
      return `Harness ${harnessId}, which was made for it, is left: delete it (${messageOf(failure)})`;
    await sleep(budget.pollMs, budget.clock, budget.signal);
  }
}
