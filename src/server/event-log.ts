/**
 * The wire events of one session: the log in the store, and the streams that follow it.
 *
 *   W1  an event is in the store before any stream sees it, under the same id and in the same order; a stream opened
 *       before a listing therefore misses nothing
 *   W2  previews keep their place among the events, and go to the streams only
 *   W3  once the log cannot be written nothing more is shown, and everybody who waits is told
 */

import type { LoophostError } from "../core/errors.ts";
import { toLoophostError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { Lease, LogStore } from "../core/store.ts";
import type { WireEvent, WirePreview } from "./wire-events.ts";

/** A host is alone with its store: what it finds there is its own, left by itself in an earlier life. */
export const HOST_LEASE: Lease = { owner: "an embedded host", ttlMs: Number.POSITIVE_INFINITY, force: true };

/** Something a stream is shown: an event with its number, or a preview of one. */
export type LogItem =
  | { readonly seq: number; readonly event: WireEvent }
  | { readonly seq: undefined; readonly event: WirePreview };

/** A stream that follows the log. Called in order and not asynchronously; must not throw. */
export interface Follower {
  take(item: LogItem): void;
  /** Nothing more will come. */
  end(): void;
}

type Queued =
  | { readonly kind: "event"; readonly event: WireEvent }
  | { readonly kind: "preview"; readonly event: WirePreview }
  | { readonly kind: "mark"; readonly settle: (error?: LoophostError) => void };

/** The log of one session. */
export class EventLog {
  readonly id: string;
  readonly #store: LogStore;
  readonly #onQuiet: () => void;
  readonly #followers = new Set<Follower>();
  #queue: Queued[] = [];
  #save: (() => Promise<void>) | undefined;
  #isWriting = false;
  #fence: number | undefined;
  #failed: LoophostError | undefined;

  /** @param onQuiet called whenever nothing is left to write, and when a stream leaves */
  constructor(store: LogStore, id: string, onQuiet: () => void) {
    this.#store = store;
    this.id = id;
    this.#onQuiet = onQuiet;
  }

  /** Whether nobody follows and nothing waits to be written. */
  get isQuiet(): boolean {
    return this.#followers.size === 0 && !this.#isWriting;
  }

  /** What made the log unwritable, if it is. */
  get failed(): LoophostError | undefined {
    return this.#failed;
  }

  /** Adds an event. */
  append(event: WireEvent): void {
    this.#push({ kind: "event", event });
  }

  /** Shows the streams a preview. */
  preview(event: WirePreview): void {
    if (this.#followers.size > 0) this.#push({ kind: "preview", event });
  }

  /** Saves the record with the next events, before they are shown. Of several saves that still wait the last is done. */
  saveFirst(save: () => Promise<void>): void {
    this.#save = save;
  }

  /**
   * Resolves when everything added so far is in the store.
   *
   * @throws LoophostError `store_failed` or `stale_owner` when it could not be written
   */
  written(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failed !== undefined) reject(this.#failed);
      else this.#push({ kind: "mark", settle: (error) => (error === undefined ? resolve() : reject(error)) });
    });
  }

  /** Follows the log from here on; the function returned stops it. */
  follow(follower: Follower): () => void {
    this.#followers.add(follower);
    return () => {
      if (this.#followers.delete(follower)) this.#onQuiet();
    };
  }

  /** Events numbered above `after`, at most `limit`. */
  async read(after: number, limit: number): Promise<{ readonly seq: number; readonly event: WireEvent }[]> {
    const entries = await this.#store.read(this.id, after, limit);
    return entries.map(({ seq, entry }) => ({ seq, event: toEvent(entry) }));
  }

  /** Ends every stream. */
  end(): void {
    for (const follower of this.#followers) follower.end();
    this.#followers.clear();
  }

  #push(item: Queued): void {
    if (this.#failed !== undefined) return;
    this.#queue.push(item);
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#drain().catch((thrown: unknown) => this.#fail(thrown));
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      // What one step of the session adds is written, and shown, together.
      await Promise.resolve();
      const batch = this.#queue;
      this.#queue = [];
      try {
        await this.#write(batch);
      } catch (thrown) {
        this.#queue = [...batch, ...this.#queue];
        throw thrown;
      }
    }
    this.#isWriting = false;
    this.#onQuiet();
  }

  async #write(batch: readonly Queued[]): Promise<void> {
    const save = this.#save;
    this.#save = undefined;
    await save?.();
    const events = batch.flatMap((item) => (item.kind === "event" ? [item.event] : []));
    let seq = events.length === 0 ? 0 : (await this.#append(events)) - events.length;
    for (const item of batch) {
      if (item.kind === "event") this.#show({ seq: (seq += 1), event: item.event });
      else if (item.kind === "preview") this.#show({ seq: undefined, event: item.event });
      else if (item.kind === "mark") item.settle();
    }
  }

  async #append(events: readonly WireEvent[]): Promise<number> {
    this.#fence ??= await this.#store.claim(this.id, HOST_LEASE);
    return this.#store.append(this.id, this.#fence, events);
  }

  #show(item: LogItem): void {
    for (const follower of this.#followers) follower.take(item);
  }

  #fail(thrown: unknown): void {
    const error = toLoophostError(thrown, "store_failed", `The events of ${this.id} could not be written`);
    this.#failed = error;
    this.#isWriting = false;
    for (const item of this.#queue) if (item.kind === "mark") item.settle(error);
    this.#queue = [];
    this.end();
    this.#onQuiet();
  }
}

function toEvent(entry: Json): WireEvent {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: only `append` writes to this log
  return entry as WireEvent;
}
