/** What is being found out about a place, and the keywords that look at nothing but the place itself. */

import type { Json, JsonObject } from "../json.ts";
import { isObject } from "../json.ts";
import type { Finding, Part } from "./part.ts";

const MAX_PROBLEMS = 20;
const MAX_LISTED = 20;
const MAX_SHOWN_CHARS = 200;

/** What a schema finds at a place. */
export class Found implements Finding {
  readonly part: Part;
  readonly problems: string[] = [];
  readonly seen: Set<string | number> = new Set();

  constructor(part: Part) {
    this.part = part;
  }

  /** Adds a problem, with its place; put into words only while there is room for it. */
  report(problem: () => string, part: Part = this.part): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(part.saying(problem()));
  }

  /** Adds the problems of a schema inside. */
  tell({ problems }: Finding): void {
    for (const problem of problems)
      if (this.problems.length < MAX_PROBLEMS && !this.problems.includes(problem))
        this.problems.push(problem);
  }
}

/** Whether a value has a type, or one of several. */
export function hasType(type: Json, value: unknown): boolean {
  if (Array.isArray(type)) return type.some((one: Json) => hasType(one, value));
  if (type === "integer") return Number.isInteger(value);
  return typeName(value) === type;
}

/** The name JSON Schema has for the type of a value. */
export function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

/** Checks what is said of a number. */
export function checkNumber(schema: JsonObject, value: number, found: Found): void {
  for (const [keyword, says, holds] of NUMBER_BOUNDS) {
    const bound = schema[keyword];
    if (typeof bound === "number" && !holds(value, bound)) found.report(() => `must be ${says} ${bound}`);
  }
}

const NUMBER_BOUNDS: readonly (readonly [string, string, (value: number, bound: number) => boolean])[] = [
  ["minimum", "at least", (value, bound) => value >= bound],
  ["maximum", "at most", (value, bound) => value <= bound],
  ["exclusiveMinimum", "more than", (value, bound) => value > bound],
  ["exclusiveMaximum", "less than", (value, bound) => value < bound],
  ["multipleOf", "a multiple of", isMultiple],
];

/** Exact, as the numbers are written: 1.13 is a multiple of 0.01, though 1.13 / 0.01 is 112.99999999999999. */
function isMultiple(value: number, of: number): boolean {
  const [digits, exponent] = decimal(value);
  const [ofDigits, ofExponent] = decimal(of);
  const least = Math.min(exponent, ofExponent);
  return (digits * 10n ** BigInt(exponent - least)) % (ofDigits * 10n ** BigInt(ofExponent - least)) === 0n;
}

/** A number as digits and a power of ten. */
function decimal(value: number): readonly [digits: bigint, exponent: number] {
  const [mantissa = "", exponent] = value.toExponential().split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  return [BigInt(whole + fraction), Number(exponent) - fraction.length];
}

/** Checks how many there are of something. */
export function checkCount(
  schema: JsonObject,
  what: "Length" | "Items" | "Properties",
  count: number,
  unit: string,
  found: Found,
): void {
  const min = schema[`min${what}`];
  const max = schema[`max${what}`];
  if (typeof min === "number" && count < min) found.report(() => `must have at least ${min} ${unit}`);
  if (typeof max === "number" && count > max) found.report(() => `must have at most ${max} ${unit}`);
}

/** The first of what there is, for a model to choose from. */
export function listed<T>(all: readonly T[], show: (one: T) => string): string {
  const first = all.slice(0, MAX_LISTED).map((one) => show(one).slice(0, MAX_SHOWN_CHARS));
  return [...first, ...(all.length > first.length ? [`and ${all.length - first.length} more`] : [])].join(
    ", ",
  );
}

/** A part of a schema as it is told. */
export function shown(schema: Json): string {
  return JSON.stringify(schema).slice(0, MAX_SHOWN_CHARS);
}

/** Whether a part of a schema is an object of keywords. */
export function isSchemaObject(value: Json | undefined): value is JsonObject {
  return isObject(value);
}

/** Whether a part of a schema is a list. */
export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
