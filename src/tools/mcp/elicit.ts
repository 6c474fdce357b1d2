/** What an MCP server asks of the user in the middle of a call, and the answer: checked, and a no unless it is clearly a yes. */

import { compileJsonSchema } from "../../core/json-schema/check.ts";
import type { JsonSchema } from "../../core/json.ts";
import { isObject } from "../../core/json.ts";

/** A question of a server's. */
export interface McpElicitation {
  /** The server's name. */
  readonly server: string;
  readonly message: string;
  /** What the content of an answer has to be: an object of texts, numbers, yes or no, and choices. */
  readonly schema: JsonSchema;
  /** Aborted when the server no longer waits. */
  readonly signal: AbortSignal;
}

/** An answer. What the schema has a default for is filled in. */
export type McpElicitAnswer =
  | { readonly action: "accept"; readonly content: Readonly<Record<string, ElicitValue>> }
  | { readonly action: "decline" | "cancel" };

type ElicitValue = string | number | boolean | readonly string[];

/** Asks, and makes an answer of what comes back; whatever fails declines. */
export async function elicit(
  ask: (asked: McpElicitation) => McpElicitAnswer | Promise<McpElicitAnswer>,
  asked: McpElicitation,
): Promise<{
  action: "accept" | "decline" | "cancel";
  content?: Record<string, string | number | boolean | string[]>;
}> {
  try {
    const answer: unknown = await ask(asked);
    if (!isObject(answer)) return { action: "decline" };
    if (answer["action"] === "cancel") return { action: "cancel" };
    const content = answer["content"];
    if (answer["action"] !== "accept" || !isObject(content)) return { action: "decline" };
    const filled = { ...defaultsOf(asked.schema), ...content };
    if (!compileJsonSchema(asked.schema)(filled).ok) return { action: "decline" };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server's schema says what it takes
    return { action: "accept", content: filled as Record<string, string> };
  } catch {
    return { action: "decline" };
  }
}

function defaultsOf({ properties }: JsonSchema): Record<string, unknown> {
  const defaults: Record<string, unknown> = {};
  for (const [key, property] of Object.entries(isObject(properties) ? properties : {}))
    if (isObject(property) && property["default"] !== undefined) defaults[key] = property["default"];
  return defaults;
}
