/** The keywords that look into objects. */

import type { Json, JsonObject } from "../json.ts";
import type { Checking } from "./checking.ts";
import type { Found } from "./found.ts";
import { checkCount, isList, listed } from "./found.ts";
import { Part } from "./part.ts";

/** Checks the properties of an object. */
export function checkObject(
  schema: JsonObject,
  value: Record<string, unknown>,
  found: Found,
  checking: Checking,
): void {
  const { part } = found;
  const { additionalProperties, propertyNames } = schema;
  const properties = checking.entriesOf(schema["properties"]);
  const patterns = [...checking.entriesOf(schema["patternProperties"])];
  const entries = Object.entries(value);
  checkCount(schema, "Properties", entries.length, "properties", found);
  checkRequired(schema["required"], value, found, checking);
  for (const [key, item] of entries) {
    checking.step(1);
    if (propertyNames !== undefined) checkName(propertyNames, key, item, found, checking);
    const schemas = patterns.filter(([pattern]) => checking.matches(pattern, key)).map(([, one]) => one);
    const own = properties.get(key);
    if (own !== undefined) schemas.push(own);
    if (schemas.length === 0 && additionalProperties !== undefined) {
      if (additionalProperties === false)
        found.report(
          () => `is not a known property; known are ${listed([...properties.keys()], String) || "none"}`,
          part.inside(key, item),
        );
      schemas.push(additionalProperties);
    }
    if (schemas.length > 0) checking.see(key, found);
    for (const one of schemas)
      if (one !== additionalProperties || one !== false)
        found.tell(checking.ask(one, part.inside(key, item)));
  }
  checkDependent(schema, value, found, checking);
}

function checkRequired(
  required: Json | undefined,
  value: Record<string, unknown>,
  found: Found,
  checking: Checking,
  why = "",
): void {
  for (const key of isList(required) ? required : []) {
    checking.step(1);
    if (typeof key === "string" && !Object.hasOwn(value, key))
      found.report(() => `is required${why}`, found.part.inside(key, undefined));
  }
}

function checkName(schema: Json, key: string, item: unknown, found: Found, checking: Checking): void {
  const { problems } = checking.ask(schema, new Part(key));
  if (problems.length > 0)
    found.report(
      () => `is not a name that is allowed here: it ${problems.join(", and it ")}`,
      found.part.inside(key, item),
    );
}

function checkDependent(
  schema: JsonObject,
  value: Record<string, unknown>,
  found: Found,
  checking: Checking,
): void {
  for (const keyword of ["dependentRequired", "dependentSchemas", "dependencies"])
    for (const [key, needs] of checking.entriesOf(schema[keyword])) {
      checking.step(1);
      if (!Object.hasOwn(value, key)) continue;
      if (isList(needs)) checkRequired(needs, value, found, checking, ` where there is ${key}`);
      else checking.include(needs, found);
    }
}
