/**
 * The bounded queue between the wire and the reader of a run: there is no backpressure on the host, so a slow reader
 * must cost little memory.
 *
 *   Q1  order is kept; a whole event is never dropped or merged
 *   Q2  unread deltas are merged (coalesced) within their message, so they cost their text and no more; unread progress
 *       of a call is replaced by newer
 *   Q3  beyond MAX_UNREAD whole events the *reader* fails with `slow_consumer`; the run is not disturbed
 *   Q4  a reader that breaks off leaves nothing waiting, and what was read is not kept
 */

import { LoophostError } from "../errors.ts";
import type { DeltaEvent, SessionEvent } from "../events.ts";
import { isDelta } from "../events.ts";
import type { Json } from "../json.ts";

const MERGE_FROM = 64;
const MAX_UNREAD = 10_000;

/** An ordered feed with one reader at a time. */
export class EventQueue {
  #items: SessionEvent[] = [];
  #head = 0;
  /** The progress of each call that is unread. */
  readonly #progress = new Map<string, { progress: Json }>();
  #ended: { readonly error: LoophostError | undefined } | undefined;
  #reading: Reading | undefined;

  /** Adds an event; it goes straight to a reader that waits. */
  push(event: SessionEvent): void {
    if (this.#ended !== undefined) return;
    const waiting = this.#reading?.waiting;
    if (this.#reading !== undefined && waiting !== undefined) {
      this.#reading.waiting = undefined;
      waiting.resolve({ value: event, done: false });
      return;
    }
    if (event.type === "tool.progress") {
      const unread = this.#progress.get(event.id);
      if (unread !== undefined) {
        unread.progress = event.progress;
        return;
      }
      this.#progress.set(event.id, (event = { ...event }));
    }
    const unread = this.#items.length - this.#head;
    if (unread >= MERGE_FROM && isDelta(event)) {
      const last = this.#items.at(-1);
      if (last !== undefined && isDelta(last) && isSameMessage(last, event)) {
        const text = last.text + event.text;
        this.#items[this.#items.length - 1] = { ...event, text, raw: undefined };
        return;
      }
    }
    if (unread >= MAX_UNREAD) {
      this.end(
        new LoophostError(
          "slow_consumer",
          `${MAX_UNREAD} events of this run were not read. Read faster, or only await result().`,
        ),
      );
      return;
    }
    this.#items.push(event);
  }

  /** Ends the feed: what is unread can still be read, then the reader sees the end, or the error. */
  end(error?: LoophostError): void {
    if (this.#ended !== undefined) return;
    this.#ended = { error };
    const waiting = this.#reading?.waiting;
    if (waiting === undefined) return;
    this.#reading = undefined;
    if (error === undefined) waiting.resolve(DONE);
    else waiting.reject(error);
  }

  /** Reads the feed. `break` stops reading, not the run; a second read continues with the next unread event. */
  read(): AsyncIterableIterator<SessionEvent> {
    if (this.#reading !== undefined)
      throw new LoophostError(
        "invalid_options",
        "This run is already being read; a run has one reader at a time.",
      );
    const reading: Reading = { waiting: undefined };
    this.#reading = reading;
    return {
      next: () => (this.#reading === reading ? this.#next(reading) : Promise.resolve(DONE)),
      return: () => {
        if (this.#reading === reading) this.#reading = undefined;
        reading.waiting?.resolve(DONE);
        return Promise.resolve(DONE);
      },
      [Symbol.asyncIterator]: returnThis,
    };
  }

  #next(reading: Reading): Promise<IteratorResult<SessionEvent>> {
    const event = this.#items[this.#head];
    if (event !== undefined) {
      this.#head += 1;
      if (event.type === "tool.progress") this.#progress.delete(event.id);
      // Compact when half of it has been read (amortised): else events that were read would pile up behind a reader
      // that never quite catches up.
      if (this.#head * 2 >= this.#items.length) {
        this.#items = this.#items.slice(this.#head);
        this.#head = 0;
      }
      return Promise.resolve({ value: event, done: false });
    }
    if (this.#ended !== undefined) {
      this.#reading = undefined;
      const { error } = this.#ended;
      return error === undefined ? Promise.resolve(DONE) : Promise.reject(error);
    }
    if (reading.waiting !== undefined)
      return Promise.reject(
        new LoophostError("invalid_options", "next() was called again before the last one settled."),
      );
    reading.waiting = Promise.withResolvers();
    return reading.waiting.promise;
  }
}

/** Whether two deltas are pieces of one block of one message: merged across messages, their texts would run together. */
function isSameMessage(a: DeltaEvent, b: DeltaEvent): boolean {
  if (a.type !== b.type || a.thread !== b.thread) return false;
  if (a.type !== "text.delta" || b.type !== "text.delta") return true;
  return a.messageId === b.messageId && a.index === b.index;
}

/** One reader, and the next() it waits for. */
interface Reading {
  waiting: PromiseWithResolvers<IteratorResult<SessionEvent>> | undefined;
}

const DONE: IteratorResult<SessionEvent> = { value: undefined, done: true };

function returnThis<T>(this: T): T {
  return this;
}
