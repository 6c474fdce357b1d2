/** Serialises what a store keeps: JSON as text, and back. */

import { LoophostError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";

/**
 * The text that is kept of a value.
 *
 * @throws LoophostError `store_failed` when the value is not plain data
 */
export function toText(value: Json): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new LoophostError("store_failed", NOT_DATA, { cause });
  }
  // JSON.stringify returns undefined for undefined and for functions.
  if (typeof text !== "string") throw new LoophostError("store_failed", NOT_DATA);
  return text;
}

const NOT_DATA = "What was to be kept is not plain data.";

/**
 * The value a text was kept of.
 *
 * @throws LoophostError `store_damaged` when it is none: the store is damaged, or was changed by somebody else
 */
export function fromText(text: string): Json {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: what JSON.parse gives is JSON
    return JSON.parse(text) as Json;
  } catch {
    // Without its cause, which would quote stored data.
    throw new LoophostError("store_damaged", "What was kept is not JSON any more: the store is damaged.");
  }
}
