/** What is asked of a session through its inbox, as JSON. */

import type { Json, JsonObject } from "../core/json.ts";
import { isObject } from "../core/json.ts";
import type { ToolResult } from "../core/results.ts";
import type { Prompt } from "../core/session.ts";
import { fromText, toText } from "../stores/json.ts";

/** Something asked of a session. */
export type Item =
  | {
      readonly ask: "message";
      readonly prompt: Prompt;
      readonly system?: string | undefined;
      readonly ifOpen?: "queue" | "deny" | undefined;
    }
  | {
      readonly ask: "decide";
      readonly callId: string;
      readonly allow: boolean;
      readonly why?: string | undefined;
    }
  | { readonly ask: "answer"; readonly callId: string; readonly result: ToolResult }
  | { readonly ask: "interrupt" };

/** What was decided about a call, as its first decision or answer says. */
export interface CallDecision {
  readonly allow: boolean;
  readonly why?: string | undefined;
  /** The result, where the call was answered. */
  readonly result?: ToolResult | undefined;
}

/** An item as JSON. */
export function toBody(item: Item): Json {
  // oxlint-disable-next-line no-unsafe-type-assertion -- prompts and results are plain data, checked before they are posted
  return item as unknown as JsonObject;
}

/** An item as it is now: what the caller changes in it until it is posted is not posted. */
export function copyOf<Kind extends Item>(item: Kind): Kind {
  // oxlint-disable-next-line no-unsafe-type-assertion -- the same item
  return fromText(toText(toBody(item))) as unknown as Kind;
}

/**
 * The item of a body; undefined for one that only a newer release knows (rolling deploys): it asks for something else, or bears
 * as `needs` a higher number than ours, because what it asks for would be misread here.
 */
export function fromBody(body: Json): Item | undefined {
  if (!isObject(body) || typeof body["ask"] !== "string") return undefined;
  if (!KNOWN.has(body["ask"]) || Number(body["needs"] ?? 0) > NEEDS) return undefined;
  // oxlint-disable-next-line no-unsafe-type-assertion -- a parse boundary: `toBody` alone writes them, and the kind is known
  return body as unknown as Item;
}

/** What items may need of the release that acts on them. */
const NEEDS = 1;
const KNOWN: ReadonlySet<string> = new Set<Item["ask"]>(["message", "decide", "answer", "interrupt"]);

/** The decision an item makes about a call; undefined for one that makes none. */
export function decisionOf(item: Item): CallDecision | undefined {
  if (item.ask === "decide") return { allow: item.allow, why: item.why };
  return item.ask === "answer" ? { allow: true, result: item.result } : undefined;
}
