/** Lists, a page at a time. */

import { invalid } from "./refusal.ts";

/** One page of a list, as `maxResults` and `nextToken` ask for it. */
export function pageOf<T>(
  member: string,
  all: readonly T[],
  query: URLSearchParams,
  show: (item: T) => object,
): object {
  const size = Number(query.get("maxResults") ?? 100);
  const from = Number(query.get("nextToken") ?? 0);
  if (!(size >= 1 && size <= 100)) throw invalid("maxResults", "must be from 1 to 100");
  if (!Number.isSafeInteger(from)) throw invalid("nextToken", "is of no list");
  const nextToken = from + size < all.length ? String(from + size) : undefined;
  return { [member]: all.slice(from, from + size).map(show), nextToken };
}
