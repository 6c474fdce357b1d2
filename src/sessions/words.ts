/**
 * What processes say of a session over the bus.
 *
 * - "look": something was posted to it, or with `written` to its log alone, by whoever runs it: without the difference that one
 *   would read its inbox again after each of its own writes
 * - "follow": somebody follows it, and wants its deltas; "owner": somebody runs it, and asks who follows
 * - "delta": a piece of what the agent writes, after so many whole events and, of what follows them, so many characters; and who
 *   says it: whoever takes a session over has the model write again, and it writes something else
 */

import type { DeltaEvent } from "../core/events.ts";
import { isDelta } from "../core/events.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { isObject } from "../core/json.ts";

/** Something said of a session. */
export type Word =
  | { readonly say: "look"; readonly written?: boolean | undefined }
  | { readonly say: "follow" | "owner" }
  | {
      readonly say: "delta";
      readonly by: string;
      readonly after: number;
      readonly at: number;
      readonly event: DeltaEvent;
    };

/** A word as JSON. */
export function toWord(word: Word): Json {
  // oxlint-disable-next-line no-unsafe-type-assertion -- plain data throughout
  return word as unknown as JsonObject;
}

/** The word in what was heard; undefined for what this release does not know. */
export function heard(what: Json): Word | undefined {
  if (!isObject(what)) return undefined;
  // Rolling deploys: workers of older releases do not say who they are.
  const { say, written, by = "", after, at, event } = what;
  if (say === "look") return { say, written: written === true };
  if (say === "follow" || say === "owner") return { say };
  if (say !== "delta" || typeof by !== "string" || typeof after !== "number" || typeof at !== "number")
    return undefined;
  if (!isObject(event)) return undefined;
  const { type, text } = event;
  if (typeof type !== "string" || typeof text !== "string") return undefined;
  const delta = { ...event, type, text };
  return isDelta(delta) ? { say, by, after, at, event: delta } : undefined;
}
