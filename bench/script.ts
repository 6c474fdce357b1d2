/**
 * What the scripted model says, as data. A script travels in the model's name, so one server plays any of them, for
 * any client, without being told beforehand.
 */

/** A conversation: so many turns that call the tool, then a text. Lengths are in characters. */
export interface Script {
  /** Turns that call the tool, one call each. */
  readonly toolTurns: number;
  /** Text in front of each call. */
  readonly preface: number;
  /** Arguments of each call, as JSON. */
  readonly args: number;
  /** What the tool answers. */
  readonly result: number;
  /** The closing text. */
  readonly text: number;
  /** The longest piece a text or the arguments come in. */
  readonly delta: number;
  /** Pieces of the closing text before the server holds back the rest; 0 holds nothing. */
  readonly holdAfter: number;
  /** Milliseconds the server waits before each reply. */
  readonly delayMs: number;
}

/** A turn of everyday size: some 1.3 KB of conversation. */
export const EVERYDAY: Script = {
  toolTurns: 0,
  preface: 160,
  args: 100,
  result: 700,
  text: 200,
  delta: 32,
  holdAfter: 0,
  delayMs: 0,
};

const PREFIX = "scripted?";

/** The model name that asks the server for this script. */
export function toModelName(script: Script): string {
  const parameters = Object.entries(script).map(([key, value]) => `${key}=${value}`);
  return PREFIX + parameters.join("&");
}

/** Reads a script back out of a model's name; what the name leaves out is everyday. Undefined for other names. */
export function fromModelName(name: string): Script | undefined {
  if (!name.startsWith(PREFIX)) return undefined;
  const asked = new URLSearchParams(name.slice(PREFIX.length));
  const read = (key: keyof Script) => Number(asked.get(key) ?? EVERYDAY[key]);
  return {
    toolTurns: read("toolTurns"),
    preface: read("preface"),
    args: read("args"),
    result: read("result"),
    text: read("text"),
    delta: Math.max(1, read("delta")),
    holdAfter: read("holdAfter"),
    delayMs: read("delayMs"),
  };
}

/** Prose of so many characters, with about as many quotes and line ends, which JSON escapes, as prose has. */
export function filler(chars: number): string {
  return PROSE.repeat(Math.ceil(chars / PROSE.length)).slice(0, chars);
}

const PROSE =
  'Order 42 left the house on Monday in two parcels, one by road and one by rail. Both are marked "fragile" ' +
  "and should be with the customer by Thursday, unless the weather in the mountains says otherwise.\n";
