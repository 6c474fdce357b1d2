/** A session's log as a person reads it: runs, turns, calls with their sizes, decisions and errors, in order. */

import type { WaitingCall } from "../../core/events.ts";
import type { JournalEntry, MessageEntry, Spent } from "../../core/journal/entry.ts";
import { asEntry } from "../../core/journal/entry.ts";
import { StoredFacts } from "../../core/journal/recorded.ts";
import type { Json } from "../../core/json.ts";
import { isObject } from "../../core/json.ts";
import type { HostInput } from "../../core/provider.ts";
import type { ContentBlock } from "../../core/results.ts";
import { resultText } from "../../core/results.ts";
import type { StoredEntry } from "../../core/store.ts";
import { textOf } from "../../core/transcript.ts";
import type { SessionSummary } from "../../stores/sessions.ts";
import { waitingLines } from "../agent/go-on.ts";
import { waitingAfter } from "../stored/waiting-calls.ts";
import {
  count,
  formatBytes,
  formatCall,
  formatTime,
  formatUsage,
  printable,
  resultBytes,
  shorten,
} from "./format.ts";

const MAX_CHARS = 160;
// As wide as "11-21 05:03:21".
const TIME = " ".repeat(14);

/** The lines of a session's timeline, each as soon as its entry is read. */
export async function* timelineOf(
  { sessionId, agent, provider, status, runs, updatedAt }: SessionSummary,
  log: AsyncIterable<StoredEntry>,
  storeFile: string,
): AsyncGenerator<string> {
  yield printable(`${sessionId} · ${agent} · ${provider}`);
  yield `${status} · ${count(runs, "run")} · updated ${formatTime(updatedAt)}`;
  const timeline = new Timeline();
  for await (const { entry } of log) for (const line of timeline.take(entry)) yield printable(line);
  for (const line of timeline.open()) yield printable(line);
  const stored = { sessionId, agentFile: undefined, storeFile, needsAgent: !timeline.isCreated };
  for (const call of timeline.waiting) yield* ["", ...waitingLines(call, stored)];
}

class Timeline {
  readonly #recorded = new StoredFacts();
  readonly #names = new Map<string, string>();
  #time = "";
  /** The calls that wait for somebody. */
  waiting: readonly WaitingCall[] = [];

  /** Whether it is one that workers run. */
  get isCreated(): boolean {
    return this.#recorded.created !== undefined;
  }

  take(stored: Json): readonly string[] {
    this.waiting = waitingAfter(this.waiting, stored);
    const entry = fromJson(stored);
    if (entry === undefined) return [];
    const lines = this.#describe(entry);
    this.#recorded.apply(entry);
    return this.#withTime(lines, entry);
  }

