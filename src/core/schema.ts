/**
 * Tool inputs may be described by any Standard Schema (Zod, Valibot, ArkType and others) or by plain JSON Schema.
 * The types here are structural copies of the two specifications, so that no schema library is needed.
 *
 * Source: standardschema.dev, `StandardSchemaV1` and `StandardJSONSchemaV1`.
 */

import { LoophostError, messageOf } from "./errors.ts";
import type { Check } from "./json-schema/check.ts";
import { problemWithSchema } from "./json-schema/keywords.ts";
import type { JsonSchema, Validated } from "./json.ts";
import { isKeepable, isObject } from "./json.ts";

/** A schema of any library that follows Standard Schema v1. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
    /** Present where the library can describe itself as JSON Schema. */
    readonly jsonSchema?:
      | { readonly input: (options: { readonly target: string }) => Record<string, unknown> }
      | undefined;
  };
}

interface StandardIssue {
  readonly message: string;
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
}

type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** What may describe a tool's input or an agent's output. */
export type Schema = StandardSchema | JsonSchema;

/** The type a schema's values have once validated; plain JSON Schema gives an object of unknowns. */
export type ValueOf<S> = S extends StandardSchema<infer _, infer Output> ? Output : Record<string, unknown>;

/** A schema in the two forms this library needs it: JSON Schema to show, a function to check with. */
export interface CompiledSchema {
  readonly jsonSchema: JsonSchema;
  readonly validate: (value: unknown) => Validated | Promise<Validated>;
}

/**
 * Prepares a schema.
 *
 * @param schema a Standard Schema of an object, or a JSON Schema of type "object"
 * @param described the JSON Schema to show, for libraries that cannot describe themselves
 * @param owner what the schema belongs to, for the error message
 * @throws LoophostError `invalid_tool` when it is neither, or cannot be shown as JSON Schema
 */
export function compileSchema(
  schema: Schema,
  described: JsonSchema | undefined,
  owner: string,
): CompiledSchema {
  if (!isStandardSchema(schema)) {
    const given = ofObject(schema, owner);
    const problem = problemWithSchema(given) ?? (isKeepable(given) ? undefined : "it is no JSON");
    if (problem !== undefined)
      throw new LoophostError("invalid_tool", `${owner}: the schema cannot be checked: ${problem}.`);
    // A copy: it is compiled later, when the caller may have changed it into that of another tool.
    const plain: JsonSchema = JSON.parse(JSON.stringify(given));
    return { jsonSchema: ofObject(described ?? plain, owner), validate: checkLater(plain, owner) };
  }
  const standard = schema["~standard"];
  return {
    jsonSchema: ofObject(described ?? describe(schema, owner), owner),
    validate: async (value) => fromStandard(await standard.validate(value)),
  };
}

/**
 * Checks with a module that is loaded lazily, so that applications without plain JSON Schema never load it. Loading
 * starts at once, so that it is usually there when the first call comes.
 */
function checkLater(schema: JsonSchema, owner: string): CompiledSchema["validate"] {
  let check: Check | undefined;
  const load = async (): Promise<Check> => {
    const { compileJsonSchema } = await import("./json-schema/check.ts");
    return (check ??= compileJsonSchema(schema, owner));
  };
  load().catch(() => undefined); // whoever calls is told
  return (value) => (check === undefined ? load().then((loaded) => loaded(value)) : check(value));
}

// ArkType's schemas are functions, so a look at the key must not insist on a plain object.
function isStandardSchema(schema: unknown): schema is StandardSchema {
  return "~standard" in Object(schema);
}

/** Hosts accept only an object at the top, and would refuse anything else when the agent is already running. */
function ofObject(schema: JsonSchema, owner: string): JsonSchema {
  if (isObject(schema) && schema["type"] === "object") return schema;
  throw new LoophostError(
    "invalid_tool",
    `${owner}: the input must be an object: a Standard Schema of one, or a JSON Schema of type "object", ` +
      `such as { type: "object", properties: { id: { type: "string" } }, required: ["id"] }. ` +
      `Wrap a union in an object, or pass the schema to show as \`inputSchema\`.`,
  );
}

function describe(schema: StandardSchema, owner: string): JsonSchema {
  const { vendor, jsonSchema } = schema["~standard"];
  if (jsonSchema === undefined) {
    throw new LoophostError(
      "invalid_tool",
      `${owner}: this ${vendor} schema cannot describe itself as JSON Schema. ` +
        (vendor === "valibot"
          ? "Wrap it in toStandardJsonSchema() of @valibot/to-json-schema, or pass `inputSchema` beside `input`."
          : "Use a newer release of the library, or pass `inputSchema` beside `input`."),
    );
  }
  try {
    const { $schema: _, ...described } = jsonSchema.input({ target: "draft-2020-12" });
    // oxlint-disable-next-line no-unsafe-type-assertion -- typed as unknowns by the specification; it is JSON Schema
    return unrolled(described as JsonSchema);
  } catch (cause) {
    throw new LoophostError(
      "invalid_tool",
      `${owner}: the schema cannot be written as JSON Schema: ${messageOf(cause)}.`,
      { cause },
    );
  }
}

/** Named and recursive schemas are described as a reference to a definition; hosts want the definition itself at the top. */
function unrolled(schema: JsonSchema): JsonSchema {
  const { $ref, ...rest } = schema;
  const [, keyword = "", name = ""] =
    /^#\/(\$defs|definitions)\/([^/]+)$/.exec(typeof $ref === "string" ? $ref : "") ?? [];
  const defined = rest[keyword];
  const key = decodeURIComponent(name).replaceAll("~1", "/").replaceAll("~0", "~");
  const target = isObject(defined) && Object.hasOwn(defined, key) ? defined[key] : undefined;
  return isObject(target) ? { ...target, ...rest } : schema;
}

function fromStandard(result: StandardResult<unknown>): Validated {
  if (result.issues === undefined) return { ok: true, value: result.value };
  return { ok: false, problems: result.issues.map(describeIssue) };
}

function describeIssue(issue: StandardIssue): string {
  const path = (issue.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join(".");
  return path === "" ? issue.message : `${path}: ${issue.message}`;
}
