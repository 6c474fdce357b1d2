/** Where a process is killed: at a write, a request or a tool's effect, after a while, or wherever a seed says. */

import { LoophostError } from "../../core/errors.ts";
import { pickAt } from "../faults/random.ts";

/** A place in the life of a process, counted from 1 in that process: just before it does a thing, or just after. */
export type KillPlace =
  /** An append to the journal: not yet made, or durable and nobody told. */
  | { readonly write: number; readonly when: "before" | "after" }
  /** A request by the global `fetch` or `node:http`: not yet made, or its reply begins to arrive and nobody is told. */
  | { readonly request: number; readonly when: "before" | "after" }
  /** A tool's entry in the ledger: not yet made, or durable and its result not yet returned. */
  | { readonly tool: number; readonly when: "before" | "after" }
  /** So many milliseconds after the session began to open. What is under way then is up to the machine. */
  | { readonly afterMs: number };

/** Where processes are killed: one place for each life, or places drawn by a seed. */
export type KillAt =
  | KillPlace
  | readonly KillPlace[]
  | {
      readonly seed: number;
      /** How many lives are ended. Default 1. */
      readonly kills?: number | undefined;
      /** The highest number of a write, request or effect that is drawn. Default 12. A life that has fewer is not ended. */
      readonly within?: number | undefined;
    };

/** The place each life ends at, first life first. */
export function placesOf(killAt: KillAt): readonly KillPlace[] {
  if (!("seed" in killAt)) {
    const places: readonly KillPlace[] = "length" in killAt ? killAt : [killAt];
    for (const place of places) checkPlace(place);
    return places;
  }
  const { seed, kills = 1, within = 12 } = killAt;
  return Array.from({ length: kills }, (_, life) => {
    const at = pickAt(within, seed, life, 1);
    const when = pickAt(2, seed, life, 2) === 1 ? "before" : "after";
    const kind = pickAt(3, seed, life, 3);
    if (kind === 1) return { write: at, when };
    return kind === 2 ? { request: at, when } : { tool: at, when };
  });
}

/** A place in words: "before write 3". */
export function describePlace(place: KillPlace): string {
  if ("afterMs" in place) return `after ${place.afterMs} ms`;
  if ("write" in place) return `${place.when} write ${place.write}`;
  if ("request" in place) return `${place.when} request ${place.request}`;
  return `${place.when} effect ${place.tool}`;
}

function checkPlace(place: KillPlace): void {
  const [number] = Object.values(place).filter((value) => typeof value === "number");
  const isFit =
    number !== undefined && ("afterMs" in place ? number >= 0 : Number.isInteger(number) && number >= 1);
  if (isFit) return;
  throw new LoophostError(
    "invalid_options",
    `killAt cannot be ${JSON.stringify(place)}: writes, requests and effects are counted from 1, time in milliseconds.`,
  );
}
