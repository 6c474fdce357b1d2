/** Listing what is short enough to be at hand as a whole. */

import { invalid } from "./errors.ts";
import { limitOf, pageOf } from "./query.ts";

/** One page of a list, as a query asks for it; its cursors are the ids of what it ended with. */
export function pageThrough<T extends { readonly id: string }>(
  items: readonly T[],
  query: URLSearchParams,
  byDefault: number,
): { readonly data: readonly T[]; readonly next_page: string | null } {
  const limit = limitOf(query, byDefault);
  const page = pageOf(query);
  const before = items.findIndex(({ id }) => id === page);
  if (page !== null && before === -1) throw invalid("page is not a cursor of this listing.");
  const data = items.slice(before + 1, before + 1 + limit);
  const isMore = before + 1 + limit < items.length;
  return { data, next_page: isMore ? (data.at(-1)?.id ?? null) : null };
}
