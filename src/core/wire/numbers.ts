/** Numbers that come over a wire: a count that is no count is unknown, and never 0 or NaN in a sum. */

/** A count as a wire gives it; undefined for what is none. */
export function countOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}
