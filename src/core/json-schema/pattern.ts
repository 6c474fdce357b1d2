/**
 * Regular expressions without backtracking: the time a match takes is linear in pattern times text (Thompson's NFA).
 *
 * `RegExp` backtracks: 28 characters and `^(a+)+$` block the process for seconds (ReDoS), and no deadline helps, since
 * no timer fires meanwhile. Here all ways through the pattern are followed at once, character by character, and each is
 * a counted step. What a single character may be (`\p{L}`, `[^a-z]`) is still asked of `RegExp`, which knows best.
 *
 *   P1  a pattern that would need too many states is refused, however its counts are nested
 */

import { flagsOf } from "./keywords.ts";

/** A pattern, ready to be matched. */
export interface Pattern {
  /** Whether it matches somewhere in a text; tells of the steps this takes, and may be stopped by whoever is told. */
  matches(text: string, step: (count: number) => void): boolean;
  /** How many states it has. */
  readonly size: number;
}

type IsChar = (code: number) => boolean;

/** The states of the automaton: characters, and places where it forks or holds only at a certain position. */
type State =
  | { readonly is: IsChar }
  | { readonly to: number; or: number }
  | { readonly at: string }
  | "matched";

type Tree =
  | { readonly is: IsChar }
  | { readonly at: string }
  | { readonly all: readonly Tree[] }
  | { readonly any: readonly Tree[] }
  | { readonly repeat: Tree; readonly min: number; readonly max: number };

const MAX_STATES = 10_000;
const MAX_NESTED = 100;

