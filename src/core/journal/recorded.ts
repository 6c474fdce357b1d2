/** What is recorded of a stored session: the fold over its log. */

import type { Json } from "../json.ts";
import type { HostInput } from "../provider.ts";
import { byMessage, isMessage } from "../provider.ts";
import { addUsage, NO_USAGE } from "../results.ts";
import type { TranscriptMessage } from "../transcript.ts";
import { CallBook } from "./call-book.ts";
import type { JournalEntry, MessageEntry, OpenRunRecord, TimedEntry } from "./entry.ts";
import { keyOf } from "./told.ts";

/**
 * Keys of events of one run that are remembered, to emit each once after a crash (deduplication, bounded); a run with
 * more may repeat some.
 */
const MAX_TOLD = 10_000;

/** The fold over a session's log. */
export class StoredFacts extends CallBook {
  created: Extract<JournalEntry, { type: "session.created" }> | undefined;
  opened: Extract<JournalEntry, { type: "session.opened" }> | undefined;
  declare transcript: TranscriptMessage[];
  declare unsent: readonly HostInput[];
  declare run: OpenRunRecord | undefined;
  declare ended: OpenRunRecord | undefined;
  declare runs: number;
  declare cursor: Json | undefined;
  declare hostSessionId: string | undefined;
  /** How many events readers were shown, and which of the open run a reader knows by their ids. */
  toldEvents = 0;
  told: Set<string> = new Set();
  /** The calls that wait for somebody. */
  declare waiting: readonly string[];
  declare messagesSent: number;

  /** Takes one entry in. Types it does not know, from a later release, change nothing. */
  override apply(entry: TimedEntry): void {
    super.apply(entry);
    const at = typeof entry.at === "number" ? entry.at : 0;
    if (this.run !== undefined && !IS_UPKEEP.has(entry.type)) this.run.lives = 0;
    // Clock skew: what only the process writes that has the run under way, so that it is one clock's time; one that was set back takes
    // nothing off.
    if (this.run?.since !== undefined && (entry.type === "call.started" || entry.type === "run.waiting")) {
      this.run.elapsedMs += Math.max(0, at - this.run.since);
      this.run.since = at;
    }
    switch (entry.type) {
      case "session.created":
        this.created = entry;
        return;
      case "session.bound":
        this.hostSessionId = entry.hostSessionId;
        return;
      case "told":
        this.toldEvents += entry.events.length;
        for (const key of entry.events.map(keyOf))
          if (key !== undefined && this.told.size < MAX_TOLD) this.told.add(key);
        return;
      case "session.opened":
        this.opened = entry;
        return;
      case "run.started":
        this.runs += 1;
        this.ended = undefined;
        this.run = {
          id: entry.runId,
          input: entry.input,
          traceContext: entry.traceContext,
          turns: 0,
          usage: NO_USAGE,
          toolCalls: new Map(),
          isInterrupted: false,
          lives: 0,
          elapsedMs: 0,
          since: at,
        };
        this.unsent = [...this.unsent, ...entry.input];
        return;
      case "run.resumed":
        if (this.run !== undefined) {
          this.run.elapsedMs = entry.elapsedMs;
          this.run.since = at;
          this.run.lives += 1;
        }
        return;
      case "interrupted":
        if (this.run !== undefined) this.run.isInterrupted = true;
        this.unsent = [];
        return;
      case "input.sent":
        return this.#inputSent(entry.ids);
      case "said":
        return this.#said(entry);
      case "transcript.replaced":
        this.transcript = [...entry.messages];
        return;
      case "cursor":
        this.cursor = entry.value;
        return;
      case "call.started":
        this.run?.toolCalls.set(entry.id, { id: entry.id, name: entry.name, input: entry.input });
        return;
      case "call.finished":
      case "decided":
        this.waiting = this.waiting.filter((id) => id !== entry.id);
        return;
      case "run.ended":
        this.ended = this.run && { ...this.run, end: entry };
        // Nobody acts on a decision about a call that was stopped.
        if (entry.ending === "interrupted") this.waiting = [];
        this.run = undefined;
        this.unsent = [];
        this.told.clear();
        return;
      case "run.failed":
        this.run = undefined;
        this.unsent = [];
        this.told.clear();
        return;
      case "calls.posted": // the book of calls has it
      case "item.refused":
        return;
      case "run.waiting":
        this.waiting = entry.on.map(({ id }) => id);
        if (this.run !== undefined) this.run.since = undefined;
    }
  }

  #inputSent(ids: readonly string[]): void {
    this.messagesSent += ids.length;
    const isSent = ([first]: readonly HostInput[]) =>
      first !== undefined && isMessage(first) && ids.includes(first.id ?? "");
    this.unsent = byMessage(this.unsent)
      .filter((group) => !isSent(group))
      .flat();
  }

  #said({ message, isInput = false, usage = NO_USAGE, end }: MessageEntry): void {
    this.transcript.push(message);
    if (isInput) this.unsent = byMessage(this.unsent).slice(1).flat();
    if (this.run === undefined) return;
    // Each reply of the model is a turn; a request that got no reply is retried, and counts once.
    if (message.role === "assistant") this.run.turns += 1;
    this.run.usage = addUsage(this.run.usage, usage);
    this.run.end = end;
  }
}

/** Entries that are not progress of a run: a process only took it up, or looked at it. */
const IS_UPKEEP: ReadonlySet<string> = new Set<JournalEntry["type"]>([
  "run.resumed",
  "told",
  "session.opened",
  "item.refused",
]);
