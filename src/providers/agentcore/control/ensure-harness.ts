/**
 * A harness that is there and ready when it is needed: made, or found by its name.
 *
 *   N1  the name stands for the definition: whoever finds the name taken by a harness that is ready, or on its way, uses that one
 *   N2  what this call made and could not get ready is deleted again; what it found is never touched
 *   N3  one budget for the deletion it waits for, the creation and the wait for READY; the rollback has its own
 */

import { LoophostError, toLoophostError } from "../../../core/errors.ts";
import type { HarnessRecord, NewHarness } from "./harnesses.ts";
import { createHarness, listHarnesses, waitOn } from "./harnesses.ts";
import type { ControlRequests } from "./requests.ts";
import { rollBack } from "./rollback.ts";
import { kindOf } from "./status.ts";
import type { EnsureOptions } from "./wait.ts";
import { Budget, tooLong, waitUntilGone, waitUntilReady } from "./wait.ts";

/** A harness that is ready. */
export interface EnsuredHarness {
  readonly harness: HarnessRecord;
  /** Whether this call made it. */
  readonly isNew: boolean;
}

/**
 * Makes a harness and waits until it is READY; one of that name that is there already is used instead.
 *
 * @throws LoophostError `provision_timeout`, `provision_failed`, `aborted`, and what the service refuses; the message says
 *   what became of a harness that was made
 */
export async function ensureHarness(
  requests: ControlRequests,
  definition: NewHarness,
  options: EnsureOptions = {},
): Promise<EnsuredHarness> {
  const budget = new Budget(requests.clock, options);
  const { harnessName } = definition;
  for (let tries = 1; ; tries += 1) {
    const made = await tryToMake(requests, definition, budget);
    if (made !== undefined) return { harness: await ready(requests, made, budget, options), isNew: true };
    const other = await findByName(requests, harnessName, budget);
    const kind = other === undefined ? undefined : kindOf(other.status);
    if (other !== undefined && (kind === "ready" || kind === "in progress"))
      return { harness: await waitUntilReady(waitOn(requests, other.harnessId, budget)), isNew: false };
    if (other === undefined || kind !== "going" || tries >= MAX_TRIES)
      throw conflict(harnessName, other?.status);
    await gone(requests, other, budget);
  }
}

/** Twice in a row somebody else may be deleting one of this name; more often is no race. */
const MAX_TRIES = 3;

/** Undefined when the name is taken. */
async function tryToMake(
  requests: ControlRequests,
  definition: NewHarness,
  budget: Budget,
): Promise<HarnessRecord | undefined> {
  const { signal, leftMs } = budget;
  // With a millisecond left it would come back as an error of the network.
  if (leftMs < 1) throw tooLong(`Harness ${definition.harnessName}`, "ready", undefined, budget, 0);
  try {
    return await createHarness(requests, definition, { signal, leftMs });
  } catch (thrown) {
    const error = toLoophostError(thrown, "host_failed", "Making a harness");
    if (error.status === 409) return undefined;
    throw error;
  }
}

async function ready(
  requests: ControlRequests,
  { harnessId }: HarnessRecord,
  budget: Budget,
  { rollbackMs, onProgress, signal }: EnsureOptions,
): Promise<HarnessRecord> {
  try {
    return await waitUntilReady(waitOn(requests, harnessId, budget));
  } catch (thrown) {
    const error = toLoophostError(thrown, "host_failed", `Harness ${harnessId}`);
    const timeoutMs = rollbackMs ?? (signal?.aborted === true ? ABORTED_ROLLBACK_MS : ROLLBACK_MS);
    const left = await rollBack(requests, harnessId, { timeoutMs, onProgress });
    throw new LoophostError(error.code, `${error.message} ${left}`, {
      status: error.status,
      hostCode: error.hostCode,
      requestId: error.requestId,
      mayRetry: error.mayRetry,
    });
  }
}

const ROLLBACK_MS = 300_000;
const ABORTED_ROLLBACK_MS = 10_000;

/** A look that fails proves nothing: whether the name is free, the next creation tells. */
async function gone(requests: ControlRequests, { harnessId }: HarnessRecord, budget: Budget): Promise<void> {
  try {
    await waitUntilGone(waitOn(requests, harnessId, budget));
  } catch (thrown) {
    const { code } = toLoophostError(thrown, "host_failed", "");
    if (code !== "host_failed" && code !== "host_unreachable") throw thrown;
  }
}

async function findByName(
  requests: ControlRequests,
  name: string,
  { signal, leftMs }: Budget,
): Promise<HarnessRecord | undefined> {
  for await (const harness of listHarnesses(requests, { signal, leftMs }))
    if (harness.harnessName === name) return harness;
  return undefined;
}

function conflict(name: string, status: string | undefined): LoophostError {
  const state = status === undefined ? "which is in no list" : `which is ${status}`;
  return new LoophostError(
    "provision_failed",
    `The name ${name} is taken by a harness ${state}. Delete that one, or give another name.`,
    { hostCode: status ?? "ConflictException", mayRetry: false },
  );
}
