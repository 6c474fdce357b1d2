/**
 * Makes what is sent back to a service acceptable to it, or every later request of the conversation would be refused:
 * well-formed Unicode, objects as arguments, names in allowed letters. The transcript keeps the model's own words.
 */

import { isObject } from "../../../core/json.ts";

/**
 * JSON text without halves of surrogate pairs, which services refuse: each becomes U+FFFD.
 *
 * `JSON.stringify` writes such a half as an escape, and a model may write one in its arguments.
 */
export function wellFormedJson(json: string): string {
  return json.includes("\\ud") || json.includes("\\uD") ? json.replaceAll(ESCAPES, toWellFormed) : json;
}

/** An escaped backslash, a whole pair, or half of one, in this order: only the last is replaced. */
const ESCAPES =
  /\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}/g;

function toWellFormed(found: string): string {
  return found.length === 6 ? "\\ufffd" : found;
}

/** The arguments of a call as JSON of an object: what is none goes back inside one. */
export function sendableArguments(text: string): string {
  if (text.trim() === "") return "{}";
  try {
    if (isObject(JSON.parse(text))) return wellFormedJson(text);
  } catch {
    // No JSON: below.
  }
  return wellFormedJson(JSON.stringify({ invalid_arguments: text }));
}

/** A tool's name in the letters every wire takes, for calls of tools that do not exist. */
export function sendableName(name: string): string {
  return SENDABLE_NAME.test(name) ? name : name.replaceAll(/[^a-zA-Z0-9_-]/g, "_").slice(0, 64) || "unnamed";
}

const SENDABLE_NAME = /^[a-zA-Z0-9_-]{1,64}$/;
