/**
 * What is recorded of a session: the entries of its log, and the fold over them.
 *
 * An entry is written when something can no longer be taken back or must not be done again. What one entry says is
 * true as a whole, so what belongs together is one entry.
 */

import type { RunWaiting } from "./events.ts";
import type { HostInput } from "./provider.ts";
import type { Ending, ToolResult, ToolUse, Usage } from "./results.ts";
import { addUsage, NO_USAGE } from "./results.ts";
import type { TranscriptMessage } from "./transcript.ts";

/** What an agent is to a model, part by part, as JSON text. Its name and limits are not among it. */
export type ShownAgent = Readonly<Record<"instructions" | "model" | "tools" | "output", string>>;

/** What is written to a session's log. */
export type JournalEntry =
  | {
      readonly type: "session.opened";
      readonly agent: string;
      readonly shown: ShownAgent;
      readonly provider: string;
    }
  | { readonly type: "run.started"; readonly runId: string; readonly input: readonly HostInput[] }
  /** The host has the run's input. */
  | { readonly type: "input.sent"; readonly runId: string }
  | Said
  /** The conversation was rewritten. */
  | { readonly type: "transcript.replaced"; readonly messages: readonly TranscriptMessage[] }
  | { readonly type: "call.started"; readonly id: string; readonly name: string; readonly input: unknown }
  | { readonly type: "call.finished"; readonly id: string; readonly result: ToolResult }
  | { readonly type: "calls.posted"; readonly ids: readonly string[] }
  | {
      readonly type: "decided";
      readonly id: string;
      readonly allow: boolean;
      readonly why?: string | undefined;
    }
  | { readonly type: "run.waiting"; readonly on: RunWaiting["on"] }
  | { readonly type: "run.ended"; readonly runId: string; readonly ending: Ending }
  | { readonly type: "run.failed"; readonly runId: string; readonly code: string; readonly message: string };

/** A message entered the conversation, where this side holds it. */
export interface Said {
  readonly type: "said";
  readonly message: TranscriptMessage;
  /** Whether it is the input of the run. */
  readonly isInput?: boolean | undefined;
  readonly usage?: Usage | undefined;
  /** How the turn ended, when this message ended it. */
  readonly end?: { readonly ending: Ending; readonly stopReason: unknown } | undefined;
}

/** How far a call came. */
export type CallRecord =
  | { readonly state: "started" }
  | { readonly state: "finished"; readonly result: ToolResult }
  | { readonly state: "posted" };

/** A run that has not ended. */
export interface OpenRunRecord {
  readonly id: string;
  readonly input: readonly HostInput[];
  isSent: boolean;
  turns: number;
  usage: Usage;
  readonly toolUses: Map<string, ToolUse>;
  end: { readonly ending: Ending; readonly stopReason: unknown } | undefined;
}

/** The fold over a session's log. */
export class Recorded {
  opened: Extract<JournalEntry, { type: "session.opened" }> | undefined;
  transcript: TranscriptMessage[] = [];
  /** The run that was open when the log ends. */
  run: OpenRunRecord | undefined;
  runs = 0;
  /** The calls that wait for somebody. */
  waiting: readonly string[] = [];
  /** Messages the host is known to have taken from us. */
  messagesSent = 0;
  readonly calls: Map<string, CallRecord> = new Map();
  readonly decisions: Map<string, { readonly allow: boolean; readonly why: string | undefined }> = new Map();

  /** Takes one entry in. Types it does not know, from a later release, change nothing. */
  apply(entry: JournalEntry): void {
    switch (entry.type) {
      case "session.opened":
        this.opened = entry;
        return;
      case "run.started":
        this.runs += 1;
        this.run = openRun(entry.runId, entry.input);
        return;
      case "input.sent":
        return this.#inputSent();
      case "said":
        return this.#said(entry);
      case "transcript.replaced":
        this.transcript = [...entry.messages];
        return;
      case "call.started":
        this.calls.set(entry.id, { state: "started" });
        // A decision is about one execution: should this one be lost, whether to repeat it is another question.
        this.decisions.delete(entry.id);
        this.run?.toolUses.set(entry.id, { id: entry.id, name: entry.name, input: entry.input });
        return;
      case "call.finished":
        this.calls.set(entry.id, { state: "finished", result: entry.result });
        this.waiting = this.waiting.filter((id) => id !== entry.id);
        return;
      case "calls.posted":
        for (const id of entry.ids) this.calls.set(id, { state: "posted" });
        return;
      case "decided":
        this.decisions.set(entry.id, { allow: entry.allow, why: entry.why });
        this.waiting = this.waiting.filter((id) => id !== entry.id);
        return;
      case "run.ended":
      case "run.failed":
        this.run = undefined;
        return;
      case "run.waiting":
        this.waiting = entry.on.map(({ id }) => id);
    }
  }

  #inputSent(): void {
    if (this.run === undefined || this.run.isSent) return;
    this.run.isSent = true;
    this.messagesSent += this.run.input.filter(({ type }) => type === "message").length;
  }

  #said({ message, isInput = false, usage = NO_USAGE, end }: Said): void {
    this.transcript.push(message);
    if (isInput) this.#inputSent();
    if (this.run === undefined) return;
    // Each reply of the model is a turn; one that was asked for and never came is asked for again, and counts once.
    if (message.role === "assistant") this.run.turns += 1;
    this.run.usage = addUsage(this.run.usage, usage);
    this.run.end = end;
  }
}

function openRun(id: string, input: readonly HostInput[]): OpenRunRecord {
  return { id, input, isSent: false, turns: 0, usage: NO_USAGE, toolUses: new Map(), end: undefined };
}
