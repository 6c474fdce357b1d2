/**
 * Looks a JSON Schema over when a tool is defined: keywords that would be checked wrongly, or not at all, are refused.
 *
 * A keyword that is ignored lets input through that its author ruled out, and nobody hears of it. So of the keywords of
 * drafts 2020-12 and 07 every one is checked, is an annotation (`title`, `format`), or is refused here; names that are in
 * neither draft are annotations. This runs at once, in the front door; `check.ts` is loaded with the first such schema.
 */

import type { Json, JsonObject } from "../json.ts";
import { isObject } from "../json.ts";

/** What a keyword's value has to be. */
type Form = (value: Json) => boolean;

const isSchema: Form = (value) => typeof value === "boolean" || isObject(value);
const isText: Form = (value) => typeof value === "string";
const isNumber: Form = (value) => typeof value === "number";
const isCount: Form = (value) => Number.isInteger(value) && Number(value) >= 0;
const isListOf =
  (form: Form): Form =>
  (value) =>
    Array.isArray(value) && value.every(form);
const isMapOf =
  (form: Form): Form =>
  (value) =>
    isObject(value) && Object.values(value).every((one) => one !== undefined && form(one));
const either =
  (a: Form, b: Form): Form =>
  (value) =>
    a(value) || b(value);

const TYPES = "array boolean integer null number object string".split(" ");
const isType: Form = (value) => typeof value === "string" && TYPES.includes(value);

/** The keywords of both drafts by the form they have, and what is said of another. */
const FORMS: readonly (readonly [keywords: string, form: Form, says: string])[] = [
  [
    "additionalItems additionalProperties contains else if not propertyNames then unevaluatedItems unevaluatedProperties",
    isSchema,
    "a schema",
  ],
  ["items", either(isSchema, isListOf(isSchema)), "a schema"],
  ["allOf anyOf oneOf prefixItems", isListOf(isSchema), "a list of schemas"],
  [
    "$defs definitions dependentSchemas patternProperties properties",
    isMapOf(isSchema),
    "an object of schemas",
  ],
  ["dependencies", isMapOf(either(isSchema, isListOf(isText))), "an object of schemas or lists of names"],
  ["dependentRequired", isMapOf(isListOf(isText)), "an object of lists of names"],
  ["required", isListOf(isText), "a list of names"],
  [
    "maxContains maxItems maxLength maxProperties minContains minItems minLength minProperties",
    isCount,
    "a whole number, 0 or more",
  ],
  ["exclusiveMaximum exclusiveMinimum maximum minimum", isNumber, "a number"],
  ["multipleOf", (value) => isNumber(value) && Number(value) > 0, "a number above 0"],
  ["uniqueItems", (value) => typeof value === "boolean", "true or false"],
  ["enum", Array.isArray, "a list"],
  ["type", either(isType, isListOf(isType)), `one of ${TYPES.join(", ")}, or a list of them`],
  ["$anchor $dynamicAnchor $id $ref $schema pattern", isText, "a text"],
];
const FORM_OF = new Map(
  FORMS.flatMap(([keywords, form, says]) => keywords.split(" ").map((keyword) => [keyword, { form, says }])),
);

const UNCHECKED = ["$dynamicRef", "$recursiveRef", "$vocabulary"];
const MAX_DEPTH = 200;

/** The schemas directly inside a schema; parts that only look like schemas, in `const` or `default`, are not among them. */
export function* partsOf(schema: JsonObject): Generator<readonly [path: string, schema: JsonObject]> {
  for (const [keyword, value] of Object.entries(schema)) {
    const says = FORM_OF.get(keyword)?.says ?? "";
    if (!says.includes("schema")) continue;
    if (isObject(value) && !says.includes("object of")) yield [keyword, value];
    else if (typeof value === "object" && value !== null)
      for (const [key, part] of Object.entries(value)) if (isObject(part)) yield [`${keyword}.${key}`, part];
  }
}

/** Says what in a schema cannot be checked, and where; undefined when all of it can. */
export function problemWithSchema(root: Json): string | undefined {
  const waiting = [{ path: "", schema: root, depth: 0 }];
  const seen = new Set<Json>();
  for (const { path, schema, depth } of waiting) {
    if (!isObject(schema) || seen.has(schema)) continue;
    seen.add(schema);
    const problem =
      depth > MAX_DEPTH ? `more than ${MAX_DEPTH} schemas inside each other` : problemWith(schema);
    if (problem !== undefined) return path === "" ? problem : `${problem} (in ${path.slice(1, 200)})`;
    for (const [key, part] of partsOf(schema))
      waiting.push({ path: `${path.slice(0, 200)}.${key}`, schema: part, depth: depth + 1 });
  }
  return undefined;
}

function problemWith(schema: JsonObject): string | undefined {
  for (const [keyword, value] of Object.entries(schema)) {
    if (UNCHECKED.includes(keyword)) return `${keyword} is not supported; use $ref`;
    const known = FORM_OF.get(keyword);
    if (known === undefined || value === undefined) continue;
    if (!known.form(value)) return `${keyword} must be ${known.says}`;
    const patterns = keyword === "patternProperties" && isObject(value) ? Object.keys(value) : [];
    if (keyword === "pattern" && typeof value === "string") patterns.push(value);
    for (const pattern of patterns) {
      const problem = problemWithPattern(pattern);
      if (problem !== undefined) return `the pattern ${JSON.stringify(pattern.slice(0, 100))} ${problem}`;
    }
  }
  return undefined;
}

/** The flags a pattern is valid with: "u" where it can be; many in use are valid only without. */
export function flagsOf(pattern: string): "u" | "" | undefined {
  for (const flags of ["u", ""] as const) {
    try {
      void new RegExp(pattern, flags);
      return flags;
    } catch {
      continue;
    }
  }
  return undefined;
}

/** Escapes, classes, and groups that are more than a group. */
const TOKEN: RegExp = /\\[^]|\[(?:\\[^]|[^\]\\])*\]|\(\?(?!:|<[^=!])/g;

function problemWithPattern(pattern: string): string | undefined {
  if (flagsOf(pattern) === undefined) return "is not a regular expression of JavaScript";
  // These are what makes matchers try again and again; without them, a match takes one pass.
  const token = pattern.match(TOKEN)?.find((one) => one.startsWith("(") || /^\\[1-9k]/.test(one));
  return (
    token &&
    `has ${token.startsWith("(") ? "a look-around or flags" : "a reference to a group"}, which cannot be checked in one pass`
  );
}
