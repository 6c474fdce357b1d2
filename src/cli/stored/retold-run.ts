/** The events of a run that are on record in other words: messages and calls, where this side held the conversation; else calls alone. */

import type { SessionEvent } from "../../core/events.ts";
import type { JournalEntry, MessageEntry } from "../../core/journal/entry.ts";
import type { Usage } from "../../core/results.ts";
import { terminalOf } from "../../core/results.ts";
import { textOf } from "../../core/transcript.ts";

/** One run, told again. */
export class RetoldRun {
  #turn = 0;
  #hasUsage = false;
  readonly #calls = new Map<string, { readonly name: string; startedAt?: number }>();

  /** The events that an entry stands for. */
  take(entry: JournalEntry, at: number): readonly SessionEvent[] {
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the others stand for none of these events
    switch (entry.type) {
      case "said":
        return this.#said(entry);
      case "call.started": {
        const { id, name, input } = entry;
        const called = this.#called(id, name, input);
        this.#calls.set(id, { name, startedAt: at });
        return [...called, { type: "tool.started", id, name }];
      }
      case "call.finished": {
        const { id, result } = entry;
        const { name = "a call", startedAt = at } = this.#calls.get(id) ?? {};
        return [{ type: "tool.finished", id, name, result, durationMs: at - startedAt, replayed: false }];
      }
      case "calls.posted":
        return entry.ids.map((id) => ({ type: "tool.posted", id }));
      case "run.waiting":
        return entry.on.flatMap(({ id, name, input }) => this.#called(id, name, input));
      case "run.ended":
        return this.#hasUsage ? [] : spent(entry.usage);
      default:
        return [];
    }
  }

  #said({ message, usage, end }: MessageEntry): SessionEvent[] {
    this.#hasUsage ||= usage !== undefined;
    if (message.role !== "assistant") return spent(usage);
    this.#turn += 1;
    const turn = this.#turn;
    const text = textOf(message);
    const calls = message.content.flatMap((block) =>
      block.type === "tool_call" ? this.#called(block.id, block.name, inputOf(block.arguments)) : [],
    );
    const { ending = calls.length > 0 ? "requires_action" : "completed", stopReason } = end ?? {};
    return [
      { type: "turn.started", turn },
      ...(text === "" ? [] : [{ type: "message", text } as const]),
      ...spent(usage),
      ...calls,
      { type: "turn.ended", turn, terminal: terminalOf(ending), ending, stopReason },
    ];
  }

  /** A call, the first time it is on record. */
  #called(id: string, name: string, input: unknown): SessionEvent[] {
    if (this.#calls.has(id)) return [];
    this.#calls.set(id, { name });
    return [{ type: "tool.called", id, name, input }];
  }
}

function spent(usage: Usage | undefined): SessionEvent[] {
  return usage === undefined ? [] : [{ type: "usage", usage }];
}

/** What the model wrote as input, which need not be JSON. */
function inputOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
