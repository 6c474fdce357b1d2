/**
 * The one queue between the wire and the reader of a run.
 *
 *   Q1  order is kept; a whole event is never dropped or merged
 *   Q2  deltas a slow reader has not fetched are merged, so they cost their text and no more
 *   Q3  beyond MAX_UNREAD whole events the *reader* fails with `slow_consumer`; the run is not disturbed
 *   Q4  a reader that breaks off leaves nothing waiting
 */

import { LoophostError } from "./errors.ts";
import type { SessionEvent } from "./events.ts";
import { isDelta } from "./events.ts";

const MERGE_FROM = 64;
const MAX_UNREAD = 10_000;

/** An ordered feed with one reader at a time. */
export class EventQueue {
  #items: SessionEvent[] = [];
  #head = 0;
  #ended: { readonly error: LoophostError | undefined } | undefined;
  #reader:
    | { resolve: (result: IteratorResult<SessionEvent>) => void; reject: (error: LoophostError) => void }
    | undefined;
  #reading = false;

  /** Adds an event; it goes straight to a reader that waits. */
  push(event: SessionEvent): void {
    if (this.#ended !== undefined) return;
    const reader = this.#reader;
    if (reader !== undefined) {
      this.#reader = undefined;
      reader.resolve({ value: event, done: false });
      return;
    }
    const unread = this.#items.length - this.#head;
    if (unread >= MERGE_FROM && isDelta(event)) {
      const last = this.#items.at(-1);
      if (last?.type === event.type && last.thread === event.thread) {
        this.#items[this.#items.length - 1] = { ...event, text: last.text + event.text, raw: undefined };
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
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader === undefined) return;
    if (error === undefined) reader.resolve({ value: undefined, done: true });
    else reader.reject(error);
  }

  /** Reads the feed. Breaking off stops the reading, not the run; reading may be taken up again. */
  read(): AsyncIterableIterator<SessionEvent> {
    if (this.#reading)
      throw new LoophostError(
        "invalid_options",
        "This run is already being read; a run has one reader at a time.",
      );
    this.#reading = true;
    const stop = () => {
      this.#reading = false;
      this.#reader?.resolve({ value: undefined, done: true });
      this.#reader = undefined;
      return Promise.resolve({ value: undefined, done: true as const });
    };
    return { next: () => this.#next(), return: stop, [Symbol.asyncIterator]: returnThis };
  }

  #next(): Promise<IteratorResult<SessionEvent>> {
    const event = this.#items[this.#head];
    if (event !== undefined) {
      this.#head += 1;
      if (this.#head === this.#items.length) {
        this.#items = [];
        this.#head = 0;
      }
      return Promise.resolve({ value: event, done: false });
    }
    if (this.#ended?.error !== undefined) return Promise.reject(this.#ended.error);
    if (this.#ended !== undefined) return Promise.resolve({ value: undefined, done: true });
    if (this.#reader !== undefined)
      return Promise.reject(
        new LoophostError("invalid_options", "next() was called again before the last one settled."),
      );
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }
}

function returnThis<T>(this: T): T {
  return this;
}
