/**
 * A run as a person watches it: the agent's text on one output, what happens around it on the other.
 *
 *   P1  the text output holds what the agent said and nothing else, so that it can be piped on
 *   P2  deltas are shown on a terminal only: elsewhere a message that the host starts again could not be taken back
 *   P3  on a terminal both outputs share the screen: a note never lands in the middle of a line, and the live line is
 *       wiped before anything else is written
 */

import { styleText } from "node:util";

import type { Clock } from "../../core/clock.ts";
import type { SessionEvent } from "../../core/events.ts";
import type { PartialResult, RunEnd } from "../../core/results.ts";
import { resultText } from "../../core/results.ts";
import {
  count,
  formatBytes,
  formatCall,
  formatMs,
  formatMoney,
  formatProgress,
  formatUsage,
  printable,
  resultBytes,
  shorten,
} from "./format.ts";
import { LiveLine } from "./live-line.ts";

/** Where lines go: standard output or error, or what a test puts in their place. */
export interface Output {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  hasColors?(): boolean;
  write(text: string): unknown;
}

/** Shows a run while it happens. */
export class Progress {
  readonly #text: Output;
  readonly #notes: Output;
  readonly #clock: Clock;
  readonly #started: number;
  readonly #live: LiveLine;
  readonly #calls = new Map<string, string>();
  /** How far those say they are. */
  readonly #said = new Map<string, string>();
  #isMidLine = false;
  /** What deltas have shown of the message that is being written. */
  #streamed = "";

  constructor(text: Output, notes: Output, clock: Clock = SCREEN_CLOCK) {
    this.#text = text;
    this.#notes = notes;
    this.#clock = clock;
    this.#started = clock.now();
    this.#live = new LiveLine(notes, clock);
  }

