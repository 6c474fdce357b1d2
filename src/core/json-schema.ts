/**
 * Checks a value against a plain JSON Schema.
 *
 * A tool-input validator, not a complete one: it knows the keywords models are given (types, objects, arrays,
 * strings, numbers, enum, const, allOf, anyOf, oneOf, not and local $ref) and lets unknown keywords pass, as the specification
 * asks. The problems it reports are written for the model that has to mend its call.
 */

import type { Json, JsonObject, JsonSchema } from "./json.ts";
import { isObject } from "./json.ts";
import type { Validated } from "./schema.ts";

/** Checks a value; the value itself is passed on as it is. */
export function checkJson(schema: JsonSchema, value: unknown): Validated {
  const problems: string[] = [];
  check(schema, value, "", schema, problems);
  return problems.length === 0 ? { ok: true, value } : { ok: false, problems };
}

function check(
  schema: Json | undefined,
  value: unknown,
  path: string,
  root: JsonSchema,
  problems: string[],
): void {
  if (schema === false) problems.push(at(path, "is not allowed"));
  if (!isSchemaObject(schema)) return;
  const start = problems.length;
  if (schema["type"] !== undefined && !hasType(schema["type"], value)) {
    problems.push(
      at(path, `must be ${asList(schema["type"]).map(String).join(" or ")}, got ${typeName(value)}`),
    );
    return; // what follows would only repeat the same mistake in other words
  }
  if (isArray(schema["enum"]) && !schema["enum"].some((allowed) => sameJson(allowed, value))) {
    problems.push(
      at(path, `must be one of ${schema["enum"].map((allowed) => JSON.stringify(allowed)).join(", ")}`),
    );
  }
  if ("const" in schema && !sameJson(schema["const"], value))
    problems.push(at(path, `must be ${JSON.stringify(schema["const"])}`));
  if (typeof value === "string") checkString(schema, value, path, problems);
  if (typeof value === "number") checkNumber(schema, value, path, problems);
  if (Array.isArray(value)) checkArray(schema, value, path, root, problems);
  if (isObject(value)) checkObject(schema, value, path, root, problems);
  checkCombined(schema, value, path, root, problems, start);
}

function checkString(schema: JsonObject, value: string, path: string, problems: string[]): void {
  const { minLength, maxLength, pattern } = schema;
  if (typeof minLength === "number" && value.length < minLength)
    problems.push(at(path, `must have at least ${minLength} characters`));
  if (typeof maxLength === "number" && value.length > maxLength)
    problems.push(at(path, `must have at most ${maxLength} characters`));
  if (typeof pattern === "string" && !matches(pattern, value))
    problems.push(at(path, `must match ${pattern}`));
}

function checkNumber(schema: JsonObject, value: number, path: string, problems: string[]): void {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  if (typeof minimum === "number" && value < minimum) problems.push(at(path, `must be at least ${minimum}`));
  if (typeof maximum === "number" && value > maximum) problems.push(at(path, `must be at most ${maximum}`));
  if (typeof exclusiveMinimum === "number" && value <= exclusiveMinimum)
    problems.push(at(path, `must be more than ${exclusiveMinimum}`));
  if (typeof exclusiveMaximum === "number" && value >= exclusiveMaximum)
    problems.push(at(path, `must be less than ${exclusiveMaximum}`));
  if (typeof multipleOf === "number" && !Number.isInteger(value / multipleOf))
    problems.push(at(path, `must be a multiple of ${multipleOf}`));
}

function checkArray(
  schema: JsonObject,
  value: readonly unknown[],
  path: string,
  root: JsonSchema,
  problems: string[],
): void {
  const { minItems, maxItems, prefixItems, items } = schema;
  if (typeof minItems === "number" && value.length < minItems)
    problems.push(at(path, `must have at least ${minItems} items`));
  if (typeof maxItems === "number" && value.length > maxItems)
    problems.push(at(path, `must have at most ${maxItems} items`));
  const leading = isArray(prefixItems) ? prefixItems : [];
  value.forEach((item, index) => {
    check(index < leading.length ? leading[index] : items, item, join(path, index), root, problems);
  });
}

function checkObject(
  schema: JsonObject,
  value: Record<string, unknown>,
  path: string,
  root: JsonSchema,
  problems: string[],
): void {
  const { required, additionalProperties } = schema;
  const properties = isSchemaObject(schema["properties"]) ? schema["properties"] : {};
  for (const key of isArray(required) ? required : []) {
    if (typeof key === "string" && !Object.hasOwn(value, key))
      problems.push(at(join(path, key), "is required"));
  }
  for (const [key, item] of Object.entries(value)) {
    if (Object.hasOwn(properties, key)) check(properties[key], item, join(path, key), root, problems);
    else if (additionalProperties === false) {
      problems.push(
        at(
          join(path, key),
          `is not a known property; known are ${Object.keys(properties).join(", ") || "none"}`,
        ),
      );
    } else check(additionalProperties, item, join(path, key), root, problems);
  }
}

function checkCombined(
  schema: JsonObject,
  value: unknown,
  path: string,
  root: JsonSchema,
  problems: string[],
  start: number,
): void {
  if (typeof schema["$ref"] === "string") check(resolve(root, schema["$ref"]), value, path, root, problems);
  for (const part of isArray(schema["allOf"]) ? schema["allOf"] : [])
    check(part, value, path, root, problems);
  const passing = (parts: readonly Json[]) =>
    parts.filter((part) => {
      const found: string[] = [];
      check(part, value, path, root, found);
      return found.length === 0;
    }).length;
  if (isArray(schema["anyOf"]) && passing(schema["anyOf"]) === 0)
    problems.push(at(path, "must match one of the allowed forms"));
  if (isArray(schema["oneOf"]) && passing(schema["oneOf"]) !== 1)
    problems.push(at(path, "must match exactly one of the allowed forms"));
  if (schema["not"] !== undefined && problems.length === start && passing([schema["not"]]) === 1)
    problems.push(at(path, "has a form that is not allowed"));
}

function resolve(root: JsonSchema, reference: string): Json | undefined {
  if (!reference.startsWith("#")) return undefined;
  let found: Json | undefined = root;
  for (const part of reference.slice(1).split("/").filter(Boolean)) {
    if (!isSchemaObject(found)) return undefined;
    found = found[decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return found;
}

function hasType(type: Json, value: unknown): boolean {
  return asList(type).some((name) => {
    if (name === "integer") return Number.isInteger(value);
    if (name === "array") return Array.isArray(value);
    if (name === "null") return value === null;
    if (name === "object") return isObject(value);
    return typeof value === name;
  });
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

// A pattern is the schema author's; one that is no regular expression constrains nothing.
function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    return true;
  }
}

function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => sameJson(item, b[index]));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
  );
}

function isSchemaObject(value: Json | undefined): value is JsonObject {
  return isObject(value);
}

function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function asList(value: Json): readonly Json[] {
  return isArray(value) ? value : [value];
}

function join(path: string, key: string | number): string {
  return path === "" ? String(key) : `${path}.${key}`;
}

function at(path: string, problem: string): string {
  return path === "" ? problem : `${path}: ${problem}`;
}