const GROUP: RegExp = /\((?:\?:|\?<[^>]*>)?/y;
const QUANTIFIER: RegExp = /(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/y;
const ATOM = String.raw`\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u\{[^}]*\}|u[\da-fA-F]{4}|x[\da-fA-F]{2}|c[A-Za-z]|[pP]\{[^}]*\}|0[0-7]{0,2}|[^])|\[(?:\\[^]|[^\]\\])*\]|[^]`;

/**
 * Prepares a pattern that `problemWithSchema` has nothing against.
 *
 * @throws RangeError when it would need too many states
 */
export function compilePattern(source: string): Pattern {
  const flags = flagsOf(source) ?? "";
  const states = assemble(parse(source, flags));
  return { size: states.length, matches: (text, step) => simulate(states, text, flags === "u", step) };
}

function parse(source: string, flags: string): Tree {
  const atom = new RegExp(ATOM, `${flags}y`);
  let position = 0;
  const take = (what: RegExp): RegExpExecArray | null => {
    what.lastIndex = position;
    const found = what.exec(source);
    position += found?.[0].length ?? 0;
    return found;
  };
  const alternatives = (depth: number): Tree => {
    if (depth > MAX_NESTED) throw tooLarge();
    const any = [sequence(depth)];
    while (source[position] === "|") {
      position += 1;
      any.push(sequence(depth));
    }
    return any.length === 1 && any[0] !== undefined ? any[0] : { any };
  };
  const sequence = (depth: number): Tree => {
    const all: Tree[] = [];
    while (position < source.length && source[position] !== "|" && source[position] !== ")") {
      let tree: Tree;
      if (take(GROUP) === null) tree = single(take(atom)?.[0] ?? "", flags);
      else {
        tree = alternatives(depth + 1);
        position += 1; // its closing bracket
      }
      const quantifier = take(QUANTIFIER);
      all.push(quantifier === null ? tree : repeat(tree, quantifier));
    }
    return { all };
  };
  return alternatives(0);
}

function single(atom: string, flags: string): Tree {
  if (["^", "$", "\\b", "\\B"].includes(atom)) return { at: atom };
  const one = new RegExp(`^(?:${/^[{}\]]$/.test(atom) ? `\\${atom}` : atom})$`, flags);
  // Asked once for each of the characters that make up most texts: 0 is not asked yet, 1 is no, 2 is yes.
  const asked = new Uint8Array(128);
  const ask = (code: number) => one.test(String.fromCodePoint(code));
  return {
    is: (code) => (code > 127 ? ask(code) : (asked[code] ||= ask(code) ? 2 : 1) === 2),
  };
}

function repeat(tree: Tree, [, sign, least = "", comma, most = ""]: RegExpExecArray): Tree {
  if (sign !== undefined)
    return { repeat: tree, min: sign === "+" ? 1 : 0, max: sign === "?" ? 1 : Infinity };
  const min = Number(least);
  return { repeat: tree, min, max: comma === "" ? min : most === "" ? Infinity : Number(most) };
}

function assemble(tree: Tree): readonly State[] {
  const states: State[] = [];
  let visits = 0;
  const fork = (): { to: number; or: number } => {
    const state = { to: states.length + 1, or: states.length + 1 };
    states.push(state);
    return state;
  };
  const add = (node: Tree): void => {
    // Counted apart from the states: what matches nothing has none, and can be repeated as often.
    visits += 1;
    if (visits > MAX_STATES || states.length > MAX_STATES) throw tooLarge();
    if ("all" in node) node.all.forEach(add);
    else if ("any" in node) addAny(node.any);
    else if ("repeat" in node) addRepeat(node);
    else states.push(node);
  };
  const addAny = (any: readonly Tree[]): void => {
    const ends = any.map((one, index) => {
      const before = index < any.length - 1 ? fork() : undefined;
      add(one);
      const end = { to: 0, or: 0 };
      states.push(end);
      if (before !== undefined) before.or = states.length;
      return end;
    });
    for (const end of ends) end.to = end.or = states.length;
  };
  const addRepeat = ({ repeat: of, min, max }: Extract<Tree, { repeat: Tree }>): void => {
    for (let count = 0; count < min; count += 1) add(of);
    if (max === Infinity) {
      const start = states.length;
      const way = fork();
      add(of);
      states.push({ to: start, or: start });
      way.or = states.length;
      return;
    }
    const ways: { or: number }[] = [];
    for (let count = min; count < max; count += 1) {
      ways.push(fork());
      add(of);
    }
    for (const way of ways) way.or = states.length;
  };
  add(tree);
  states.push("matched");
  return states;
}

function simulate(
  states: readonly State[],
  text: string,
  isUnicode: boolean,
  step: (count: number) => void,
): boolean {
  step(20 + (states.length >> 4));
  let current: number[] = [];
  /** The position at which a state was last reached, so that it is followed once for each. */
  const reached = new Int32Array(states.length).fill(-1);
  const reach = (first: number, position: number, list: number[]): boolean => {
    const waiting = [first];
    for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
      step(1);
      const state = states[index];
      if (state === undefined || reached[index] === position) continue;
      reached[index] = position;
      if (state === "matched") return true;
      if ("is" in state) list.push(index);
      else if ("at" in state) {
        if (isAt(state.at, text, position)) waiting.push(index + 1);
      } else waiting.push(state.or, state.to);
    }
    return false;
  };
  for (let position = 0; ;) {
    // The pattern may begin anywhere.
    if (reach(0, position, current)) return true;
    const code = isUnicode ? text.codePointAt(position) : text.charCodeAt(position);
    if (position >= text.length || code === undefined) return false;
    position += code > 0xffff ? 2 : 1;
    const next: number[] = [];
    step(current.length);
    for (const index of current) {
      const state = states[index];
      if (typeof state === "object" && "is" in state && state.is(code) && reach(index + 1, position, next))
        return true;
    }
    current = next;
  }
}

function isAt(where: string, text: string, position: number): boolean {
  if (where === "^") return position === 0;
  if (where === "$") return position === text.length;
  const isEdge = isWord(text[position - 1]) !== isWord(text[position]);
  return where === "\\b" ? isEdge : !isEdge;
}

function isWord(char: string | undefined): boolean {
  return char !== undefined && /\w/.test(char);
}

function tooLarge(): RangeError {
  return new RangeError("has too many alternatives or repetitions");
}
