/** What a case of the store contract is, and the tiny assert the cases share: the kit needs no test runner. */

import type { LoophostError } from "../../core/errors.ts";
import { hasCode, messageOf } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";
import type { Store } from "../../core/store.ts";

/** Opens a store at the place a case is given. Who provides it closes what is left open. */
export type OpenStore = () => Promise<Store>;

/** Lets time pass for the stores at that place: by their clock, if it can be set by hand, or by waiting. */
export type PassTime = (ms: number) => void | Promise<void>;

/** One thing every store has to do. */
export interface StoreCase {
  readonly name: string;
  /** Resolves when the store keeps its word; rejects with an Error that says how it did not. */
  readonly check: (open: OpenStore, passTime: PassTime) => Promise<void>;
}

/** Rejects what is not the same JSON. */
export function equal(actual: unknown, expected: unknown, otherwise: string): void {
  const [found, wanted] = [canonical(actual), canonical(expected)];
  if (found !== wanted) throw new Error(`${otherwise}: expected ${shorten(wanted)}, got ${shorten(found)}`);
}

/** Rejects work that does not fail with this code; gives its error. */
export async function rejects(
  work: () => Promise<unknown>,
  code: LoophostError["code"],
): Promise<LoophostError> {
  let thrown: unknown;
  try {
    await work();
  } catch (error) {
    thrown = error;
  }
  if (hasCode(thrown, code)) return thrown;
  const what = thrown === undefined ? "it succeeded" : `it was rejected: ${messageOf(thrown)}`;
  throw new Error(`expected a LoophostError with the code "${code}", but ${what}`, { cause: thrown });
}

/** Changes what a store gave out: the store must not notice. */
export function meddle(value: unknown): void {
  if (isObject(value) && Array.isArray(value["list"])) value["list"].push("read");
}

/** The same text for the same JSON, whatever the order of its keys: a store may keep another. */
function canonical(value: unknown): string {
  const text: string | undefined = JSON.stringify(value, (_, part: unknown) =>
    isObject(part) ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1))) : part,
  );
  return text ?? "undefined";
}

function shorten(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 300)}… (${text.length} characters)`;
}
