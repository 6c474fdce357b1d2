/** Shared by all stores: the bound of an inbox, and its error. */

import { LoophostError } from "../core/errors.ts";

/** Items that may wait in one session (backpressure): without a bound, a sender in a loop would fill the store. */
export const MAX_WAITING_ITEMS = 1_000;

/** The error for an item that finds the inbox full. */
export function inboxFull(id: string): LoophostError {
  return new LoophostError(
    "inbox_full",
    `Session ${id} has ${MAX_WAITING_ITEMS} items waiting. See that a worker is there to take them, or post less.`,
  );
}
