/** Listing the events of a session, page by page, from either end. */

import { invalid } from "../http/errors.ts";
import type { Order } from "../http/query.ts";
import type { EventLog } from "./event-log.ts";
import type { WireEvent } from "./wire-events.ts";

/** What is asked of a listing of events. */
export interface EventListRequest {
  readonly order: Order;
  readonly limit: number;
  /** Where an earlier page ended: its `next_page`. */
  readonly page: string | null;
  readonly accept: (event: WireEvent) => boolean;
}

const WINDOW = 500;

/** One page of the events of a session. */
export async function listEvents(
  log: EventLog,
  { order, limit, page, accept }: EventListRequest,
): Promise<{ data: WireEvent[]; next_page: string | null }> {
  const found: { seq: number; event: WireEvent }[] = [];
  let cursor = readCursor(page, order) ?? (order === "asc" ? 0 : (await lastSeqOf(log)) + 1);
  for (let more = true; more && found.length <= limit;) {
    const from = order === "asc" ? cursor : Math.max(0, cursor - 1 - WINDOW);
    const size = order === "asc" ? WINDOW : cursor - 1 - from;
    const window = size > 0 ? await log.read(from, size) : [];
    if (order === "desc") window.reverse();
    found.push(...window.filter(({ event }) => accept(event)));
    cursor = window.at(-1)?.seq ?? cursor;
    more = window.length === size && size > 0;
  }
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  return {
    data: shown.map(({ event }) => event),
    next_page: found.length > limit && last !== undefined ? `${order}.${last.seq}` : null,
  };
}

/** The number of the last event, 0 when there is none: stores read upwards only, so it is looked for by halving. */
async function lastSeqOf(log: EventLog): Promise<number> {
  const isThere = async (seq: number) => (await log.read(seq - 1, 1)).length > 0;
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

function readCursor(page: string | null, order: Order): number | undefined {
  if (page === null || page === "") return undefined;
  const [cursorOrder, text] = page.split(".");
  const seq = Number(text);
  if (!Number.isInteger(seq)) throw invalid("page is not a cursor of this listing.");
  if (cursorOrder !== order) throw invalid("page belongs to a listing in the other order.");
  return seq;
}
