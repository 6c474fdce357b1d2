/**
 * The keywords that apply several schemas to the same place (`allOf`, `anyOf`, `if`), and those about what is left
 * (`unevaluated…`).
 */

import type { Json, JsonObject } from "../json.ts";
import type { Checking } from "./checking.ts";
import type { Found } from "./found.ts";
import { hasType, isList, isSchemaObject } from "./found.ts";

/** Checks what the schema refers to. */
export function checkReference(schema: JsonObject, found: Found, checking: Checking): void {
  const { $ref } = schema;
  if (typeof $ref === "string") checking.include(checking.references.resolve(schema, $ref), found);
}

/** Checks the schemas that apply to the same place. */
export function checkCombined(schema: JsonObject, found: Found, checking: Checking): void {
  const { allOf, anyOf, oneOf, not, if: condition } = schema;
  const { part } = found;
  for (const one of isList(allOf) ? allOf : []) checking.include(one, found);
  const fitting = (all: readonly Json[]) => all.filter((one) => checking.passes(one, part));
  if (isList(anyOf)) {
    const fits = fitting(anyOf);
    for (const one of fits) checking.include(one, found);
    if (fits.length === 0) reportForms("must match one of the allowed forms", anyOf, found, checking);
  }
  if (isList(oneOf)) {
    const fits = fitting(oneOf);
    for (const one of fits) checking.include(one, found);
    if (fits.length === 0) reportForms("must match exactly one of the allowed forms", oneOf, found, checking);
    else if (fits.length > 1)
      found.report(() => `must match exactly one of the allowed forms, but matches ${fits.length}`);
  }
  if (not !== undefined && checking.passes(not, part)) found.report(() => "has a form that is not allowed");
  if (condition === undefined) return;
  const holds = checking.passes(condition, part);
  if (holds) checking.include(condition, found);
  checking.include(holds ? schema["then"] : schema["else"], found);
}

/** Reports that no alternative fits; where only one can have been meant, also what is wrong with that. */
function reportForms(problem: string, forms: readonly Json[], found: Found, checking: Checking): void {
  found.report(() => problem);
  const { part } = found;
  const meant = forms.filter((form) => {
    const type = isSchemaObject(form) ? form["type"] : undefined;
    return type !== undefined && hasType(type, part.value);
  });
  if (meant.length === 1 && meant[0] !== undefined && forms.length > 1)
    found.tell(checking.ask(meant[0], part));
}

/** Checks `unevaluatedItems` and `unevaluatedProperties`: what no other keyword has evaluated. */
export function checkRest(
  schema: Json | undefined,
  entries: Iterable<readonly [string | number, unknown]>,
  found: Found,
  checking: Checking,
): void {
  if (schema === undefined) return;
  for (const [key, item] of entries) {
    checking.step(1);
    if (found.seen.has(key)) continue;
    found.tell(checking.ask(schema, found.part.inside(key, item)));
    checking.see(key, found);
  }
}
