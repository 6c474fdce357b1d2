/**
 * The recorder: one file of JSON lines a session, written as things happen.
 *
 *   R1  a file that cannot be written, a full disk say, stops its recording, is told once, and never ends a run
 *   R2  what was told is in the file before the reader has it; only pieces of text wait, for the next that is none, or 50 ms old
 */

import { createHash } from "node:crypto";
import { appendFileSync, closeSync, mkdirSync, openSync, readSync, renameSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

import { contained } from "../core/async/contained.ts";
import type { Checks } from "../core/check-options.ts";
import { atLeast, BOOLEAN, checkOptions, FUNCTION, oneOf } from "../core/check-options.ts";
import { LoophostError } from "../core/errors.ts";
import type { DeltaEvent, SessionEvent } from "../core/events.ts";
import { isDelta } from "../core/events.ts";
import type { About, Observer } from "../core/observer.ts";
import type { RecordingHead } from "../core/recording.ts";
import { VERSION } from "../core/version.ts";
import type { Redact } from "./content.ts";

/** How sessions are recorded. */
export interface RecordOptions {
  /** Whether the host's own events are kept within ours. Default true. */
  readonly raw?: boolean | undefined;
  /** Pieces of text put together, one line for what came within 50 ms, or "all" as they came. Default "merged". */
  readonly deltas?: "merged" | "all" | undefined;
  /** Replaces in every string what must not be kept; told the name of its field. What it throws on is not kept. Numbers are. */
  readonly redact?: Redact | undefined;
  /** Bytes of a file; the next is begun then, and the one before it kept as `<name>.1.jsonl`. Default 64 MiB. */
  readonly maxBytes?: number | undefined;
  /** Told once for each run whose recording stopped, with why. Default: nothing. */
  readonly onError?: ((error: unknown, sessionId: string) => void) | undefined;
}

const MERGE_MS = 50;
const MAX_BYTES = 64 * 1024 * 1024;
const NOT_REDACTED = "[not kept: redact failed]";

/**
 * Records sessions, each in a file of its own that only this user may read: messages, inputs and results are in it.
 *
 * @param where a folder, made if it is not there, or a function that takes each line and the session's id
 * @throws LoophostError `invalid_options`
 */
export function recordTo(
  where: string | ((line: string, sessionId: string) => void),
  options: RecordOptions = {},
): Observer {
  if (typeof where !== "function" && (typeof where !== "string" || where === ""))
    throw new LoophostError(
      "invalid_options",
      "recordTo() needs a folder, or a function that takes each line.",
    );
  checkOptions("recordTo()", options, OPTIONS);
  const sessions = new Map<string, SessionRecorder>();
  return {
    event(event, about) {
      const { sessionId } = about;
      if (sessionId === "") return; // told while it is being opened: it has no file yet
      const recorder = sessions.get(sessionId) ?? new SessionRecorder(where, about, options);
      // Only sessions with a run under way are held; the file knows the rest.
      if (event.type === "run.ended" || event.type === "run.failed") sessions.delete(sessionId);
      else sessions.set(sessionId, recorder);
      recorder.take(event, about);
    },
  };
}

const OPTIONS: Checks<RecordOptions> = {
  raw: BOOLEAN,
  deltas: oneOf("merged", "all"),
  redact: FUNCTION,
  maxBytes: atLeast(1),
  onError: FUNCTION,
};

class SessionRecorder {
  readonly #options: RecordOptions;
  readonly #write: (line: string, head: string) => void;
  readonly #sessionId: string;
  #merging: { event: DeltaEvent; readonly since: number; readonly run: string } | undefined;
  #isStopped = false;

  constructor(where: Parameters<typeof recordTo>[0], { sessionId }: About, options: RecordOptions) {
    this.#options = options;
    this.#sessionId = sessionId;
    const { maxBytes = MAX_BYTES } = options;
    this.#write =
      typeof where === "string"
        ? intoFile(where, sessionId, maxBytes)
        : intoFunction(where, sessionId, (thrown) => this.#fail(thrown));
  }

  take(event: SessionEvent, about: About): void {
    const run = about.runId ?? "";
    const merging = this.#merging;
    if (this.#options.deltas !== "all" && isDelta(event)) {
      if (merging !== undefined && isSame(merging.event, event) && Date.now() - merging.since < MERGE_MS) {
        merging.event = { ...event, text: merging.event.text + event.text, raw: undefined };
        return;
      }
      this.#flush(about);
      this.#merging = { event, since: Date.now(), run };
      return;
    }
    this.#flush(about);
    this.#put(event, about);
  }

  #flush(about: About): void {
    const merging = this.#merging;
    this.#merging = undefined;
    if (merging !== undefined) this.#put(merging.event, about);
  }

  #put(event: SessionEvent, about: About): void {
    if (this.#isStopped) return;
    try {
      const line = this.#toLine({ at: Date.now(), run: about.runId ?? "", event });
      this.#write(`${line}\n`, `${JSON.stringify(headOf(about))}\n`);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #fail(thrown: unknown): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    contained(() => this.#options.onError?.(thrown, this.#sessionId));
  }

  #toLine(entry: { readonly at: number; readonly run: string; readonly event: SessionEvent }): string {
    const { raw = true, redact } = this.#options;
    function seen(this: unknown, key: string, value: unknown): unknown {
      if (key === "raw" && !raw) return undefined;
      if (typeof value === "bigint") return String(value);
      // The event's own type is a word of ours, and without it a recording cannot be read.
      const isOurs = typeof value !== "string" || (this === entry.event && key === "type");
      return isOurs || redact === undefined ? value : redacted(redact, value, key);
    }
    return JSON.stringify(entry, seen);
  }
}

function redacted(redact: Redact, text: string, key: string): string {
  try {
    const given: unknown = redact(text, key);
    return typeof given === "string" ? given : NOT_REDACTED;
  } catch {
    return NOT_REDACTED;
  }
}

function headOf({ sessionId, agent, provider }: About): RecordingHead {
  const { name, traits } = provider;
  return {
    loophost: "record",
    version: 1,
    sessionId,
    agent: { name: agent.name, model: agent.model, tools: agent.tools.map((tool) => tool.name) },
    provider: { name, traits },
    package: VERSION,
  };
}

/** Appends to the session's file, which begins with its head; a full one makes room for the next. */
function intoFile(where: string, sessionId: string, maxBytes: number): (line: string, head: string) => void {
  // Absolute: Node's mkdir hangs on a relative path once the working directory was deleted.
  const folder = resolve(where);
  const name = nameOf(sessionId);
  const path = join(folder, `${name}.jsonl`);
  let size: number | undefined;
  return (line, head) => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const isFirst = size === undefined;
    size ??= statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    const bytes = Buffer.byteLength(line);
    if (size > 0 && size + bytes > maxBytes) {
      renameSync(path, join(folder, `${name}.1.jsonl`));
      size = 0;
    }
    let text = size === 0 ? head + line : line;
    // By a crash, or on a full disk: a line of ours behind half a line would be none either.
    if (isFirst && size > 0 && isTorn(path, size)) text = `\n${head}${line}`;
    appendFileSync(path, text, { mode: 0o600 });
    size += Buffer.byteLength(text);
  };
}

