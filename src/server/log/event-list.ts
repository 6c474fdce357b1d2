/** Listing the events of a session, page by page, from either end. */

import { cursorAt, noCursor, readCursor } from "../http/pages.ts";
import type { Order } from "../http/query.ts";
import type { ListRequest } from "../records/collection.ts";
import type { WireEvent } from "../wire/wire-events.ts";
import type { EventLog } from "./event-log.ts";

const WINDOW = 500;
/** A page ends after this many characters of JSON: a long session would not fit into a reply, or into memory. */
const MAX_PAGE_CHARS = 4 * 1024 * 1024;
/** Larger windows are read in smaller ones. */
const MAX_WINDOW_CHARS = 1024 * 1024;

/** One page of the events of a session. */
export async function listEvents(
  log: EventLog,
  { order, limit, page, accept }: ListRequest<WireEvent>,
): Promise<{ data: WireEvent[]; next_page: string | null }> {
  const found: { seq: number; event: WireEvent }[] = [];
  let cursor =
    seqOf(page, order) ?? (order === "asc" ? 0 : (await lastSeqOf((...range) => log.read(...range))) + 1);
  let window = Math.min(WINDOW, limit + 1);
  let chars = 0;
  let isFull = false;
  for (let more = true; more && !isFull && found.length <= limit;) {
    const from = order === "asc" ? cursor : Math.max(0, cursor - 1 - window);
    const size = order === "asc" ? window : cursor - 1 - from;
    const read = size > 0 ? await log.read(from, size) : [];
    if (order === "desc") read.reverse();
    let seen = 0;
    for (const { seq, event } of read) {
      cursor = seq;
      const length = JSON.stringify(event).length;
      seen += length;
      if (!accept(event)) continue;
      if (found.length > 0 && chars + length > MAX_PAGE_CHARS) isFull = true;
      if (isFull) break;
      chars += length;
      found.push({ seq, event });
    }
    more = read.length === size && size > 0;
    window = seen > MAX_WINDOW_CHARS ? Math.max(1, Math.floor(size / 2)) : Math.min(WINDOW, window * 2);
  }
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  const isMore = isFull || found.length > limit;
  return {
    data: shown.map(({ event }) => event),
    next_page: isMore && last !== undefined ? cursorAt(order, "next", last.seq) : null,
  };
}

/** The number of the last event, 0 without any, by binary search: stores read upwards only. */
export async function lastSeqOf(
  read: (after: number, limit: number) => Promise<readonly unknown[]>,
): Promise<number> {
  const isThere = async (seq: number) => (await read(seq - 1, 1)).length > 0;
  let below = 0;
  let above = 1;
  while (await isThere(above)) {
    below = above;
    above *= 2;
  }
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2);
    if (await isThere(middle)) below = middle;
    else above = middle;
  }
  return below;
}

function seqOf(page: string | null, order: Order): number | undefined {
  const cursor = readCursor(page, order);
  if (cursor === undefined) return undefined;
  const seq = Number(cursor.key);
  if (!Number.isInteger(seq) || cursor.way === "prev") throw noCursor();
  return seq;
}
