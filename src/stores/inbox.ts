/** Shared by all stores: the bound of an inbox, and its error. */

import { LoophostError } from "../core/errors.ts";
import type { PostedItem } from "../core/store.ts";

/** How many items may wait in a session when one is posted (backpressure): without a bound, a sender in a loop would fill the store. */
export function roomFor({ room = 1_000 }: PostedItem): number {
  return room;
}

/** The error for an item that finds the inbox full. */
export function inboxFull(id: string): LoophostError {
  return new LoophostError(
    "inbox_full",
    `The inbox of session ${id} is full. See that a worker takes from it, or post less.`,
  );
}
