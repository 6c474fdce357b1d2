/** Reading what a listing is asked for: its order, its filters. */

import { invalid } from "./errors.ts";

/** Oldest or newest first. */
export type Order = "asc" | "desc";

/** A whole number within bounds; undefined when it is not given. */
export function wholeNumberOf(
  query: URLSearchParams,
  name: string,
  least: number,
  most: number,
): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = Number(text);
  if (text === "" || !Number.isInteger(value) || value < least || value > most)
    throw invalid(`${name} must be a whole number from ${least} to ${most}.`);
  return value;
}

/** The version of an agent that is asked for. */
export function versionOf(query: URLSearchParams, name: string): number | undefined {
  return wholeNumberOf(query, name, 1, Number.MAX_SAFE_INTEGER);
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

/** Whether what is archived is to be listed, too. */
export function withArchived(
  query: URLSearchParams,
): (record: { readonly archived_at: string | null }) => boolean {
  const isAll = query.get("include_archived") === "true";
  return ({ archived_at: at }) => isAll || at === null;
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