/** A file's name for a session's id, which comes from a host: none leads out of the folder, and no two ids have one file. */
function nameOf(sessionId: string): string {
  if (/^[\w-]{1,120}$/.test(sessionId)) return sessionId;
  const digest = createHash("sha256").update(sessionId).digest("hex").slice(0, 16);
  return `${sessionId.slice(0, 100).replaceAll(/[^\w-]/g, "_")}-${digest}`;
}

/** Whether the last line of a file has no end. */
function isTorn(path: string, size: number): boolean {
  const file = openSync(path, "r");
  try {
    const last = Buffer.alloc(1);
    readSync(file, last, 0, 1, size - 1);
    return last.toString() !== "\n";
  } finally {
    closeSync(file);
  }
}

/** Gives lines to a function of the user's, which may fail at once or, where it gives a promise, later. */
function intoFunction(
  write: (line: string, sessionId: string) => void,
  sessionId: string,
  onFailure: (thrown: unknown) => void,
): (line: string, head: string) => void {
  let hasHead = false;
  return (line, head) => {
    if (!hasHead) contained(() => write(head.trimEnd(), sessionId), onFailure);
    hasHead = true;
    contained(() => write(line.trimEnd(), sessionId), onFailure);
  };
}

/** Whether two pieces are of one block of one message. */
function isSame(a: DeltaEvent, b: DeltaEvent): boolean {
  if (a.type !== b.type || a.thread !== b.thread) return false;
  if (a.type !== "text.delta" || b.type !== "text.delta") return true;
  return a.messageId === b.messageId && a.index === b.index;
}
