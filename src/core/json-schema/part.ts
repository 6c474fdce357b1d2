/** A place in the value that is checked: what is there, where it is, and what was found out about it already. */

import type { JsonObject } from "../json.ts";
import { isObject } from "../json.ts";

/** What a schema says of a place: what is wrong, and which items or properties it has looked at. */
export interface Finding {
  readonly problems: readonly string[];
  readonly seen: ReadonlySet<string | number>;
}

const MAX_KEY_CHARS = 100;
/** Steps any value may take to check, and more for larger ones: far above what schemas in use take. */
const STEPS = 200_000;
const STEPS_PER_PART = 150;
const STEPS_PER_CHAR = 10;

/** A place in a value. Each is made once, so that what was found out about it holds whichever way leads to it. */
export class Part {
  readonly value: unknown;
  readonly depth: number;
  /** What schemas found here; each is asked once, which is what keeps schemas that refer to themselves linear. */
  findings: Map<JsonObject, Finding> | undefined;
  /** Equal values have equal numbers, see `Sameness`. */
  number: number | undefined;
  readonly #parent: Part | undefined;
  readonly #key: string | number;
  #inside: Map<string | number, Part> | undefined;
  #length: number | undefined;

  /** Steps left for checking the whole value (budget). */
  readonly worth: { steps: number };

  constructor(value: unknown, parent?: Part, key: string | number = "") {
    this.value = value;
    this.worth = parent?.worth ?? { steps: STEPS };
    this.worth.steps += STEPS_PER_PART + (typeof value === "string" ? STEPS_PER_CHAR * value.length : 0);
    this.#parent = parent;
    this.#key = key;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
  }

  /** The place of an item or a property. */
  inside(key: string | number, value: unknown): Part {
    this.#inside ??= new Map();
    let part = this.#inside.get(key);
    if (part === undefined) this.#inside.set(key, (part = new Part(value, this, key)));
    return part;
  }

  /** How the place is written: `lines.1.sku`; empty for the whole value. */
  get path(): string {
    const before = this.#parent?.path ?? "";
    const key = String(this.#key).slice(0, MAX_KEY_CHARS);
    return before === "" ? key : `${before}.${key}`;
  }

  /** A problem as it is told. */
  saying(problem: string): string {
    const { path } = this;
    return path === "" ? problem : `${path}: ${problem}`;
  }

  /** The characters of a text as the specification counts them: an emoji is one, though a string holds it as two. */
  get length(): number {
    if (this.#length === undefined) {
      this.#length = 0;
      for (const _ of String(this.value)) this.#length += 1;
    }
    return this.#length;
  }
}

/** Numbers values so that equal ones, and only they, have the same number: comparing is then one step, however large they are. */
export class Sameness {
  readonly #numbers = new Map<string, number>();
  readonly #step: (part: Part) => void;

  /** @param step told of each part that is numbered; throws to stop */
  constructor(step: (part: Part) => void) {
    this.#step = step;
  }

  /** The number of a value. */
  of(part: Part): number {
    if (part.number !== undefined) return part.number;
    this.#step(part);
    const key = this.#keyOf(part);
    part.number = this.#numbers.get(key) ?? this.#numbers.size;
    this.#numbers.set(key, part.number);
    return part.number;
  }

  #keyOf(part: Part): string {
    const { value } = part;
    if (Array.isArray(value))
      return `[${value.map((item: unknown, index) => this.of(part.inside(index, item))).join(",")}`;
    if (!isObject(value)) return `${typeof value}:${String(value)}`;
    const entries = Object.entries(value).map(
      ([key, item]) => `${JSON.stringify(key)}:${this.of(part.inside(key, item))}`,
    );
    return `{${entries.toSorted().join(",")}`;
  }
}
