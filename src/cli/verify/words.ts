/** What scenarios say to a model, and the tool they have it call. */

import type { JsonSchema } from "../../core/json.ts";
import { isObject } from "../../core/json.ts";
import type { Tool, ToolContext } from "../../core/tool.ts";
import { defineTool } from "../../core/tool.ts";

/** A word nobody could guess. */
export function word(): string {
  return `kiwi${crypto.randomUUID().slice(0, 8)}`;
}

/** A text that is long for an answer, and every line of it another. */
export const LONG: string = Array.from(
  { length: 40 },
  (_, index) => `Line ${index + 1} of the long text, which goes on.`,
).join(" ");

/** A request to call tools, a line for each call. */
export function calls(...lines: readonly string[]): string {
  return [
    "Call these tools, all of them at once, each once, with exactly the input on its line. Then answer with what they answered, word for word.",
    ...lines,
  ].join("\n");
}

const TEXT: JsonSchema = { type: "object", properties: { text: { type: "string" } }, required: ["text"] };

function sayIt(given: unknown): unknown {
  return isObject(given) ? given["text"] : undefined;
}

/** A tool that answers with the text it is given, unless told otherwise. */
export function echo({
  name = "echo",
  input = TEXT,
  needsApproval = false,
  ...more
}: {
  readonly name?: string;
  readonly input?: JsonSchema;
  readonly needsApproval?: boolean;
  readonly execute?: ((input: unknown, context: ToolContext) => unknown) | undefined;
} = {}): Tool {
  const execute = "execute" in more ? more.execute : sayIt;
  const description = "Answers with a text.";
  return defineTool({ name, description, input, needsApproval, ...(execute && { execute }) });
}

/** A value as JSON with its keys in order. */
export function textOf(value: unknown): string {
  return (
    JSON.stringify(value, (_, part: unknown) => {
      if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
      return Object.fromEntries(Object.entries(part).toSorted(([x], [y]) => (x < y ? -1 : 1)));
    }) ?? ""
  );
}
