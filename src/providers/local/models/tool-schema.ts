/**
 * Tools as services take them: some sound schemas are refused by services, and one refused tool makes every request fail.
 *
 * What a service does not take leaves the schema and goes into the description, as words; calls are checked against the whole
 * schema here in any case.
 */

import type { Json, JsonObject, JsonSchema } from "../../../core/json.ts";
import { isObject } from "../../../core/json.ts";
import type { ToolDescription } from "../model.ts";

/** What a service's wire takes. */
export interface SchemaLimits {
  /** The property names it takes; default any. */
  readonly keys?: RegExp | undefined;
}

/** The tool with a schema that services take: an object with properties, without alternatives at its root. */
export function sendableTool(tool: ToolDescription, { keys }: SchemaLimits = {}): ToolDescription {
  const { inputSchema } = tool;
  const alternatives = ALTERNATIVES.filter((name) => inputSchema[name] !== undefined);
  const properties = { ...propertiesOf(inputSchema), ...fromBranches(inputSchema) };
  const odd = Object.keys(properties).filter((name) => keys !== undefined && !keys.test(name));
  const hasProperties = isObject(inputSchema["properties"]);
  if (alternatives.length === 0 && odd.length === 0 && hasProperties) return tool;
  const rules = Object.fromEntries(alternatives.map((name) => [name, inputSchema[name] ?? null]));
  const unnamed = Object.fromEntries(odd.map((name) => [name, properties[name] ?? null]));
  return {
    ...tool,
    description: [
      tool.description,
      ...(alternatives.length === 0 ? [] : [`The input must also match ${JSON.stringify(rules)}.`]),
      ...(odd.length === 0 ? [] : [`It may have these properties, too: ${JSON.stringify(unnamed)}.`]),
    ].join("\n"),
    inputSchema: withoutThem(inputSchema, properties, new Set(odd)),
  };
}

const ALTERNATIVES = ["anyOf", "oneOf", "allOf", "not", "enum", "if", "then", "else"] as const;

function withoutThem(
  schema: JsonSchema,
  properties: Readonly<Record<string, Json>>,
  odd: ReadonlySet<string>,
): JsonSchema {
  const kept = Object.entries(schema).filter(([name]) => !ALTERNATIVES.some((rule) => rule === name));
  const { required, additionalProperties, ...rest } = Object.fromEntries(kept);
  const named = Array.isArray(required) ? required.filter((name) => !odd.has(String(name))) : [];
  return {
    ...rest,
    type: "object",
    properties: Object.fromEntries(Object.entries(properties).filter(([name]) => !odd.has(name))),
    ...(named.length === 0 ? {} : { required: named }),
    ...(additionalProperties === undefined || odd.size > 0 ? {} : { additionalProperties }),
  };
}

function propertiesOf(schema: unknown): Readonly<Record<string, Json>> {
  const properties = isObject(schema) ? schema["properties"] : undefined;
  if (!isObject(properties)) return {};
  // oxlint-disable-next-line no-unsafe-type-assertion -- a part of a schema, which is JSON
  return properties as Record<string, Json>;
}

/** The properties of the alternatives: the model has to know of them, whichever it takes. */
function fromBranches(schema: JsonObject): Record<string, Json> {
  const branches = [schema["anyOf"], schema["oneOf"], schema["allOf"]].flatMap((list) =>
    Array.isArray(list) ? list : [],
  );
  return Object.fromEntries(branches.flatMap((branch) => Object.entries(propertiesOf(branch))));
}
