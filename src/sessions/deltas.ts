/**
 * Deltas on their way from the process that runs a session to those that follow it. The bus may lose, repeat and merge what is
 * said, so each delta has its offset in what is being written: without it a follower would show text with a hole in it.
 *
 *   S1  a reader is shown a delta only where it goes on from what he has; after a gap none, until the whole event is there
 *   S2  whoever begins to follow is told what was written so far
 *   S3  what a process wrote that died is retracted before anything of its successor is shown: the model writes something else
 */

import type { Clock } from "../core/clock.ts";
import type { DeltaEvent, DeltasRetractedEvent, SessionEvent } from "../core/events.ts";
import { asEntry } from "../core/journal/entry.ts";
import type { StoredEntry } from "../core/store.ts";
import type { Word } from "./words.ts";

type DeltaWord = Extract<Word, { readonly say: "delta" }>;

/** Somebody follows for so long after having said so. */
const FOLLOWED_MS = 30_000;
/** So many characters are kept for those who begin to follow. */
const MAX_KEPT = 6_000;
/** So many deltas wait for the whole events before them. */
const MAX_HELD = 1_000;

/** Says the deltas of a session, while somebody follows it. */
export class SaidDeltas {
  readonly #say: (word: DeltaWord) => void;
  readonly #clock: Clock;
  /** Nobody else says it, not even a later activation in this process. */
  readonly #by = crypto.randomUUID().slice(0, 13);
  #followedUntil = -Infinity;
  /** How many whole events were told before what is being written. */
  #after = -1;
  #length = 0;
  /** What is being written, in pieces as long as they can be. */
  #soFar: DeltaWord[] = [];

  constructor(say: (word: DeltaWord) => void, clock: Clock) {
    this.#say = say;
    this.#clock = clock;
  }

  /** Somebody follows. */
  follow(): void {
    this.#followedUntil = this.#clock.now() + FOLLOWED_MS;
    if (this.#length <= MAX_KEPT) for (const word of this.#soFar) this.#say(word);
  }

  /** A delta, after so many whole events. */
  add(event: DeltaEvent, after: number): void {
    if (after !== this.#after) {
      this.#after = after;
      this.#length = 0;
      this.#soFar = [];
    }
    const word = { say: "delta", by: this.#by, after, at: this.#length, event } as const;
    this.#length += event.text.length;
    if (this.#length <= MAX_KEPT) this.#keep(word);
    else this.#soFar = [];
    if (this.#clock.now() < this.#followedUntil) this.#say(word);
  }

  #keep(word: DeltaWord): void {
    const last = this.#soFar.at(-1);
    if (last === undefined || !isOfSamePart(last.event, word.event)) this.#soFar.push(word);
    else
      this.#soFar.splice(-1, 1, {
        ...last,
        event: { ...last.event, text: last.event.text + word.event.text },
      });
  }
}

/** The deltas a reader hears, until he has the whole events before them. */
export class HeardDeltas {
  #held: DeltaWord[] = [];
  /** How many whole events the reader has. */
  #has = 0;
  /** How much he was shown of what follows them, and whose. */
  #shown = 0;
  #by = "";
  /** Whose words are void: they were retracted. */
  #voided = new Set<string>();
  /** Whether he was shown text that no whole event has replaced. */
  #isUnfinished = false;

  add(word: DeltaWord): void {
    this.#held.push(word);
    if (this.#held.length > MAX_HELD) this.#held.shift();
  }

  /** The reader has an event of an entry; gives what he has to be shown before it. */
  pass({ entry }: StoredEntry, index: number, { type }: SessionEvent): readonly DeltasRetractedEvent[] {
    const known = asEntry(entry);
    if (known.type === "told" && known.first + index >= this.#has) {
      this.#has = known.first + index + 1;
      this.#shown = 0;
      this.#voided.clear();
    }
    if (ENDS_TEXT.has(type)) this.#isUnfinished = false;
    return type === "turn.started" ? this.#retract() : [];
  }

  /** Those that go on from what the reader has; those before it are void. */
  due(): readonly (DeltaEvent | DeltasRetractedEvent)[] {
    const due: (DeltaEvent | DeltasRetractedEvent)[] = [];
    for (const { by, after, at, event } of this.#held) {
      if (after !== this.#has || this.#voided.has(by)) continue;
      if (by !== this.#by) {
        if (at > 0) continue;
        due.push(...this.#retract());
        if (this.#shown > 0) this.#voided.add(this.#by);
        this.#by = by;
        this.#shown = 0;
      }
      const end = at + event.text.length;
      if (at > this.#shown || end <= this.#shown) continue;
      due.push({ ...event, text: event.text.slice(this.#shown - at) });
      this.#shown = end;
      this.#isUnfinished = true;
    }
    this.#held = this.#held.filter(({ after }) => after > this.#has);
    return due;
  }

  #retract(): readonly DeltasRetractedEvent[] {
    if (!this.#isUnfinished) return [];
    this.#isUnfinished = false;
    return [{ type: "deltas.retracted", reason: "Who ran the session is gone, and the model begins again." }];
  }
}

/** After these, nothing that was shown waits for its whole event. */
const ENDS_TEXT: ReadonlySet<SessionEvent["type"]> = new Set([
  "message",
  "deltas.retracted",
  "turn.ended",
  "run.ended",
  "run.failed",
]);

function isOfSamePart(one: DeltaEvent, other: DeltaEvent): boolean {
  if (one.type !== other.type || one.thread !== other.thread) return false;
  return (
    one.type !== "text.delta" ||
    other.type !== "text.delta" ||
    (one.messageId === other.messageId && one.index === other.index)
  );
}
