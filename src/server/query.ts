/** Reading what a listing is asked for: its page, its order, its filters. */

import { invalid } from "./errors.ts";

/** Oldest or newest first. */
export type Order = "asc" | "desc";

/** The page size. */
export function limitOf(query: URLSearchParams, byDefault: number): number {
  const text = query.get("limit");
  if (text === null) return byDefault;
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000)
    throw invalid("limit must be a whole number from 1 to 1000.");
  return limit;
}

/** The order asked for. */
export function orderOf(query: URLSearchParams, byDefault: Order): Order {
  const order = query.get("order") ?? byDefault;
  if (order !== "asc" && order !== "desc") throw invalid('order must be "asc" or "desc".');
  return order;
}

/** Every value of a list such as `types[]=a&types[]=b`. */
export function listOf(query: URLSearchParams, name: string): readonly string[] {
  return [...query.getAll(`${name}[]`), ...query.getAll(name)];
}

/** Whether a time is within `created_at[gt|gte|lt|lte]`. */
export function createdWithin(query: URLSearchParams): (iso: string) => boolean {
  const bounds = (["gt", "gte", "lt", "lte"] as const).flatMap((kind) => {
    const text = query.get(`created_at[${kind}]`);
    if (text === null) return [];
    const bound = Date.parse(text);
    if (Number.isNaN(bound)) throw invalid(`created_at[${kind}] must be an ISO 8601 time.`);
    return [{ kind, bound }];
  });
  return (iso) => {
    const time = Date.parse(iso);
    return bounds.every(({ kind, bound }) =>
      kind === "gt"
        ? time > bound
        : kind === "gte"
          ? time >= bound
          : kind === "lt"
            ? time < bound
            : time <= bound,
    );
  };
}
