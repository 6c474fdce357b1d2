/**
 * Checks a value against a plain JSON Schema.
 *
 * A tool-input validator, not a complete one. It knows the keywords models are given: type, enum, const, the bounds of
 * strings, numbers, arrays and objects, pattern, properties, patternProperties, additionalProperties, required,
 * prefixItems, items, uniqueItems, allOf, anyOf, oneOf, not and local $ref. Others pass, as the specification asks.
 * The problems it reports are written for the model that has to mend its call.
 *
 *   V1  every check ends: on schemas that refer to themselves, and on values nested without end
 *   V2  a part of the value is not checked again and again, however the alternatives of a recursive schema nest
 */

import type { Json, JsonObject, JsonSchema } from "./json.ts";
import { isObject } from "./json.ts";

/** The outcome of validating a value: the value as the schema gives it out, or what is wrong with it. */
export type Validated =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problems: readonly string[] };

const MAX_PROBLEMS = 20;
const MAX_DEPTH = 200;

/** Checks a value; the value itself is passed on as it is. */
export function checkJson(schema: JsonSchema, value: unknown): Validated {
  const checking: Checking = {
    root: schema,
    problems: [],
    enough: MAX_PROBLEMS,
    seen: new Map(),
    tried: new Map(),
  };
  check(schema, value, { path: "", depth: 0, followed: [] }, checking);
  return checking.problems.length === 0 ? { ok: true, value } : { ok: false, problems: checking.problems };
}

/** Follows a reference within a schema; undefined when it leads nowhere, or out of the schema. */
export function resolveRef(root: JsonSchema, reference: string): Json | undefined {
  if (reference === "#") return root;
  if (!reference.startsWith("#/")) return undefined;
  let found: unknown = root;
  for (const part of reference.slice(2).split("/")) {
    const key = unescape(part);
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return undefined;
    // oxlint-disable-next-line no-unsafe-type-assertion -- arrays count as objects here: "#/anyOf/0" is a reference too
    found = (found as Record<string, unknown>)[key];
  }
  // oxlint-disable-next-line no-unsafe-type-assertion -- a part of a JSON value is a JSON value
  return found as Json;
}

/** What one check carries along. */
interface Checking {
  readonly root: JsonSchema;
  readonly problems: string[];
  /** The check stops once there are this many problems. */
  readonly enough: number;
  /** The objects whose problems with a schema are already reported. */
  readonly seen: Map<Json, Set<object>>;
  /** Which values matched which alternatives; shared by all trials. */
  readonly tried: Map<Json, Map<unknown, boolean>>;
}

/** Where in the value a check has come to. */
interface Place {
  readonly path: string;
  readonly depth: number;
  /** The references followed without moving on in the value: following one again would never end. */
  readonly followed: readonly Json[];
}

function check(schema: Json | undefined, value: unknown, place: Place, checking: Checking): void {
  if (checking.problems.length >= checking.enough) return;
  if (schema === false) report("is not allowed", place, checking);
  if (!isSchemaObject(schema) || wasSeen(schema, value, checking)) return;
  if (place.depth > MAX_DEPTH) return report(`is nested more than ${MAX_DEPTH} levels deep`, place, checking);
  if (schema["type"] !== undefined && !hasType(schema["type"], value)) {
    // What follows would only repeat the same mistake in other words.
    const types = asList(schema["type"]).map(String).join(" or ");
    return report(`must be ${types}, got ${typeName(value)}`, place, checking);
  }
  checkFixed(schema, value, place, checking);
  if (typeof value === "string") checkString(schema, value, place, checking);
  if (typeof value === "number") checkNumber(schema, value, place, checking);
  if (Array.isArray(value)) checkArray(schema, value, place, checking);
  if (isObject(value)) checkObject(schema, value, place, checking);
  checkCombined(schema, value, place, checking);
}

function checkFixed(schema: JsonObject, value: unknown, place: Place, checking: Checking): void {
  const allowed = "const" in schema ? [schema["const"] ?? null] : schema["enum"];
  if (!isArray(allowed)) return;
  const found = canonical(value);
  if (allowed.some((one) => canonical(one) === found)) return;
  const list = allowed.map((one) => JSON.stringify(one)).join(", ");
  report(`must be ${allowed.length === 1 ? "" : "one of "}${list}`, place, checking);
}

function checkString(schema: JsonObject, value: string, place: Place, checking: Checking): void {
  const { minLength, maxLength, pattern } = schema;
  if (minLength !== undefined || maxLength !== undefined)
    checkCount(schema, "Length", lengthOf(value), "characters", place, checking);
  if (typeof pattern === "string" && !matches(pattern, value))
    report(`must match ${pattern}`, place, checking);
}

function checkNumber(schema: JsonObject, value: number, place: Place, checking: Checking): void {
  for (const [keyword, says, holds] of NUMBER_BOUNDS) {
    const bound = schema[keyword];
    if (typeof bound === "number" && !holds(value, bound))
      report(`must be ${says} ${bound}`, place, checking);
  }
}

const NUMBER_BOUNDS: readonly (readonly [string, string, (value: number, bound: number) => boolean])[] = [
  ["minimum", "at least", (value, bound) => value >= bound],
  ["maximum", "at most", (value, bound) => value <= bound],
  ["exclusiveMinimum", "more than", (value, bound) => value > bound],
  ["exclusiveMaximum", "less than", (value, bound) => value < bound],
  ["multipleOf", "a multiple of", isMultiple],
];

