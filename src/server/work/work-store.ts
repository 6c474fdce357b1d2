/**
 * The items of the work queues: all of them in the store, those that have not stopped in memory too, in queue order.
 * Not safe for two changes at once: the queue serialises them.
 */

import type { Clock } from "../../core/clock.ts";
import type { Json } from "../../core/json.ts";
import type { RecordStore } from "../../core/store.ts";
import { found } from "../http/errors.ts";
import type { PageRequest } from "../http/pages.ts";
import type { Page } from "../records/collection.ts";
import { Collection } from "../records/collection.ts";
import type { Turns } from "../records/turns.ts";
import type { WorkRecord } from "./work-record.ts";

/** An item that has not stopped. Moments are those of the clock, and start again with the process. */
export interface OpenItem {
  work: WorkRecord;
  /** When it was last offered to a worker that has not taken it yet. */
  offeredAt: number | undefined;
  /** When its worker was last heard of. */
  heardAt: number;
}

/** Each open item once more, by its id; so that nobody need look at all there ever were. */
const OPEN = "host.work.open";
const PAGE = 500;

/** The items of all queues. */
export class WorkStore {
  readonly #turns: Turns;
  readonly #records: RecordStore;
  readonly #clock: Clock;
  readonly #open = new Map<string, OpenItem>();
  #loaded: Promise<void> | undefined;

  constructor(turns: Turns, clock: Clock) {
    this.#turns = turns;
    this.#records = turns.records;
    this.#clock = clock;
  }

  /** Reads the open items: once, or in each turn where other hosts change them. Before that the others below know of none. */
  load(): Promise<void> {
    if (this.#turns.isShared) return this.#readAgain();
    this.#loaded ??= this.#read().catch((thrown: unknown) => {
      this.#loaded = undefined;
      throw thrown;
    });
    return this.#loaded;
  }

  /** The open item of a session. */
  ofSession(sessionId: string): OpenItem | undefined {
    return [...this.#open.values()].find(({ work }) => work.data.id === sessionId);
  }

  /** The items nobody has taken, in their order. */
  queuedIn(environmentId: string): readonly OpenItem[] {
    return this.#openIn(environmentId).filter(({ work }) => work.state === "queued");
  }

  /** The items whose worker has not been heard of for too long. */
  lapsedIn(environmentId: string): readonly OpenItem[] {
    const now = this.#clock.now();
    return this.#openIn(environmentId).filter(
      ({ work, heardAt }) => work.state !== "queued" && now - heardAt >= work.ttl_seconds * 1_000,
    );
  }

  /** The item with an id, if there is one. */
  find(environmentId: string, id: string): Promise<WorkRecord | undefined> {
    return this.#all(environmentId).get(id);
  }

  /** The item with an id. */
  async get(environmentId: string, id: string): Promise<WorkRecord> {
    return found(await this.find(environmentId, id), `Work ${id}`);
  }

  /** One page of all items of an environment, newest first. */
  list(environmentId: string, page: PageRequest): Promise<Page<WorkRecord>> {
    return this.#all(environmentId).list({ order: "desc", ...page, accept: () => true });
  }

  /** Keeps a new item; `offeredAt` makes it look offered. */
  async add(work: WorkRecord, offeredAt?: number): Promise<void> {
    const mark = { collection: OPEN, key: work.id, value: work };
    await this.#turns.write([mark, ...this.#all(work.environment_id).additionOf(work)]);
    this.#open.set(work.id, { work, offeredAt, heardAt: this.#clock.now() });
  }

  /** Keeps what became of an item. */
  async put(work: WorkRecord): Promise<void> {
    const isOpen = work.state !== "stopped";
    const mark = { collection: OPEN, key: work.id, ...(isOpen && { value: work }) };
    await this.#turns.write([...this.#all(work.environment_id).writesOf(work), mark]);
    if (isOpen) this.#note(work);
    else this.#open.delete(work.id);
  }

  /** Notes what became of an item that is open. */
  #note(work: WorkRecord): void {
    const item = this.#open.get(work.id);
    if (item === undefined) return;
    const before = item.work;
    const isHeard = before.state !== work.state || before.latest_heartbeat_at !== work.latest_heartbeat_at;
    if (isHeard) Object.assign(item, { heardAt: this.#clock.now(), offeredAt: undefined });
    item.work = work;
  }

  /** Forgets all items of an environment. */
  async forget(environmentId: string): Promise<void> {
    const all = this.#all(environmentId);
    for (;;) {
      const { data } = await this.list(environmentId, { limit: PAGE, page: null });
      if (data.length === 0) return;
      for (const { id } of data) {
        this.#open.delete(id);
        await this.#records.delete(OPEN, id);
        await all.delete(id);
      }
    }
  }

  async #read(): Promise<void> {
    for (let after = ""; ;) {
      const page = await this.#records.list(OPEN, after, PAGE);
      for (const { value } of page) {
        const { id, environment_id: environmentId } = toWork(value);
        const work = await this.#all(environmentId).get(id);
        // A crash between two writes may leave a stale mark: only items that have not stopped are open.
        if (work && work.state !== "stopped")
          this.#open.set(id, { work, offeredAt: undefined, heardAt: this.#clock.now() });
      }
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.key;
    }
  }

  /** Reads what other hosts made of the items. Moments are when this host first saw it: so their clocks need not agree. */
  async #readAgain(): Promise<void> {
    const gone = new Set(this.#open.keys());
    const now = this.#clock.now();
    for (let after = ""; ;) {
      const page = await this.#records.list(OPEN, after, PAGE);
      for (const { key, value } of page) {
        const work = toWork(value);
        const before = this.#open.get(key)?.work;
        gone.delete(key);
        // A new token was given out with an offer, to a worker that has not taken the item yet.
        const isOffered = work.state === "queued" && work.token_digest !== (before?.token_digest ?? null);
        if (before === undefined) this.#open.set(key, { work, offeredAt: undefined, heardAt: now });
        else this.#note(work);
        if (isOffered) Object.assign(this.#open.get(key) ?? {}, { offeredAt: now });
        after = key;
      }
      if (page.length === 0) break;
    }
    for (const id of gone) this.#open.delete(id);
  }

  #openIn(environmentId: string): readonly OpenItem[] {
    return [...this.#open.values()].filter(({ work }) => work.environment_id === environmentId);
  }

  #all(environmentId: string): Collection<WorkRecord> {
    return new Collection(this.#records, `host.work/${environmentId}`);
  }
}

function toWork(value: Json): WorkRecord {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: only `add` and `put` write there
  return value as WorkRecord;
}
