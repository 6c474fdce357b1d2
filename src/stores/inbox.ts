/** Shared by all stores: the bound of an inbox, and its error. */

import { LoophostError } from "../core/errors.ts";
import type { PostedItem } from "../core/store.ts";

/** Items that may wait in one session (backpressure): without a bound, a sender in a loop would fill the store. */
const MAX_WAITING_ITEMS = 1_000;
/** So many more may that make room for others. */
const RESERVE = 100;

/** How many may wait when an item is posted. */
export function roomFor({ makesRoom }: PostedItem): number {
  return makesRoom === true ? MAX_WAITING_ITEMS + RESERVE : MAX_WAITING_ITEMS;
}

/** The error for an item that finds the inbox full. */
export function inboxFull(id: string): LoophostError {
  return new LoophostError(
    "inbox_full",
    `Session ${id} has ${MAX_WAITING_ITEMS} items waiting. See that a worker is there to take them, or post less.`,
  );
}
