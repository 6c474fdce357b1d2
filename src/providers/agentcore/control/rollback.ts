/**
 * Deletes a harness whatever it is at. One that is CREATING cannot be deleted, so it is asked again until it can be: given up at the
 * first 409 it would stay, and be billed.
 */

import { sleep } from "../../../core/async/abort.ts";
import type { LoophostError } from "../../../core/errors.ts";
import { messageOf, toLoophostError } from "../../../core/errors.ts";
import { deleteHarness } from "./harnesses.ts";
import type { ControlRequests } from "./requests.ts";
import type { WaitOptions, WaitPhase } from "./wait.ts";
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
  const failure = await deletePatiently(requests, harnessId, budget, "rollback");
  const which = `Harness ${harnessId}, which was made for it,`;
  return failure === undefined
    ? `${which} is being deleted again.`
    : `${which} is left: delete it (${messageOf(failure)})`;
}

/** Deletes a harness, as soon as it can be. Never rejects: gives what kept it from being deleted. */
export async function deletePatiently(
  requests: ControlRequests,
  id: string,
  budget: Budget,
  phase: WaitPhase,
): Promise<LoophostError | undefined> {
  const { signal, clock, pollMs } = budget;
  for (let polls = 1; ; polls += 1) {
    const failure = await deleteHarness(requests, id, { signal, leftMs: budget.leftMs }).then(
      () => undefined,
      (thrown: unknown) => toLoophostError(thrown, "host_failed", `Deleting harness ${id}`),
    );
    budget.tell({ id, phase, status: failure === undefined ? "DELETING" : undefined, polls });
    if (failure === undefined || signal.aborted || budget.leftMs < pollMs) return failure;
    // A right that is missing will be missing in five seconds too.
    if (failure.status !== undefined && failure.status < 500 && ![409, 429].includes(failure.status))
      return failure;
    await sleep(pollMs, clock, signal).catch(() => undefined);
  }
}
