/**
 * One check of one value: asks schemas about places in it, and keeps what they said.
 *
 *   V1  every check ends: each schema is asked once about each place in the value (`Part`), every step is counted, and
 *       a check that takes too many fails
 *   V2  what cannot be checked to its end is refused, whatever stands around it: `not` does not turn it into a yes
 */

import type { Json, JsonObject } from "../json.ts";
import { isObject } from "../json.ts";
import { checkArray } from "./arrays.ts";
import { checkCombined, checkReference, checkRest } from "./combined.ts";
import {
  checkCount,
  checkNumber,
  Found,
  hasType,
  isList,
  isSchemaObject,
  listed,
  typeName,
} from "./found.ts";
import { checkObject } from "./objects.ts";
import type { Finding } from "./part.ts";
import { Part, Sameness } from "./part.ts";
import type { Pattern } from "./pattern.ts";
import { compilePattern } from "./pattern.ts";
import type { References } from "./references.ts";

const MAX_DEPTH = 200;
/** Schemas inside schemas on the way to one place; beyond it the stack would overflow. */
const MAX_LEVELS = 1_000;
/** What one schema check at one place counts, in steps of a pattern. */
const STEPS_OF_SCHEMA = 50;

/** Counts what a check does. */
export interface Meter {
  steps: number;
}

/** A check that cannot go on; nothing it is part of may pass. */
class Stopped extends Error {}

const NONE: ReadonlyMap<string, Json> = new Map();
const NOTHING: ReadonlySet<string | number> = new Set();
const FINE: Finding = { problems: [], seen: NOTHING };

/** One check of one value. */
export class Checking {
  readonly references: References;
  readonly #patterns: Map<string, Pattern>;
  readonly #meter: Meter;
  readonly same: Sameness = new Sameness((part) => this.#look(part, 10));
  readonly #allowed = new Map<Json, ReadonlySet<number>>();
  readonly #entries = new Map<JsonObject, Map<string, Json>>();
  #worth = { steps: Infinity };
  #levels = 0;

  constructor(references: References, patterns: Map<string, Pattern>, meter: Meter) {
    this.references = references;
    this.#patterns = patterns;
    this.#meter = meter;
  }

  /** All that is wrong with a value. */
  problemsOf(schema: Json, value: unknown): readonly string[] {
    try {
      const part = new Part(value);
      this.#worth = part.worth;
      return this.ask(schema, part).problems;
    } catch (thrown) {
      if (thrown instanceof Stopped) return [thrown.message];
      throw thrown;
    }
  }

  /** Counts what is done; ends the check when it is too much. */
  step(count: number): void {
    this.#meter.steps += count;
    if (this.#meter.steps > this.#worth.steps)
      throw new Stopped("is too large to be checked against this schema: send less at a time");
  }

  #look(part: Part, steps = STEPS_OF_SCHEMA): void {
    this.step(steps);
    if (part.depth > MAX_DEPTH)
      throw new Stopped(part.saying(`is nested more than ${MAX_DEPTH} levels deep`));
  }

  /** What a schema says of a place: found out once. */
  ask(schema: Json | undefined, part: Part): Finding {
    this.step(1);
    if (schema === false) return { problems: [part.saying("is not allowed")], seen: NOTHING };
    if (!isSchemaObject(schema)) return FINE;
    part.findings ??= new Map();
    const known = part.findings.get(schema);
    if (known !== undefined) return known;
    this.#look(part);
    this.#levels += 1;
    if (this.#levels > MAX_LEVELS)
      throw new Stopped(part.saying("leads through too many schemas to be checked"));
    // Asked again before there is an answer, it refers to itself without moving on in the value, and says nothing more.
    part.findings.set(schema, FINE);
    const found = this.#find(schema, part);
    part.findings.set(schema, found);
    this.#levels -= 1;
    return found;
  }

  /** Whether a schema finds nothing wrong at a place. */
  passes(schema: Json | undefined, part: Part): boolean {
    return this.ask(schema, part).problems.length === 0;
  }

  #find(schema: JsonObject, part: Part): Finding {
    const found = new Found(part);
    const { value } = part;
    const hidesRest = this.references.scopeOf(schema)?.isLegacy === true && schema["$ref"] !== undefined;
    if (!hidesRest) {
      const { type } = schema;
      if (type !== undefined && !hasType(type, value)) {
        // With the wrong type, further keywords would only repeat the same mistake in other words.
        const types = (isList(type) ? type : [type]).map(String).join(" or ");
        found.report(() => `must be ${types}, got ${typeName(value)}`);
        return found;
      }
      this.#checkFixed(schema, found);
      if (typeof value === "string") this.#checkString(schema, found);
      if (typeof value === "number") checkNumber(schema, value, found);
      if (Array.isArray(value)) checkArray(schema, value, found, this);
      if (isObject(value)) checkObject(schema, value, found, this);
    }
    checkReference(schema, found, this);
    if (hidesRest) return found;
    checkCombined(schema, found, this);
    if (Array.isArray(value)) checkRest(schema["unevaluatedItems"], value.entries(), found, this);
    if (isObject(value)) checkRest(schema["unevaluatedProperties"], Object.entries(value), found, this);
    return found;
  }

  #checkFixed(schema: JsonObject, found: Found): void {
    for (const keyword of ["const", "enum"] as const) {
      const given = schema[keyword];
      if (given === undefined) continue;
      const values = keyword === "const" ? [given] : isList(given) ? given : [];
      const key = keyword === "const" ? schema : given;
      const allowed = this.#allowed.get(key) ?? new Set(values.map((one) => this.same.of(new Part(one))));
      this.#allowed.set(key, allowed);
      if (!allowed.has(this.same.of(found.part)))
        found.report(
          () =>
            `must be ${values.length === 1 ? "" : "one of "}${listed(values, (one) => JSON.stringify(one))}`,
        );
    }
  }

