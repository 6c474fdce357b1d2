/**
 * A stored session as a recording, in the format of `recordTo`: the events that readers of a worker's session were shown, which
 * are in its log; of any other session, what its log tells of them. Neither has deltas.
 */

import type { SessionEvent } from "../../core/events.ts";
import type { JournalEntry } from "../../core/journal/entry.ts";
import { asEntry } from "../../core/journal/entry.ts";
import { isObject } from "../../core/json.ts";
import type { RecordedEntry, RecordingHead } from "../../core/recording.ts";
import type { Ending, EndingDetails } from "../../core/results.ts";
import { terminalOf } from "../../core/results.ts";
import type { StoredEntry } from "../../core/store.ts";
import { VERSION } from "../../core/version.ts";
import type { SessionSummary } from "../../stores/sessions.ts";
import { RetoldRun } from "./retold-run.ts";

/** The lines of a stored session's recording, each as soon as its entry is read. */
export async function* recordingOf(
  summary: SessionSummary,
  log: AsyncIterable<StoredEntry>,
): AsyncGenerator<RecordingHead | RecordedEntry> {
  let head: RecordingHead | undefined = headOf(summary);
  const events = new LoggedEvents(summary.sessionId);
  for await (const { entry } of log) {
    const known = asEntry(entry);
    if (known.type === "session.opened" && head !== undefined) head = headOf(summary, known);
    const written = isObject(entry) && typeof entry["at"] === "number" ? entry["at"] : undefined;
    for (const recorded of events.take(known, written)) {
      if (head !== undefined) yield head;
      head = undefined;
      yield recorded;
    }
  }
  if (head !== undefined) yield head;
  yield* events.end();
}

type Opened = Extract<JournalEntry, { type: "session.opened" }>;

function headOf({ sessionId, agent, provider }: SessionSummary, opened?: Opened): RecordingHead {
  const { shown, traits } = opened ?? {};
  const model = shown?.model || undefined;
  return {
    loophost: "record",
    version: 1,
    sessionId,
    agent: { name: agent, model, tools: namesIn(shown?.tools) },
    // Logs of earlier releases do not tell the traits: these fit what is read of a recording.
    provider: {
      name: provider,
      traits: traits ?? { answers: "together", history: "host", worksAlone: false },
    },
    package: VERSION,
  };
}

/** The names of tools as they are on record: `[name, description, schema]` of each. */
function namesIn(tools: string | undefined): string[] {
  const described: unknown = JSON.parse(tools ?? "[]");
  if (!Array.isArray(described)) return [];
  return described.flatMap((tool: unknown) =>
    Array.isArray(tool) && typeof tool[0] === "string" ? [tool[0]] : [],
  );
}

/** The events of a log, entry by entry. */
class LoggedEvents {
  readonly #sessionId: string;
  #run = "";
  #at = 0;
  /** Whether a worker ran it, whose log has the events themselves. */
  #isTold = false;
  #retold = new RetoldRun();
  /** The run waits, so that whoever watched it saw it end, until it is taken up. */
  #isParked = false;

  constructor(sessionId: string) {
    this.#sessionId = sessionId;
  }

  take(entry: JournalEntry, at: number | undefined): RecordedEntry[] {
    this.#at = at ?? this.#at;
    const parked = this.#isParked && (entry.type === "run.resumed" || entry.type === "run.started");
    return [...(parked ? this.end() : []), ...this.#eventsOf(entry).map((event) => this.#entry(event))];
  }

  /** The end of a run that waits. */
  end(): RecordedEntry[] {
    const isParked = this.#isParked;
    this.#isParked = false;
    return isParked ? [this.#entry(ended("requires_action", "waiting"))] : [];
  }

  #entry(event: SessionEvent): RecordedEntry {
    return { at: this.#at, run: this.#run, event };
  }

  #eventsOf(entry: JournalEntry): readonly SessionEvent[] {
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- of the others readers are shown nothing
    switch (entry.type) {
      case "session.created":
        this.#isTold = true;
        return [];
      case "told":
        return entry.events;
      case "run.started":
        this.#run = entry.runId;
        this.#retold = new RetoldRun();
        return this.#isTold ? [] : [this.#begin()];
      case "run.resumed":
        return [this.#begin()];
      case "run.waiting":
        this.#isParked = true;
        return [...this.#retell(entry), { type: "run.waiting", on: entry.on }];
      case "run.ended":
        this.#isParked = false;
        return [...this.#retell(entry), ended(entry.ending, entry.stopReason, entry.details)];
      case "run.failed":
        this.#isParked = false;
        return [{ type: "run.failed", code: entry.code, message: entry.message }];
      case "decided":
      case "call.started":
      case "call.finished":
        this.#isParked = false;
        return this.#retell(entry);
      default:
        return this.#retell(entry);
    }
  }

  #begin(): SessionEvent {
    return { type: "run.started", runId: this.#run, sessionId: this.#sessionId };
  }

  #retell(entry: JournalEntry): readonly SessionEvent[] {
    return this.#isTold ? [] : this.#retold.take(entry, this.#at);
  }
}

function ended(ending: Ending, stopReason: unknown, details?: EndingDetails): SessionEvent {
  return { type: "run.ended", terminal: terminalOf(ending), ending, stopReason, details };
}
