/** What the log of a session says of one call: whether it waits for somebody, and which decision about it counts. */

import type { WaitingCall } from "../core/events.ts";
import { asEntry } from "../core/journal/entry.ts";
import { readPages } from "../core/journal/read-log.ts";
import type { Store } from "../core/store.ts";
import type { CallDecision } from "./items.ts";

/** A decision, and the inbox item it came in; 0 for one that came from elsewhere. */
export interface DecisionOnRecord {
  readonly decision: CallDecision;
  readonly item: number;
}

/** The fold over a log about one call; what was read is not read again. */
export class CallRecord {
  readonly #store: Store;
  readonly #sessionId: string;
  readonly #callId: string;
  #last = 0;
  /** Whether the decision has been acted on: the call may be asked about again after a crash, or another have its id. */
  #isUsed = false;
  #isStarted = false;
  /** Whether the call is in the log at all. */
  isKnown = false;
  isStopped = false;
  isFinished = false;
  /** What it waits for, where that is known. */
  what: WaitingCall["what"] | undefined;
  decided: DecisionOnRecord | undefined;
  /** How many decisions about calls of this id counted. */
  times = 0;
  /** Why items came to nothing, by their numbers. */
  readonly refused: Map<number, string> = new Map();

  constructor(store: Store, sessionId: string, callId: string) {
    this.#store = store;
    this.#sessionId = sessionId;
    this.#callId = callId;
  }

  /** Whether its tool runs, and nobody was asked. */
  get isRunning(): boolean {
    return this.#isStarted && this.what === undefined;
  }

  /** Reads on to the end of the log. */
  async read(): Promise<void> {
    for await (const page of readPages(this.#store.log, this.#sessionId, this.#last))
      for (const { seq, entry } of page) {
        this.#apply(asEntry(entry));
        this.#last = seq;
      }
  }

  #apply(entry: ReturnType<typeof asEntry>): void {
    const id = this.#callId;
    if (entry.type === "item.refused") this.refused.set(entry.item, entry.message);
    else if (entry.type === "told") {
      for (const event of entry.events) if ("id" in event && event.id === id) this.#seen(event.type);
    } else if (entry.type === "run.waiting") {
      const asked = entry.on.find((call) => call.id === id);
      if (asked !== undefined) this.#asked(asked.what);
    } else if (entry.type === "run.ended") {
      this.isStopped ||= entry.ending === "interrupted" && this.isKnown;
    } else if (entry.type === "calls.posted") {
      if (entry.ids.includes(id)) this.#isUsed = this.isFinished = true;
    } else if ("id" in entry && entry.id === id) {
      this.isKnown = true;
      if (entry.type === "call.started") this.#isUsed = this.#isStarted = true;
      else if (entry.type === "decided") {
        const { allow, why, item = 0 } = entry;
        this.#decide({ decision: { allow, why }, item });
      } else if (entry.type === "call.finished") {
        const { result, item = 0 } = entry;
        if (item > 0 || this.what === "answer") this.#decide({ decision: { allow: true, result }, item });
        this.#isUsed = this.isFinished = true;
      }
    }
  }

  #seen(type: string): void {
    // Told again under an id that was used before, it is another call.
    if (type === "tool.called") this.#isStarted = this.isFinished = this.isStopped = false;
    this.isKnown = true;
    if (type === "approval.requested") this.#asked("approval");
  }

  #asked(what: WaitingCall["what"]): void {
    this.isKnown = true;
    this.isStopped = false;
    this.what = what;
    if (this.#isUsed) this.decided = undefined;
    this.#isUsed = this.#isStarted = this.isFinished = false;
  }

  /** The first decision counts. */
  #decide(decided: DecisionOnRecord): void {
    if (this.decided !== undefined && !this.#isUsed) return;
    this.decided = decided;
    this.#isUsed = false;
    this.times += 1;
  }
}
