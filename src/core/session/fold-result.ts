/** Derives the result of a session's last run from its log, for a process that does not run the session. */

import type { ErrorCode } from "../errors.ts";
import { LoophostError, withResult } from "../errors.ts";
import type { SessionEvent } from "../events.ts";
import type { JournalEntry } from "../journal/entry.ts";
import type { RunEnd, SessionResult } from "../results.ts";
import { terminalOf } from "../results.ts";
import type { TranscriptMessage } from "../transcript.ts";
import { RunSum } from "./run-sum.ts";

/** How the last run of a session stands. */
export type RunState =
  | { readonly is: "none" | "open" }
  | { readonly is: "over"; readonly result: SessionResult }
  | { readonly is: "failed"; readonly error: LoophostError };

/** Folds a log, entry by entry, to the result of its last run. */
export class ResultFold {
  readonly #sessionId: string;
  #sum = new RunSum();
  #events: SessionEvent[] = [];
  #end: RunEnd | undefined;
  #failed: { readonly code: ErrorCode; readonly message: string } | undefined;
  #isOpen = false;
  #transcript: TranscriptMessage[] | null = null;

  constructor(sessionId: string) {
    this.#sessionId = sessionId;
  }

  /** Takes one entry in. */
  apply(entry: JournalEntry): void {
    switch (entry.type) {
      case "told":
        for (const event of entry.events) this.#show(event);
        return;
      case "said":
        (this.#transcript ??= []).push(entry.message);
        return;
      case "transcript.replaced":
        this.#transcript = [...entry.messages];
        return;
      case "run.started":
        this.#isOpen = true;
        this.#end = this.#failed = undefined;
        return;
      case "run.resumed":
        this.#end = undefined;
        return;
      case "run.waiting":
        this.#end = { ending: "requires_action", stopReason: "waiting" };
        return;
      case "decided":
      case "call.finished":
        this.#end = undefined;
        return;
      case "run.ended":
        this.#isOpen = false;
        this.#end = entry;
        this.#sum.output = entry.output;
        return;
      case "run.failed":
        this.#isOpen = false;
        this.#failed = entry;
        return;
      case "item.refused":
        // A message to a session its host has ended: told the result of the run before, its sender would take that for the reply.
        if (entry.code !== "session_closed") return;
        this.#sum = new RunSum();
        this.#events = [];
        this.#failed = { code: entry.code, message: entry.message };
        return;
      case "session.created":
      case "session.bound":
      case "session.opened":
      case "interrupted":
      case "input.sent":
      case "cursor":
      case "call.started":
      case "calls.posted":
    }
  }

  /** The state of the last run. A run that waits for a person counts as over until somebody decides. */
  state(): RunState {
    const all = { ...this.#sum.of(this.#sessionId, this.#events), transcript: this.#transcript };
    if (this.#failed !== undefined) {
      const error = new LoophostError(this.#failed.code, this.#failed.message);
      return { is: "failed", error: withResult(error, all) };
    }
    if (this.#end === undefined) return { is: this.#isOpen ? "open" : "none" };
    const { ending, stopReason, details } = this.#end;
    return { is: "over", result: { ...all, terminal: terminalOf(ending), ending, stopReason, details } };
  }

  #show(event: SessionEvent): void {
    // The first event of a run, which is on record before the run itself is.
    if (event.type === "run.started") {
      this.#sum = new RunSum();
      this.#events = [];
    }
    this.#events.push(event);
    this.#sum.add(event);
  }
}