  /** The calls whose tools run right now. */
  get running(): readonly string[] {
    return [...this.#calls].map(([id, call]) => [call, this.#said.get(id)].filter(isSaid).join(" "));
  }

  /** Shows what there is to show of an event. */
  show(event: SessionEvent): void {
    switch (event.type) {
      case "turn.started":
        return this.#doing("thinking");
      case "text.delta":
        return event.thread === undefined ? this.#delta(event.text) : undefined;
      case "message":
        return event.thread === undefined
          ? this.#message(event.text)
          : this.note(`  ${event.thread}: ${shorten(event.text, 100)}`);
      case "deltas.retracted":
        if (this.#streamed !== "") this.note(`  (starting this message again: ${event.reason})`);
        this.#streamed = "";
        return;
      case "tool.called":
        this.#calls.set(event.id, formatCall(event.name, event.input));
        return this.#showRunning();
      case "tool.progress":
        this.#said.set(event.id, formatProgress(event.progress));
        return this.#showRunning();
      case "tool.finished":
        return this.#finished(event);
      case "server_tool.called":
        return this.note(`  ${formatCall(event.name, event.input)}  on the host`);
      case "retrying":
        // Retries of the host itself have no delay that we know.
        return this.note(
          event.delayMs === 0
            ? `  the host tries again: ${event.reason}`
            : `  trying again in ${formatMs(event.delayMs)}: ${event.reason}`,
        );
      case "context.compacted":
        return this.note("  the conversation was compacted to make room");
      case "stream.lost":
        return this.note(`  the stream dropped, reconnecting: ${event.reason}`);
      case "stream.restored":
        return this.note("  reconnected, nothing lost");
      case "outcome.evaluated":
        return this.note(
          `  graded (${event.iteration}): ${event.verdict}, ${shorten(event.explanation, 100)}`,
        );
      case "thread.changed":
        return event.status === "created" ? this.note(`  ${event.agentName} began`) : undefined;
      case "run.ended":
      case "run.failed":
        return this.#still();
      case "run.waiting":
        this.#still();
        for (const { name, input, what } of event.on)
          if (what === "answer") this.note(`  waiting for the answer to ${formatCall(name, input)}`);
        return;
      case "run.started":
      case "thinking.delta":
      case "tool.started":
      case "tool.posted":
      case "model.asked":
      case "approval.requested":
      case "server_tool.finished":
      case "usage":
      case "turn.ended":
      case "provider":
        return;
    }
  }

  /** Writes a line beside the text. */
  note(line: string, style: "dim" | "red" | "yellow" | "plain" = "dim"): void {
    const text = printable(line);
    const isPlain = style === "plain" || this.#notes.hasColors?.() !== true;
    this.pass(`${isPlain ? text : styleText(style, text, { validateStream: false })}\n`);
  }

  /** Writes what somebody else has to say beside the text, as it is. */
  pass(text: string): void {
    this.#clear();
    this.#notes.write(text);
    if (text.endsWith("\n")) this.#live.show();
  }

  /** Asks for an answer, which the terminal shows as it is typed. */
  ask(question: string): void {
    this.#clear();
    this.#live.ask(question);
  }

  /** The question is over: with Enter, which has ended its line on the screen, or with an end of ours. */
  answered(end?: "\n"): void {
    this.#live.answered(end);
  }

  /** Says how the run ended and what it took. */
  end(
    result: PartialResult & Partial<RunEnd>,
    how: string = result.ending === "completed" ? "end_turn" : (result.ending ?? "failed"),
  ): void {
    this.#still();
    if (result.details?.message !== undefined) this.note(`\n${result.details.message}`, "yellow");
    const parts = [
      how,
      count(result.turns, "turn"),
      count(result.toolCalls.length, "tool call"),
      formatUsage(result.usage),
      result.cost && formatMoney(result.cost),
      formatMs(this.#clock.now() - this.#started),
    ];
    this.#notes.write("\n");
    this.note(parts.filter((part) => part !== undefined).join(" · "));
  }

  #delta(text: string): void {
    if (this.#text.isTTY !== true || text === "") return;
    this.#live.wipe();
    this.#text.write(printable(text));
    this.#isMidLine = !text.endsWith("\n");
    this.#streamed += text;
  }

  #message(text: string): void {
    this.#live.wipe();
    // Deltas may be lost on their way from another process: then the message is shown again, whole.
    if (this.#streamed !== text && text !== "") {
      this.#endLine();
      this.#text.write(this.#text.isTTY === true ? printable(text) : text);
      this.#isMidLine = !text.endsWith("\n");
    }
    this.#streamed = "";
    this.#endLine();
    this.#live.show();
  }

  #finished({ id, name, result, durationMs }: Extract<SessionEvent, { type: "tool.finished" }>): void {
    const call = this.#calls.get(id) ?? name;
    this.#calls.delete(id);
    this.#said.delete(id);
    if (result.isError)
      this.note(`  ✗ ${call}  ${formatMs(durationMs)}  ${shorten(resultText(result), 120)}`, "red");
    else this.note(`  ✓ ${call}  ${formatMs(durationMs)}  ${formatBytes(resultBytes(result))}`);
    this.#showRunning();
  }

  #showRunning(): void {
    this.#doing(this.#calls.size > 0 ? this.running.join(", ") : undefined);
  }

  /** Shows what goes on right now, unless a line of text is being written. */
  #doing(what: string | undefined): void {
    this.#live.doing(what);
    if (!this.#isMidLine) this.#live.show();
  }

  /** Nothing goes on any more. */
  #still(): void {
    this.#doing(undefined);
    this.#endLine();
  }

  #clear(): void {
    this.#live.wipe();
    this.#endLine();
  }

  #endLine(): void {
    if (this.#isMidLine) this.#text.write("\n");
    this.#isMidLine = false;
  }
}

function isSaid(text: string | undefined): text is string {
  return text !== undefined && text !== "";
}

/** The system clock, with timers that do not keep the process alive (unref). */
const SCREEN_CLOCK: Clock = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms).unref();
    return () => clearTimeout(timer);
  },
};