  #checkString(schema: JsonObject, found: Found): void {
    const { minLength, maxLength, pattern } = schema;
    const { part } = found;
    if (minLength !== undefined || maxLength !== undefined)
      checkCount(schema, "Length", part.length, "characters", found);
    if (typeof pattern === "string" && !this.matches(pattern, String(part.value)))
      found.report(() => `must match ${pattern}`);
  }

  /** Keeps in mind that an item or property was looked at, where anybody asks. */
  see(key: string | number, found: Found): void {
    if (this.references.hasUnevaluated) found.seen.add(key);
  }

  /** Makes what a schema says of the same place part of what is found there. */
  include(schema: Json | undefined, found: Found): void {
    const said = this.ask(schema, found.part);
    found.tell(said);
    if (said.problems.length > 0) return;
    this.step(said.seen.size);
    for (const key of said.seen) this.see(key, found);
  }

  /** The schemas in a keyword's object, by name. */
  entriesOf(map: Json | undefined): ReadonlyMap<string, Json> {
    if (!isSchemaObject(map)) return NONE;
    let entries = this.#entries.get(map);
    if (entries === undefined) {
      entries = new Map();
      for (const [key, value] of Object.entries(map)) if (value !== undefined) entries.set(key, value);
      this.#entries.set(map, entries);
      this.step(entries.size);
    }
    return entries;
  }

  /** Whether a text matches a pattern. */
  matches(source: string, text: string): boolean {
    let pattern = this.#patterns.get(source);
    try {
      if (pattern === undefined) {
        this.#patterns.set(source, (pattern = compilePattern(source)));
        this.step(pattern.size);
      }
    } catch (cause) {
      if (cause instanceof RangeError)
        throw new Stopped(`cannot be checked: the pattern ${source.slice(0, 100)} ${cause.message}`);
      throw cause;
    }
    return pattern.matches(text, (count) => this.step(count));
  }
}
