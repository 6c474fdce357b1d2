/** Numbers that come over a wire: a count that is no count is unknown, and never 0 or NaN in a sum. */

/** A count as a wire gives it; undefined for what is none. */
export function countOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}

/** A count that may be left out: 0 then; undefined for something that is there and is none. */
export function countOrNone(value: unknown): number | undefined {
  return value === undefined || value === null ? 0 : countOf(value);
}
