/** Reading request bodies: each reader gives a typed value or refuses the request, naming the field. */

import type { Json, JsonObject } from "../../core/json.ts";
import { isKeepable, isObject } from "../../core/json.ts";
import type { Refusal } from "./errors.ts";
import { invalid } from "./errors.ts";

/** Parses a request body. Fields that nobody reads are ignored, as the wire asks. */
export function parseBody(text: string): JsonObject {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw invalid("The body is not valid JSON.");
  }
  if (!isObject(body)) throw invalid("The body must be a JSON object.");
  // Writing JSON down again goes as deep as the JSON does, and a stack that overflows there ends more than this request.
  if (!isKeepable(body)) throw invalid("The body is nested more than 200 deep.");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: JSON.parse makes nothing but JSON
  return body as JsonObject;
}

/** The `type` of something; empty when it has none. */
export function typeOf(value: JsonObject): string {
  return typeof value["type"] === "string" ? value["type"] : "";
}

/** Narrows JSON to an object. */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return isObject(value);
}

/** A string that must be there and not be empty. */
export function requiredString(body: JsonObject, name: string, maxLength: number, owner = ""): string {
  const value = body[name];
  if (typeof value !== "string" || value.trim() === "")
    throw invalid(`${owner}${name} is required and must be a string.`);
  return within(value, name, maxLength, owner);
}

/** A string, null, or undefined when the field is absent. */
export function optionalString(body: JsonObject, name: string, maxLength: number): string | null | undefined {
  const value = body[name];
  if (value === undefined || value === null) return value;
  if (typeof value !== "string") throw invalid(`${name} must be a string.`);
  return within(value, name, maxLength, "");
}

/** An object, or undefined when the field is absent or null. */
export function optionalObject(body: JsonObject, name: string, owner = ""): JsonObject | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value)) throw invalid(`${owner}${name} must be an object.`);
  return value;
}

/** A list of objects, empty when the field is absent or null. */
export function objectList(body: JsonObject, name: string, maxItems: number): readonly JsonObject[] {
  const value = body[name] ?? [];
  if (!Array.isArray(value) || !value.every(isJsonObject))
    throw invalid(`${name} must be a list of objects.`);
  if (value.length > maxItems) throw invalid(`${name} may have at most ${maxItems} items.`);
  return value;
}

/** Lays a metadata patch over what is there; null removes a key. */
export function patchMetadata(current: Readonly<Record<string, string>>, patch: Json | undefined): Metadata {
  if (patch === undefined || patch === null) return current;
  if (!isJsonObject(patch)) throw invalidMetadata("must be an object of strings.");
  const merged: Record<string, string> = { ...current };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else if (typeof value !== "string") throw invalidMetadata(`${key} must be a string.`);
    else if (key.length > 64 || value.length > 512)
      throw invalidMetadata(`${key}: keys have at most 64 characters, values at most 512.`);
    else merged[key] = value;
  }
  if (Object.keys(merged).length > 16) throw invalidMetadata("may have at most 16 pairs.");
  return merged;
}

/** Metadata of an agent, environment or session. */
export type Metadata = Readonly<Record<string, string>>;

function invalidMetadata(why: string): Refusal {
  return invalid(`metadata ${why}`, "invalid_metadata");
}

function within(value: string, name: string, maxLength: number, owner: string): string {
  if (value.length > maxLength)
    throw invalid(`${owner}${name} may have at most ${maxLength} characters; got ${value.length}.`);
  return value;
}