function checkArray(schema: JsonObject, value: readonly unknown[], place: Place, checking: Checking): void {
  const { prefixItems, items, uniqueItems } = schema;
  checkCount(schema, "Items", value.length, "items", place, checking);
  if (uniqueItems === true && new Set(value.map(canonical)).size < value.length)
    report("must not have the same item twice", place, checking);
  const leading = isArray(prefixItems) ? prefixItems : [];
  for (const [index, item] of value.entries())
    check(index < leading.length ? leading[index] : items, item, inside(place, index), checking);
}

function checkObject(
  schema: JsonObject,
  value: Record<string, unknown>,
  place: Place,
  checking: Checking,
): void {
  const { required, additionalProperties } = schema;
  const properties = isSchemaObject(schema["properties"]) ? schema["properties"] : {};
  const patterns = isSchemaObject(schema["patternProperties"])
    ? Object.entries(schema["patternProperties"])
    : [];
  checkCount(schema, "Properties", Object.keys(value).length, "properties", place, checking);
  for (const key of isArray(required) ? required : []) {
    if (typeof key === "string" && !Object.hasOwn(value, key))
      report("is required", inside(place, key), checking);
  }
  for (const [key, item] of Object.entries(value)) {
    const within = inside(place, key);
    const schemas = patterns.filter(([pattern]) => matches(pattern, key)).map(([, part]) => part);
    if (Object.hasOwn(properties, key)) schemas.push(properties[key]);
    for (const part of schemas) check(part, item, within, checking);
    if (schemas.length > 0) continue;
    if (additionalProperties !== false) check(additionalProperties, item, within, checking);
    else {
      const known = Object.keys(properties).join(", ") || "none";
      report(`is not a known property; known are ${known}`, within, checking);
    }
  }
}

function checkCombined(schema: JsonObject, value: unknown, place: Place, checking: Checking): void {
  const { $ref, allOf, anyOf, oneOf, not } = schema;
  if (typeof $ref === "string") {
    const target = resolveRef(checking.root, $ref);
    if (target !== undefined && !place.followed.includes(target))
      check(target, value, { ...place, followed: [...place.followed, target] }, checking);
  }
  for (const part of isArray(allOf) ? allOf : []) check(part, value, place, checking);
  const fits = (part: Json) => passes(part, value, place, checking);
  if (isArray(anyOf) && !anyOf.some(fits)) report("must match one of the allowed forms", place, checking);
  if (isArray(oneOf) && oneOf.filter(fits).length !== 1)
    report("must match exactly one of the allowed forms", place, checking);
  if (not !== undefined && fits(not)) report("has a form that is not allowed", place, checking);
}

/** Whether a value matches a schema, without a word about why not. */
function passes(schema: Json, value: unknown, place: Place, checking: Checking): boolean {
  const tried = checking.tried.get(schema) ?? new Map<unknown, boolean>();
  const known = tried.get(value);
  if (known !== undefined) return known;
  const trial = { ...checking, problems: [], enough: 1, seen: new Map() };
  check(schema, value, place, trial);
  const passed = trial.problems.length === 0;
  // Only what has parts can be costly to try again.
  if (isCompound(value)) checking.tried.set(schema, tried.set(value, passed));
  return passed;
}

/** Whether a value was checked against a schema before, in this trial; from now on it was. */
function wasSeen(schema: Json, value: unknown, { seen }: Checking): boolean {
  if (!isCompound(value)) return false;
  const values = seen.get(schema) ?? new Set();
  if (values.has(value)) return true;
  seen.set(schema, values.add(value));
  return false;
}

// --- small pieces

function checkCount(
  schema: JsonObject,
  what: "Length" | "Items" | "Properties",
  count: number,
  unit: string,
  place: Place,
  checking: Checking,
): void {
  const min = schema[`min${what}`];
  const max = schema[`max${what}`];
  if (typeof min === "number" && count < min) report(`must have at least ${min} ${unit}`, place, checking);
  if (typeof max === "number" && count > max) report(`must have at most ${max} ${unit}`, place, checking);
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

/** Characters as the specification counts them: an emoji is one, though a string holds it as two. */
function lengthOf(value: string): number {
  let length = 0;
  for (const _ of value) length += 1;
  return length;
}

/** Exact as far as floating point allows: 1.13 is a multiple of 0.01, though 1.13 / 0.01 is 112.99999999999999. */
function isMultiple(value: number, of: number): boolean {
  const times = value / of;
  return !(Math.abs(times - Math.round(times)) > 2 * Number.EPSILON * Math.abs(times));
}

/** Many patterns in use are not valid in Unicode mode; one that is no regular expression at all constrains nothing. */
function matches(pattern: string, value: string): boolean {
  for (const mode of ["u", ""]) {
    try {
      return new RegExp(pattern, mode).test(value);
    } catch {
      continue;
    }
  }
  return true;
}

/** The same text for the same JSON value, whatever the order of its keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    isObject(part) ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1))) : part,
  );
}

function unescape(part: string): string {
  try {
    return decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    return part;
  }
}

function isCompound(value: unknown): value is object {
  return typeof value === "object" && value !== null;
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

function inside({ path, depth }: Place, key: string | number): Place {
  return { path: path === "" ? String(key) : `${path}.${key}`, depth: depth + 1, followed: [] };
}

function report(problem: string, { path }: Place, { problems, enough }: Checking): void {
  if (problems.length < enough) problems.push(path === "" ? problem : `${path}: ${problem}`);
}
