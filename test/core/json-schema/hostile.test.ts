// Schemas and values from strangers, made to keep the checker busy: counted, since the clock of a busy machine says little.

import { expect, it } from "vitest";

import { checkJson } from "../../../src/core/json-schema/check.ts";
import { HOSTILE } from "../../support/hostile-schemas.ts";

it.each(Object.entries(HOSTILE))("%s: ends within the steps it may take [I10]", (_, [schema, value]) => {
  const meter = { steps: 0 };
  checkJson(schema, value, meter);
  // By what there is in the value, whatever the schema; the last step counted is the one too many.
  expect(meter.steps).toBeLessThan(510_000 + 10 * charsOf(value) + 400 * partsOf(value));
});

function partsOf(root: unknown): number {
  const waiting = [root];
  for (const value of waiting)
    if (typeof value === "object" && value !== null) waiting.push(...Object.values(value));
  return waiting.length;
}

function charsOf(value: unknown): number {
  return typeof value === "string" ? value.length : 0;
}
