/** JSON as a type: what crosses a wire, a journal or a process. */

/** Any JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** A JSON Schema (2020-12) describing an object, as sent to a model or a host. */
export type JsonSchema = JsonObject;

/** Narrows to a plain object: not null, not an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The options that were given: one that is undefined would hide the default it is laid over. */
export function withoutUndefined<T extends object>(options: T): Given<T> {
  // oxlint-disable-next-line no-unsafe-type-assertion -- the same object, with fewer keys
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Given<T>;
}

type Given<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> };

/**
 * Whether a value can be kept as JSON: no bigint, nested 200 deep at most, with 64 million characters and values at most. Written down
 * deeper, the stack overflows (a circular value is endlessly deep); either would fail the log of its session with it.
 */
export function isKeepable(value: unknown, depth = 200, room: { chars: number } = { chars: 64e6 }): boolean {
  room.chars -= typeof value === "string" ? value.length : 1;
  if (room.chars < 0 || typeof value === "bigint") return false;
  if (typeof value !== "object" || value === null) return true;
  let isFit = depth > 0;
  for (const part of Object.values(value)) isFit &&= isKeepable(part, depth - 1, room);
  return isFit;
}

/** The outcome of validating a value: the value as the schema gives it out, or what is wrong with it. */
export type Validated =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problems: readonly string[] };
