/** The keywords that look into arrays. */

import type { JsonObject } from "../json.ts";
import type { Checking } from "./checking.ts";
import type { Found } from "./found.ts";
import { checkCount, isList, shown } from "./found.ts";

/** Checks the items of an array. */
export function checkArray(
  schema: JsonObject,
  value: readonly unknown[],
  found: Found,
  checking: Checking,
): void {
  const { prefixItems, items, additionalItems, uniqueItems } = schema;
  const { part } = found;
  checkCount(schema, "Items", value.length, "items", found);
  if (uniqueItems === true) {
    const numbers = value.map((item, index) => checking.same.of(part.inside(index, item)));
    if (new Set(numbers).size < numbers.length) found.report(() => "must not have the same item twice");
  }
  // Draft 07 writes `items` and `additionalItems` for what is `prefixItems` and `items` since.
  const leading = isList(prefixItems) ? prefixItems : isList(items) ? items : [];
  const others = isList(items) ? additionalItems : items;
  for (const [index, item] of value.entries()) {
    const expected = index < leading.length ? leading[index] : others;
    if (expected === undefined) break;
    checking.see(index, found);
    found.tell(checking.ask(expected, part.inside(index, item)));
  }
  checkContains(schema, value, found, checking);
}

function checkContains(
  schema: JsonObject,
  value: readonly unknown[],
  found: Found,
  checking: Checking,
): void {
  const { contains, minContains = 1, maxContains = Infinity } = schema;
  if (contains === undefined) return;
  let count = 0;
  for (const [index, item] of value.entries()) {
    if (!checking.passes(contains, found.part.inside(index, item))) continue;
    count += 1;
    checking.see(index, found);
  }
  const what = `items of the form ${shown(contains)}`;
  if (count < Number(minContains))
    found.report(() => `must have at least ${Number(minContains)} ${what}, got ${count}`);
  if (count > Number(maxContains))
    found.report(() => `must have at most ${Number(maxContains)} ${what}, got ${count}`);
}
