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
 * Reads a recording. A last line that was not written to its end, as after a crash, is left out.
 *
 * @throws LoophostError `invalid_options` for what is no recording, with the number of the line
 */
export function readRecording(text: string): Recording {
  const lines = text.split("\n");
  // What follows the last line break is a torn write, as after a crash, or empty.
  const whole = lines.slice(0, -1);
  const head = parse(whole[0] ?? lines[0] ?? "", 1);
  if (!isHead(head)) throw refused(1, "it is not the head of a recording of version 1");
  const entries: RecordedEntry[] = [];
  for (const [index, line] of whole.entries()) {
    if (index === 0 || line.trim() === "") continue;
    const entry = parse(line, index + 1);
    // Each part of a recording has a head: of a run, where a function took the lines, or of a file that was full.
    if (isHead(entry)) continue;
    if (!isEntry(entry)) throw refused(index + 1, "it is no event with its time and run");
    entries.push(entry);
  }
  return { head, entries };
}

function parse(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw refused(number, "it is not JSON");
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
