/** Pages of listings: which one is asked for, and where it ends. */

import type { Refusal } from "./errors.ts";
import { invalid } from "./errors.ts";
import type { Order } from "./query.ts";
import { wholeNumberOf } from "./query.ts";

/** Which page of a listing. */
export interface PageRequest {
  readonly limit: number;
  /** Where an earlier page ended; null for the first. */
  readonly page: string | null;
}

/** The page asked for. */
export function pageOf(query: URLSearchParams, byDefault = 20): PageRequest {
  return {
    limit: wholeNumberOf(query, "limit", 1, 1_000) ?? byDefault,
    page: query.get("page") || null,
  };
}

/** The place before, or after, one of the things listed. */
export interface Cursor {
  readonly way: "next" | "prev";
  /** What the thing is known by in its listing. */
  readonly key: string;
}

/** Writes a cursor. */
export function cursorAt(order: Order, way: Cursor["way"], key: string | number): string {
  return `${order}.${way}.${key}`;
}

/**
 * Reads a cursor; undefined is the beginning of the listing.
 *
 * @throws Refusal when it is none, or one of a listing in the other order
 */
export function readCursor(page: string | null, order: Order): Cursor | undefined {
  if (page === null) return undefined;
  const [cursorOrder, way, key] = page.split(".");
  if (key === undefined || (way !== "next" && way !== "prev")) throw noCursor();
  if (cursorOrder !== order) throw invalid("page belongs to a listing in the other order.");
  return { way, key };
}

/** One page of a list, as a query asks for it; its cursors are the ids of what it ended with. */
export function pageThrough<T extends { readonly id: string }>(
  items: readonly T[],
  query: URLSearchParams,
): { readonly data: readonly T[]; readonly next_page: string | null } {
  const { limit, page } = pageOf(query, 1_000);
  const before = items.findIndex(({ id }) => id === page);
  if (page !== null && before === -1) throw noCursor();
  const data = items.slice(before + 1, before + 1 + limit);
  const isMore = before + 1 + limit < items.length;
  return { data, next_page: isMore ? (data.at(-1)?.id ?? null) : null };
}

/** Refuses what is no cursor of a listing. */
export function noCursor(): Refusal {
  return invalid("page is not a cursor of this listing.");
}
