/**
 * Recordings: what happened in a session as JSON lines, one head and then one line an event, to be looked at, compared and
 * replayed. Only the format; `recordTo` of `loophost/observe` writes it.
 */

import { LoophostError } from "./errors.ts";
import type { SessionEvent } from "./events.ts";
import { isObject } from "./json.ts";
import type { ProviderTraits } from "./provider.ts";

/** The first line of a recording. */
export interface RecordingHead {
  readonly loophost: "record";
  readonly version: 1;
  readonly sessionId: string;
  readonly agent: {
    readonly name: string;
    readonly model?: string | undefined;
    readonly tools: readonly string[];
  };
  readonly provider: { readonly name: string; readonly traits: ProviderTraits };
  /** The release of loophost that wrote it. */
  readonly package: string;
}

/** An event as it was emitted. */
export interface RecordedEntry {
  /** In epoch milliseconds. */
  readonly at: number;
  readonly run: string;
  readonly event: SessionEvent;
}

/** A recording, read. */
export interface Recording {
  readonly head: RecordingHead;
  readonly entries: readonly RecordedEntry[];
}

/**
 * Reads a recording. What was not written to its end, as by a crash or on a full disk, is left out: the last line, or one that
 * is followed by the head with which the session went on.
 *
 * @throws LoophostError `invalid_options` for what is no recording, with the number of the line
 */
export function readRecording(text: string): Recording {
  // On Windows a byte order mark may come first, and "\r" before each "\n", which is white space to JSON.
  const lines = text.replace(/^\uFEFF/, "").split("\n");
  const values = lines.map(parse);
  let head: RecordingHead | undefined;
  const entries: RecordedEntry[] = [];
  for (const [index, value] of values.entries()) {
    // Each part of a recording has a head: of a run, where a function took the lines, or of a file that was full or torn.
    if (isHead(value)) head ??= value;
    else if (value === undefined) {
      const isTorn = index === lines.length - 1 || isHead(values[index + 1]);
      if (!isTorn && lines[index]?.trim() !== "") throw refused(index + 1, "it is not JSON");
    } else if (head === undefined) throw refused(index + 1, NO_HEAD);
    else if (isEntry(value)) entries.push(value);
    else throw refused(index + 1, "it is no event with its time and run");
  }
  if (head === undefined) throw refused(1, NO_HEAD);
  return { head, entries };
}

const NO_HEAD = "it is not the head of a recording of version 1";

/** The value of a line; undefined for what is not JSON. */
function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isHead(value: unknown): value is RecordingHead {
  if (!isObject(value) || value["loophost"] !== "record" || value["version"] !== 1) return false;
  const { agent, provider, sessionId } = value;
  const isWhole = isObject(agent) && isObject(provider) && isObject(provider["traits"]);
  return isWhole && typeof agent["name"] === "string" && typeof sessionId === "string";
}

function isEntry(value: unknown): value is RecordedEntry {
  if (!isObject(value) || typeof value["at"] !== "number" || typeof value["run"] !== "string") return false;
  return isObject(value["event"]) && typeof value["event"]["type"] === "string";
}

function refused(line: number, why: string): LoophostError {
  return new LoophostError("invalid_options", `Line ${line} of the recording cannot be read: ${why}.`);
}
