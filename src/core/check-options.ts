/** Validators for option objects; errors name the option and never its value, which may be a secret. */

import { LoophostError } from "./errors.ts";
import { isObject } from "./json.ts";

/** Says what is wrong with a value, as the end of a sentence that begins with its name; undefined when nothing is. */
export type Check = (value: unknown) => string | undefined;

/** A check for every option there is. */
export type Checks<Options> = { readonly [Name in keyof Options]-?: Check };

/** The names of all options of a type: a list that lacks one, or has one too many, does not compile. */
export type Names<Options> = Readonly<Record<keyof Options, unknown>>;

/**
 * Refuses options that do not exist. Taken in silence, `{ baseURL }` sends a key to the default address, and
 * `{ excute }` makes a tool that waits for ever.
 *
 * @param owner whose options they are, such as `claude()`
 * @param known an object with the names of all that exist
 * @throws LoophostError `invalid_options` with the name, never the value, and the nearest one that exists
 */
export function checkNames(owner: string, options: unknown, known: object): asserts options is object {
  const given = asObject(owner, options);
  const problem = unknownIn(given, known);
  if (problem !== undefined) throw refused(owner + problem);
}

function asObject(owner: string, options: unknown): Readonly<Record<string, unknown>> {
  if (isObject(options)) return options;
  throw refused(`${owner} takes an object; got ${nameOf(options)}`);
}

function unknownIn(options: object, known: object): string | undefined {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(known, name));
  if (unknown === undefined) return undefined;
  const given = JSON.stringify(unknown.slice(0, MAX_NAME));
  return ` has no option ${given}; the nearest is "${nearest(unknown, Object.keys(known))}"`;
}

/**
 * Checks options: that they exist, and what they are. Those that are undefined are left out, unless they are needed.
 *
 * @param owner whose options they are, such as `claude()`
 * @throws LoophostError `invalid_options`; the value itself is shown of numbers only, since others may be secret
 */
export function checkOptions<Options>(
  owner: string,
  options: unknown,
  checks: Checks<Options>,
  needed: readonly (keyof Options & string)[] = [],
): void {
  checkNames(owner, options, checks);
  checkSome(owner, options, checks, needed);
}

/** As `checkOptions`, of an object that has other fields beside them, such as one in a service's own form. */
export function checkSome<Options>(
  owner: string,
  options: unknown,
  checks: Checks<Options>,
  needed: readonly (keyof Options & string)[] = [],
): void {
  const problem = problemIn(asObject(owner, options), checks, needed);
  if (problem !== undefined) throw refused(`${owner}: ${problem}`);
}

/** The first option that is not what it must be, and what it must be. */
function problemIn<Options>(
  options: Readonly<Record<string, unknown>>,
  checks: Checks<Options>,
  needed: readonly string[] = [],
): string | undefined {
  for (const [name, check] of Object.entries<Check>(checks)) {
    const value = options[name];
    const problem = value === undefined && !needed.includes(name) ? undefined : check(value);
    if (problem !== undefined) return name + problem;
  }
  return undefined;
}

/** A check for values that fit, with words for what they must be. */
export function must(be: string, fits: (value: unknown) => boolean): Check {
  return (value) => (fits(value) ? undefined : ` must be ${be}; got ${nameOf(value)}`);
}

/** A check for numbers, shown as they are when they are too small or none. */
export function atLeast(least: number): Check {
  return (value) => {
    if (typeof value === "number" && value >= least) return undefined;
    return ` must be a number of at least ${least}; got ${typeof value === "number" ? value : nameOf(value)}`;
  };
}

/** A check for objects that have some of these fields and no others. */
export function fields<Options>(checks: Checks<Options>): Check {
  return (value) => {
    if (!isObject(value)) return ` must be an object with some of ${Object.keys(checks).join(", ")}`;
    const problem = problemIn(value, checks);
    return problem === undefined ? unknownIn(value, checks) : `.${problem}`;
  };
}

/** A check for one of some words. */
export function oneOf(...words: readonly string[]): Check {
  const quoted = words.map((word) => `"${word}"`);
  const be = `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1) ?? ""}`;
  return must(be, (value) => words.some((word) => word === value));
}

/** A check for lists of one thing. */
export function listOf(what: string, fits: (item: unknown) => boolean): Check {
  return must(`a list of ${what}`, (value) => Array.isArray(value) && value.every(fits));
}

/** A check for objects whose values are strings, such as headers. */
export const STRINGS_BY_NAME: Check = must(
  "an object of strings",
  (value) => isObject(value) && Object.values(value).every(isString),
);

/** A check for objects with methods of these names. */
export function withMethods(...methods: readonly string[]): Check {
  return must(
    `an object with ${methods.map((name) => `${name}()`).join(", ")}`,
    (value) => isObject(value) && methods.every((name) => typeof value[name] === "function"),
  );
}

/** A check for clocks. */
export const CLOCK: Check = withMethods("now", "after");

/** A check for functions. */
export const FUNCTION: Check = must("a function", (value) => typeof value === "function");

/** A check for strings. */
export const STRING: Check = must("a string", isString);

/** A check for strings, and for null where that says "none". */
export const STRING_OR_NULL: Check = must(
  "a string, or null for none",
  (value) => value === null || isString(value),
);

/** A check for names and ids. Of whole characters: stores and wires write any half of one alike, so that two ids would be one. */
export const NAME: Check = must(
  "a string of whole characters, not empty",
  (value) => isString(value) && value.trim() !== "" && value.isWellFormed(),
);

/** A check for yes and no. */
export const BOOLEAN: Check = must("true or false", (value) => typeof value === "boolean");

/** A check for signals, whoever made them. */
export const SIGNAL: Check = must(
  "an AbortSignal",
  (value) => isObject(value) && typeof value["aborted"] === "boolean",
);

/** A check for deadlines; `Infinity` is one that never comes. */
export const MILLISECONDS: Check = atLeast(1);

/** Whether a value is a string. */
export function isString(value: unknown): value is string {
  return typeof value === "string";
}

function nameOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

const MAX_NAME = 64;

/** The name that shares most pairs of neighbouring letters with one that does not exist, whatever their case. */
function nearest(name: string, known: readonly string[]): string {
  const given = pairsOf(name.slice(0, MAX_NAME));
  // What the other has besides counts against it, and decides between names that share the same.
  const score = (other: string) => {
    const pairs = pairsOf(other);
    return 3 * pairs.filter((pair) => given.includes(pair)).length - pairs.length;
  };
  return known.toSorted((a, b) => score(b) - score(a))[0] ?? "";
}

function pairsOf(name: string): string[] {
  const letters = ` ${name.toLowerCase()} `;
  return Array.from(letters, (_, index) => letters.slice(index, index + 2));
}

function refused(message: string): LoophostError {
  return new LoophostError("invalid_options", `${message}.`);
}