  /** What the log leaves open. */
  open(): readonly string[] {
    const { run, calls } = this.#recorded;
    if (run === undefined || this.waiting.length > 0) return [];
    const begun = [...run.toolCalls.keys()].filter((id) => calls.get(id)?.state === "started");
    const margin = this.#time === "" ? "" : `${TIME}  `;
    return [
      ...begun.map((id) => lineOf("…", this.#call(id), "has no result yet")),
      this.isCreated
        ? "  not ended: a worker is at it, or the next one takes it up (loophost worker)"
        : "  not ended: a process is at it, or died over it (then: loophost resume)",
    ].map((line) => margin + line);
  }

  /** Says when, where that is another moment than the last that was said. */
  #withTime(lines: readonly string[], { at }: { readonly at?: unknown }): readonly string[] {
    if (typeof at !== "number") return lines;
    const time = formatTime(at).slice(-TIME.length);
    return lines.map((line) => {
      if (line === "") return line;
      const isNews = time !== this.#time;
      this.#time = time;
      return `${isNews ? time : TIME}  ${line}`;
    });
  }

  #describe(entry: JournalEntry): readonly string[] {
    switch (entry.type) {
      case "session.opened":
        return this.#recorded.opened === undefined ? [] : ["", "The agent was changed."];
      case "run.started":
        return ["", `${entry.runId}  ${describeInput(entry.input)}`];
      case "said":
        return this.#said(entry);
      case "cursor": // the provider's own
        return [];
      case "transcript.replaced":
        return [`  the conversation was rewritten, to ${count(entry.messages.length, "message")}`];
      case "call.started":
        this.#names.set(entry.id, entry.name);
        return [lineOf("→", `${formatCall(entry.name, entry.input)}  ${entry.id}`, sizeOf(entry.input))];
      case "call.finished": {
        const { id, result } = entry;
        const what = result.isError ? resultText(result) : formatBytes(resultBytes(result));
        return [lineOf(result.isError ? "✗" : "✓", this.#call(id), what)];
      }
      case "decided":
        return [lineOf(entry.allow ? "allowed" : "refused", this.#call(entry.id), entry.why)];
      case "run.waiting":
        for (const { id, name } of entry.on) if (typeof name === "string") this.#names.set(id, name);
        return entry.on.map(({ id, what }) => lineOf("?", this.#call(id), `waits for ${what}`));
      case "run.ended":
        return [
          `  ended: ${[entry.ending, entry.turns && count(entry.turns, "turn"), this.#tokens(entry)].filter(Boolean).join(" · ")}`,
          ...(entry.details?.message === undefined
            ? []
            : [`    ${shorten(entry.details.message, MAX_CHARS)}`]),
        ];
      case "run.failed":
        return [lineOf("failed", entry.code, entry.message)];
      case "interrupted":
        return [lineOf("stopped", entry.runId, "interrupted")];
      case "item.refused":
        return [lineOf("refused", `item ${entry.item}`, entry.message)];
      case "session.created":
      case "session.bound":
      case "told": // the entries beside it say the same, shorter
      case "run.resumed":
      case "input.sent":
      case "calls.posted":
        return [];
      default: // of a later release
        return [];
    }
  }

  #said({ message, isInput, usage }: MessageEntry): readonly string[] {
    if (message.role === "tool" || isInput === true) return [];
    if (message.role === "user") return [lineOf("to the model", textIn(message.content))];
    for (const block of message.content)
      if (block.type === "tool_call") this.#names.set(block.id, block.name);
    const turn = `turn ${(this.#recorded.run?.turns ?? 0) + 1}`;
    const text = shorten(textOf(message), MAX_CHARS);
    const head = [turn, usage && formatUsage(usage)].filter(Boolean).join(" · ");
    return [`  ${head}`, ...(text === "" ? [] : [`    ${text}`])];
  }

  #call(id: string): string {
    const name = this.#names.get(id);
    return name === undefined ? id : `${name}  ${id}`;
  }

  #tokens(spent: Partial<Spent>): string | undefined {
    const usage = spent.usage ?? this.#recorded.run?.usage;
    return usage && formatUsage(usage);
  }
}

function lineOf(sign: string, what: string, more?: string): string {
  return `  ${sign} ${what}${more === undefined ? "" : `  ${shorten(more, MAX_CHARS)}`}`;
}

function describeInput(input: readonly HostInput[]): string {
  const said = input.flatMap((part) => {
    if (part.type === "outcome")
      return [`outcome: ${JSON.stringify(shorten(part.outcome.description, MAX_CHARS))}`];
    return part.type === "message" ? [textIn(part.content)] : [];
  });
  return said.length === 0 ? "without a new message" : said.join(" ");
}

function textIn(content: readonly ContentBlock[]): string {
  const parts = content.map((block) => (block.type === "text" ? block.text : `(${block.type})`));
  return JSON.stringify(shorten(parts.join(" "), MAX_CHARS));
}

function sizeOf(input: unknown): string {
  return formatBytes(Buffer.byteLength(JSON.stringify(input) ?? ""));
}

function fromJson(entry: Json): (JournalEntry & { readonly at?: unknown }) | undefined {
  if (!isObject(entry) || typeof entry["type"] !== "string") return undefined;
  return asEntry(entry);
}
