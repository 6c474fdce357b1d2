/** Ids and keys as PostgreSQL can hold them. */

import { LoophostError } from "../../core/errors.ts";

/** Bytes of an id or key, at most: two of them share one index entry, which may have 2,700 bytes. */
const MAX_BYTES = 1_200;

/**
 * Validates a name. The database would refuse some in unclear words, and with them the writes of other sessions that
 * share the statement; half a surrogate pair would even be stored, as another name.
 *
 * @throws LoophostError `store_failed` for a name that cannot be kept
 */
export function keepable(name: string): string {
  const problem = name.includes("\0")
    ? "a NUL character"
    : name.isWellFormed()
      ? undefined
      : "half a character";
  if (problem !== undefined)
    throw new LoophostError("store_failed", `A name with ${problem} cannot be kept in PostgreSQL.`);
  if (Buffer.byteLength(name) > MAX_BYTES)
    throw new LoophostError(
      "store_failed",
      `A name of more than ${MAX_BYTES} bytes cannot be kept in PostgreSQL: it begins "${name.slice(0, 40)}".`,
    );
  return name;
}
