/**
 * Finds what a `$ref` refers to: by path, by `$anchor`, and across schemas that have an `$id` of their own.
 *
 * Nothing is fetched: a reference that leads out of the schema is refused, since ignoring it would check nothing.
 */

import type { Json, JsonObject } from "../json.ts";
import { isObject } from "../json.ts";
import { partsOf } from "./keywords.ts";

/** What holds for a schema because of where it stands. */
export interface Scope {
  /** The address that references are relative to. */
  readonly base: string;
  readonly root: Json;
  /** Whether it follows draft 07 or older, where a `$ref` hides what stands beside it. */
  readonly isLegacy: boolean;
}

/** The base of a schema without an `$id`. */
const NO_BASE = "schema:///";

/** The references of one schema. */
export class References {
  readonly #resources = new Map<string, Scope>();
  readonly #anchors = new Map<string, JsonObject>();
  readonly #scopes = new Map<Json, Scope>();
  readonly #resolved = new Map<JsonObject, Json>();
  /** Whether what was looked at has to be kept in mind. */
  hasUnevaluated = false;

  constructor(root: Json) {
    const scope = { base: NO_BASE, root, isLegacy: false };
    this.#resources.set(NO_BASE, scope);
    this.#index(root, scope);
  }

  /** What holds for a schema. */
  scopeOf(schema: JsonObject): Scope | undefined {
    return this.#scopes.get(schema);
  }

  /** The schema a schema's `$ref` means; undefined when it is not here. */
  resolve(schema: JsonObject, reference: string): Json | undefined {
    const known = this.#resolved.get(schema);
    if (known !== undefined) return known;
    const found = this.#find(schema, reference);
    if (found !== undefined) this.#resolved.set(schema, found);
    return found;
  }

  #find(schema: JsonObject, reference: string): Json | undefined {
    const uri = resolveUri(reference, this.scopeOf(schema)?.base ?? NO_BASE);
    const [base = "", fragment = ""] = uri?.split("#", 2) ?? [];
    const resource = this.#resources.get(base);
    if (resource === undefined || fragment === "") return resource?.root;
    return fragment.startsWith("/")
      ? this.#follow(fragment, resource)
      : this.#anchors.get(`${base}#${decode(fragment)}`);
  }

  /** A reference that leads nowhere. */
  dangling(): string | undefined {
    for (const [schema] of this.#scopes) {
      const reference = isObject(schema) ? schema["$ref"] : undefined;
      // oxlint-disable-next-line no-unsafe-type-assertion -- a part of a schema
      if (typeof reference === "string" && this.resolve(schema as JsonObject, reference) === undefined)
        return reference;
    }
    return undefined;
  }

  #index(root: Json, outer: Scope): void {
    const waiting: { schema: Json; outer: Scope }[] = [{ schema: root, outer }];
    for (const { schema, outer: around } of waiting) {
      if (!isObject(schema) || this.#scopes.has(schema)) continue;
      const scope = this.#enter(schema, around);
      this.#scopes.set(schema, scope);
      this.hasUnevaluated ||= "unevaluatedItems" in schema || "unevaluatedProperties" in schema;
      for (const [, part] of partsOf(schema)) waiting.push({ schema: part, outer: scope });
    }
  }

  /** The scope of a schema within that of the schema around it; names it gives to itself are kept. */
  #enter(schema: JsonObject, outer: Scope): Scope {
    const { $id, $schema, $ref, $anchor, $dynamicAnchor } = schema;
    let scope = outer;
    if (typeof $schema === "string") scope = { ...scope, isLegacy: /draft-0[3-7]/.test($schema) };
    const isNamed = typeof $id === "string" && !(scope.isLegacy && $ref !== undefined);
    const uri = isNamed ? resolveUri($id, scope.base) : undefined;
    const [base = "", anchor] = uri?.split("#", 2) ?? [];
    if (uri !== undefined && !(isNamed && $id.startsWith("#"))) {
      scope = { ...scope, base, root: schema };
      if (!this.#resources.has(base)) this.#resources.set(base, scope);
    }
    if (schema === outer.root) this.#resources.set(outer.base, { ...scope, base: scope.base });
    for (const name of [anchor, $anchor, $dynamicAnchor])
      if (typeof name === "string" && name !== "") this.#anchors.set(`${scope.base}#${name}`, schema);
    return scope;
  }

  /** Follows a path of keys: own ones only, since the names come from outside. */
  #follow(path: string, from: Scope): Json | undefined {
    let found: unknown = from.root;
    let scope = from;
    for (const part of path.slice(1).split("/")) {
      const key = decode(part).replaceAll("~1", "/").replaceAll("~0", "~");
      if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return undefined;
      // oxlint-disable-next-line no-unsafe-type-assertion -- arrays count as objects here: "#/anyOf/0" is a reference too
      found = (found as Record<string, unknown>)[key];
      // oxlint-disable-next-line no-unsafe-type-assertion -- a part of a JSON value is a JSON value
      scope = this.#scopes.get(found as Json) ?? scope;
    }
    // oxlint-disable-next-line no-unsafe-type-assertion -- as above
    this.#index(found as Json, scope);
    // oxlint-disable-next-line no-unsafe-type-assertion -- as above
    return found as Json;
  }
}

function resolveUri(reference: string, base: string): string | undefined {
  if (reference.startsWith("#")) return base + reference;
  return URL.canParse(reference, base) ? new URL(reference, base).href : undefined;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
