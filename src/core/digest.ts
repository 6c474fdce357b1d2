/** Digests of definitions: what is equal gets the same name, on every machine. */

import { LoophostError } from "./errors.ts";

/** The SHA-256 of some JSON, as lower-case hex. */
export async function digestOf(definition: unknown): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(definition));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** How deep what is digested may be; a circle that toJSON() makes anew each time ends here, too. */
const MAX_DEPTH = 200;
const MAX_PATH = 200;

/**
 * JSON whose objects have their keys in order, and none that is undefined: what is equal is written the same.
 *
 * @param at what it is called in an error
 * @throws LoophostError `invalid_options` with the path of what JSON cannot say: a circle, NaN, a bigint, a function
 */
export function canonical(value: unknown, at = "It", around: readonly unknown[] = []): unknown {
  const isOdd = ["bigint", "function", "symbol"].includes(typeof value);
  if (isOdd || (typeof value === "number" && !Number.isFinite(value)))
    throw notJson(at, `is ${isOdd ? `a ${typeof value}` : String(value)}`);
  if (typeof value !== "object" || value === null) return value;
  if (around.includes(value)) throw notJson(at, "is an object around itself");
  if (around.length >= MAX_DEPTH) throw notJson(at, `is more than ${MAX_DEPTH} levels deep`);
  const inside = [...around, value];
  if ("toJSON" in value && typeof value.toJSON === "function") return canonical(value.toJSON(), at, inside);
  if (Array.isArray(value)) return value.map((item, index) => canonical(item, `${at}[${index}]`, inside));
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(
    entries
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, canonical(item, `${at}.${key}`, inside)]),
  );
}

function notJson(at: string, what: string): LoophostError {
  const path = at.length > MAX_PATH ? `${at.slice(0, MAX_PATH)}…` : at;
  return new LoophostError("invalid_options", `${path} ${what}, which JSON cannot say.`);
}
