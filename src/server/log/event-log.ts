/**
 * The wire events of one session: the log in the store, and the streams that follow it.
 *
 *   W1  an event is in the store before any stream sees it, under the same id and in the same order; a stream opened
 *       before a listing therefore misses nothing
 *   W2  previews keep their place among the events, and go to the streams only
 *   W3  once the log cannot be written nothing more is shown, and everybody who waits is told
 *   W4  what one step of the session adds, and the records that go along with it, are in the store as a whole or not at
 *       all: a process that dies leaves no step half done, and one that was replaced overwrites no record of its successor
 */

import { setImmediate } from "node:timers/promises";

import type { LoophostError } from "../../core/errors.ts";
import { toLoophostError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import type { LogStore, RecordWrite } from "../../core/store.ts";
import type { AssistantMessage } from "../../core/transcript.ts";
import type { WireEvent, WirePreview } from "../wire/wire-events.ts";
import type { LogLease } from "./log-lease.ts";
import { leaseForEver } from "./log-lease.ts";

/** Events read at once. */
const PAGE = 250;

/** An event as it is in the store. */
export interface LoggedEvent {
  readonly seq: number;
  readonly event: WireEvent;
  /** The model's message in its native form: kept with the event that ends its request, never shown. */
  readonly said?: AssistantMessage | undefined;
}

/** Something a stream is shown: an event with its number, or a preview of one. */
export type LogItem =
  | { readonly seq: number; readonly event: WireEvent }
  | { readonly seq: undefined; readonly event: WirePreview };

/** A stream that follows the log. Called in order and not asynchronously; must not throw. */
export interface Follower {
  /** Takes what was written, or previewed, together. */
  take(items: readonly LogItem[]): void;
  /** Nothing more will come. */
  end(): void;
}

type Queued =
  | { readonly kind: "event"; readonly event: WireEvent; readonly said: AssistantMessage | undefined }
  | { readonly kind: "preview"; readonly event: WirePreview }
  | { readonly kind: "mark"; readonly settle: (error?: LoophostError) => void };

/** The log of one session. */
export class EventLog {
  readonly #id: string;
  readonly #store: LogStore;
  readonly #onQuiet: () => void;
  readonly #followers = new Set<Follower>();
  #queue: Queued[] = [];
  /** What is being written, and then shown. */
  #batch: readonly Queued[] = [];
  readonly #along = new Map<string, () => readonly RecordWrite[]>();
  #isWriting = false;
  #isEnded = false;
  readonly #lease: LogLease;
  #failed: LoophostError | undefined;

  /**
   * @param onQuiet called whenever nothing is left to write, and when a stream leaves
   * @param lease by which the log is the host's. Default: the host is alone with its store
   */
  constructor(
    store: LogStore,
    sessionId: string,
    onQuiet: () => void,
    lease: LogLease = leaseForEver(store)(logIdOf(sessionId)),
  ) {
    this.#store = store;
    this.#id = logIdOf(sessionId);
    this.#onQuiet = onQuiet;
    this.#lease = lease;
    lease.whenLost((error) => this.#fail(error));
  }

  /** Whether nobody follows and nothing waits to be written. */
  get isQuiet(): boolean {
    return this.#followers.size === 0 && !this.#isWriting;
  }

  /** What made the log unwritable, if it is. */
  get failed(): LoophostError | undefined {
    return this.#failed;
  }

  /** Adds an event, with what is to be kept beside it. */
  append(event: WireEvent, said?: AssistantMessage): void {
    this.#push({ kind: "event", event, said });
  }

  /** Shows the streams a preview. */
  preview(event: WirePreview): void {
    if (this.#followers.size > 0) this.#push({ kind: "preview", event });
  }

  /**
   * Adds records to the next transaction; evaluated then.
   *
   * @param what of several under one name that still wait the last counts
   */
  writeAlong(what: string, records: () => readonly RecordWrite[]): void {
    this.#along.set(what, records);
    this.#wake();
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

  /** The events that are not in the store yet. */
  unwritten(): readonly WireEvent[] {
    return [...this.#batch, ...this.#queue].flatMap((item) => (item.kind === "event" ? [item.event] : []));
  }

  /** Follows the log from here on; the function returned stops it. */
  follow(follower: Follower): () => void {
    if (this.#isEnded) {
      follower.end();
      return () => undefined;
    }
    this.#followers.add(follower);
    return () => {
      if (this.#followers.delete(follower)) this.#onQuiet();
    };
  }

  /** Events numbered above `after`, at most `limit`. */
  async read(after: number, limit: number): Promise<LoggedEvent[]> {
    const found: LoggedEvent[] = [];
    // A store may return fewer when entries are large.
    while (found.length < limit) {
      const page = await this.#store.read(this.#id, found.at(-1)?.seq ?? after, limit - found.length);
      if (page.length === 0) break;
      found.push(...page.map(({ seq, entry }) => fromEntry(seq, entry)));
    }
    return found;
  }

  /** Every event numbered above `after`, in order. Other work gets its turn between two pages. */
  async *readAll(after = 0): AsyncGenerator<LoggedEvent> {
    for (let last = after; ;) {
      const page = await this.#store.read(this.#id, last, PAGE);
      if (page.length === 0) return;
      for (const { seq, entry } of page) yield fromEntry(seq, entry);
      last = page.at(-1)?.seq ?? last;
      // A store that answers at once would starve timers and leases: promises alone never leave the microtask queue.
      if (page.length === PAGE) await setImmediate();
    }
  }

  /** Deletes every event; the session was deleted. */
  async discard(): Promise<void> {
    await this.#store.delete(this.#id, await this.#lease.fence());
  }

  /** Ends every stream, those that are still to come too. */
  end(): void {
    this.#isEnded = true;
    for (const follower of this.#followers) follower.end();
    this.#followers.clear();
  }

  #push(item: Queued): void {
    if (this.#failed !== undefined) return;
    this.#queue.push(item);
    this.#wake();
  }

  #wake(): void {
    if (this.#isWriting || this.#failed !== undefined) return;
    this.#isWriting = true;
    this.#drain().catch((thrown: unknown) => this.#fail(thrown));
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0 || this.#along.size > 0) {
      // Wait for the microtask: all that one step of the session adds is written, and shown, together.
      await Promise.resolve();
      this.#batch = this.#queue;
      this.#queue = [];
      await this.#write(this.#batch);
    }
    this.#batch = [];
    this.#isWriting = false;
    this.#onQuiet();
  }

  async #write(batch: readonly Queued[]): Promise<void> {
    const records = [...this.#along.values()].flatMap((along) => along());
    this.#along.clear();
    const entries = batch.flatMap((item) => (item.kind === "event" ? [toEntry(item.event, item.said)] : []));
    const isNothing = entries.length + records.length === 0;
    let seq = isNothing ? 0 : (await this.#append(entries, records)) - entries.length;
    const shown = batch.flatMap((item): LogItem[] => {
      if (item.kind === "mark") return [];
      return [
        item.kind === "event"
          ? { seq: (seq += 1), event: item.event }
          : { seq: undefined, event: item.event },
      ];
    });
    if (shown.length > 0) for (const follower of this.#followers) follower.take(shown);
    for (const item of batch) if (item.kind === "mark") item.settle();
  }

  async #append(entries: readonly Json[], records: readonly RecordWrite[]): Promise<number> {
    return this.#store.append(this.#id, await this.#lease.fence(), entries, { records });
  }

  #fail(thrown: unknown): void {
    if (this.#failed !== undefined) return;
    const error = toLoophostError(thrown, "store_failed", `The events of ${this.#id} could not be written`);
    this.#failed = error;
    this.#isWriting = false;
    for (const item of [...this.#batch, ...this.#queue]) if (item.kind === "mark") item.settle(error);
    this.#batch = [];
    this.#queue = [];
    this.end();
    this.#onQuiet();
  }
}

/** The log of a session in the store. A client on the same store journals under the session's own id. */
export function logIdOf(sessionId: string): string {
  return `host/${sessionId}`;
}

function toEntry(event: WireEvent, said: AssistantMessage | undefined): Json {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a message is plain data; what is native in it came from JSON
  return said === undefined ? event : ({ ...event, said } as unknown as Json);
}

function fromEntry(seq: number, entry: Json): LoggedEvent {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: only `toEntry` makes what is in this log
  const kept = entry as unknown as WireEvent & { readonly said?: AssistantMessage };
  if (kept.said === undefined) return { seq, event: kept };
  const { said, ...event } = kept;
  return { seq, event, said };
}
