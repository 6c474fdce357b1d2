/**
 * Checks a value against JSON Schema, drafts 2020-12 and 07. The problems are written for the model that mends its call.
 *
 * Loaded with the first tool whose input is plain JSON Schema. All of both drafts but `$dynamicRef` and `$vocabulary`;
 * `format` and the `content…` keywords are annotations, as the specification has it.
 */

import { LoophostError } from "../errors.ts";
import type { Json, Validated } from "../json.ts";
import type { Meter } from "./checking.ts";
import { Checking } from "./checking.ts";
import { problemWithSchema } from "./keywords.ts";
import type { Pattern } from "./pattern.ts";
import { References } from "./references.ts";

/** Checks a value; the value itself is passed on as it is. */
export type Check = (value: unknown, meter?: Meter) => Validated;

/**
 * Prepares a schema.
 *
 * @throws LoophostError `invalid_tool` for a schema that cannot be checked: an unknown reference, a pattern too large
 */
export function compileJsonSchema(schema: Json, owner = "A schema"): Check {
  const refused = (what: string): LoophostError => new LoophostError("invalid_tool", `${owner}: ${what}.`);
  const problem = problemWithSchema(schema);
  if (problem !== undefined) throw refused(problem);
  const references = new References(schema);
  const dangling = references.dangling();
  if (dangling !== undefined)
    throw refused(
      `the reference ${JSON.stringify(dangling)} leads to no part of the schema; nothing is fetched`,
    );
  const patterns = new Map<string, Pattern>();
  return (value, meter = { steps: 0 }) => {
    const checking = new Checking(references, patterns, meter);
    const problems = checking.problemsOf(schema, value);
    return problems.length === 0 ? { ok: true, value } : { ok: false, problems };
  };
}

/** Prepares a schema and checks one value. */
export function checkJson(schema: Json, value: unknown, meter?: Meter): Validated {
  return compileJsonSchema(schema)(value, meter);
}
