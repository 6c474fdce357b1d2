/**
 * Records of one kind in the store, listed in the order they were made, either way round.
 *
 * The store lists keys upwards only, so each record has a second, mirrored key that leads to it.
 */

import type { Json, JsonObject } from "../../core/json.ts";
import type { RecordStore, RecordWrite } from "../../core/store.ts";
import type { PageRequest } from "../http/pages.ts";
import { cursorAt, readCursor } from "../http/pages.ts";
import type { Order } from "../http/query.ts";
import { mirrored } from "./ids.ts";

/** What is asked of a listing. */
export interface ListRequest<T> extends PageRequest {
  readonly order: Order;
  readonly accept: (record: T) => boolean;
}

/** One page of a listing. */
export interface Page<T> {
  readonly data: readonly T[];
  readonly next_page: string | null;
  readonly prev_page: string | null;
}

/** The records of one kind. */
export class Collection<T extends JsonObject & { readonly id: string }> {
  readonly #records: RecordStore;
  readonly #name: string;
  #changing: Promise<unknown> = Promise.resolve();
  #making: Promise<unknown> = Promise.resolve();

  constructor(records: RecordStore, name: string) {
    this.#records = records;
    this.#name = name;
  }

  /** The record with an id. */
  async get(id: string): Promise<T | undefined> {
    const value = await this.#records.get(this.#name, id);
    return value === undefined ? undefined : this.#toRecord(value);
  }

  /**
   * Creates a record, one at a time: a record that is listed later has the higher id, so that clients which created two
   * of one name at once agree on the first.
   */
  make(make: () => T, along?: (record: T) => Promise<void>): Promise<T> {
    const made = this.#making.then(async () => {
      const record = make();
      await along?.(record);
      await this.add(record);
      return record;
    });
    this.#making = made.catch(() => undefined);
    return made;
  }

  /** Keeps a new record. */
  async add(record: T): Promise<void> {
    await this.put(record);
    await this.#records.put(this.#newestFirst, mirrored(record.id), record.id);
  }

  /** Replaces a record. */
  put(record: T): Promise<void> {
    return this.#records.put(this.#name, record.id, record);
  }

  /** The write that replaces a record, for another transaction. */
  writeOf(record: T): RecordWrite {
    return { collection: this.#name, key: record.id, value: record };
  }

  /** The writes that delete a record, for another transaction. */
  deletionOf(id: string): readonly RecordWrite[] {
    return [
      { collection: this.#newestFirst, key: mirrored(id) },
      { collection: this.#name, key: id },
    ];
  }

  /** Read-modify-write of a record, serialised with the other changes of this collection (no lost update). */
  change(id: string, work: (record: T | undefined) => T | Promise<T>): Promise<T> {
    const changed = this.#changing.then(async () => {
      const record = await work(await this.get(id));
      await this.put(record);
      return record;
    });
    this.#changing = changed.catch(() => undefined);
    return changed;
  }

  /** Deletes a record. */
  async delete(id: string): Promise<void> {
    await this.#records.delete(this.#newestFirst, mirrored(id));
    await this.#records.delete(this.#name, id);
  }

  /** One page of the records, filtered. */
  async list({ order, limit, page, accept }: ListRequest<T>): Promise<Page<T>> {
    const cursor = readCursor(page, order);
    const isBackward = cursor?.way === "prev";
    const kept = await this.#scan(isBackward ? opposite(order) : order, cursor?.key ?? "", limit + 1, accept);
    const isMore = kept.length > limit;
    const data = kept.slice(0, limit);
    if (isBackward) data.reverse();
    const cursorOf = (record: T | undefined, isThere: boolean, way: "next" | "prev") =>
      record !== undefined && isThere ? cursorAt(order, way, record.id) : null;
    return {
      data,
      next_page: cursorOf(data.at(-1), isBackward || isMore, "next"),
      prev_page: cursorOf(data[0], isBackward ? isMore : cursor !== undefined, "prev"),
    };
  }

  #toRecord(value: Json): T {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: only `put` writes to a collection
    return value as T;
  }

  get #newestFirst(): string {
    return `${this.#name}.newest`;
  }

  async #scan(order: Order, after: string, wanted: number, accept: (record: T) => boolean): Promise<T[]> {
    const found: T[] = [];
    const size = Math.max(wanted, 100);
    let key = order === "desc" && after !== "" ? mirrored(after) : after;
    for (;;) {
      const page = await this.#records.list(order === "asc" ? this.#name : this.#newestFirst, key, size);
      for (const entry of page) {
        const record = order === "asc" ? this.#toRecord(entry.value) : await this.get(mirrored(entry.key));
        if (record !== undefined && accept(record)) found.push(record);
        if (found.length === wanted) return found;
      }
      const last = page.at(-1);
      if (last === undefined || page.length < size) return found;
      key = last.key;
    }
  }
}

function opposite(order: Order): Order {
  return order === "asc" ? "desc" : "asc";
}
