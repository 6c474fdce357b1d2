/**
 * Ids and keys that every store keeps as they are. Half a surrogate pair is stored as another character, so that two ids would be one
 * session; PostgreSQL refuses NUL characters, and what is too long for its indexes. Refused everywhere, such an id is found where an
 * application is written, not where it is deployed.
 */

import type { Check } from "../core/check-options.ts";
import { NAME } from "../core/check-options.ts";
import { LoophostError } from "../core/errors.ts";

/** Bytes of an id or key, at most: two of them share one entry of a PostgreSQL index, which may have 2,700. */
const MAX_BYTES = 1_200;
const SHOWN = 40;

/** What an id is called in errors. */
export const ID: string = "The id of a session";
/** And what a key is. */
export const KEY: string = "The key of an item";

/** A check for ids and keys of sessions; they are no secrets, so the value is shown. */
export const KEPT_NAME: Check = (value) => NAME(value) ?? unfit(String(value));

/** What keeps a name from being kept, as the end of a sentence that begins with what it is; undefined when nothing does. */
export function unfit(name: string): string | undefined {
  const problem = name.includes("\0")
    ? "holds a NUL character"
    : !name.isWellFormed()
      ? "holds half a character"
      : new TextEncoder().encode(name).length > MAX_BYTES
        ? `is longer than ${MAX_BYTES} bytes`
        : undefined;
  if (problem === undefined) return undefined;
  const shown = JSON.stringify(name.length > SHOWN ? `${name.slice(0, SHOWN)}…` : name);
  return ` ${problem}, which not every store can keep: ${shown}. Take another, such as a UUID, or a digest of it`;
}

/**
 * Validates the id of a session, or a key.
 *
 * @param what what it is, as the beginning of a sentence. Default "A name"
 * @throws LoophostError `invalid_options`
 */
export function keepable(name: string, what = "A name"): string {
  const problem = unfit(name);
  if (problem !== undefined) throw new LoophostError("invalid_options", `${what}${problem}.`);
  return name;
}
