/**
 * Records of one kind in the store, listed in the order they were made, either way round.
 *
 * The store lists keys upwards only, so each record has a second, mirrored key that leads to it. There stands what filters ask
 * for (a glance), where a collection has one: a filter that few records pass would read all of thousands to find them.
 */

import type { Json, JsonObject } from "../../core/json.ts";
import type { RecordStore, RecordWrite } from "../../core/store.ts";
import { found } from "../http/errors.ts";
import type { KeyedPost } from "../http/idempotency.ts";
import type { PageRequest } from "../http/pages.ts";
import { cursorAt, readCursor } from "../http/pages.ts";
import type { Order } from "../http/query.ts";
import { mirrored, sortAfter } from "./ids.ts";
import { MadeByKey } from "./made-by-key.ts";
import type { Turns } from "./turns.ts";
import { turnsOfOne } from "./turns.ts";

/** Records read at once. */
const PAGE = 250;

/** What is asked of a listing. */
export interface ListRequest<Glance> extends PageRequest {
  readonly order: Order;
  readonly accept: (record: Glance) => boolean;
}

/** One page of a listing. */
export interface Page<T> {
  readonly data: readonly T[];
  readonly next_page: string | null;
  readonly prev_page: string | null;
}

/** The records of one kind. */
export class Collection<
  T extends JsonObject & { readonly id: string } & Glance,
  Glance extends JsonObject = T,
> {
  readonly #records: RecordStore;
  readonly #name: string;
  readonly #glanceOf: ((record: T) => Glance) | undefined;
  readonly #turns: Turns;
  readonly #keys: MadeByKey;

  /**
   * @param glanceOf what of a record its filters ask for: few and small fields, kept a second time
   * @param turns at records that are created and changed. Default: the host is alone with them
   */
  constructor(
    records: RecordStore,
    name: string,
    glanceOf?: (record: T) => Glance,
    turns: Turns = turnsOfOne(records),
  ) {
    this.#records = records;
    this.#name = name;
    this.#glanceOf = glanceOf;
    this.#turns = turns;
    this.#keys = new MadeByKey(records, name);
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
  make(
    make: () => T,
    keyed?: KeyedPost,
    along: (record: T) => readonly RecordWrite[] = () => [],
  ): Promise<T> {
    return this.#once(keyed, async () => {
      const [newest] = await this.#records.list(this.#newestFirst, "", 1);
      if (newest !== undefined) sortAfter(mirrored(newest.key));
      const record = make();
      return [record, [...along(record), ...this.additionOf(record)]];
    });
  }

  /** Keeps a new record, and gives it back; or the one that was made under its key before. */
  async add(record: T, keyed?: KeyedPost): Promise<T> {
    if (keyed !== undefined)
      return this.#once(keyed, () => Promise.resolve([record, this.additionOf(record)]));
    await turnsOfOne(this.#records).write(this.additionOf(record));
    return record;
  }

  /**
   * The record that was made or changed under a key before, as it is now; undefined for a key that is new.
   *
   * @throws Refusal when the key was used for something else, or the record is gone
   */
  async madeBy(keyed: KeyedPost | undefined): Promise<T | undefined> {
    const id = keyed && (await this.#keys.idOf(keyed));
    return id === undefined ? undefined : found(await this.get(id), `What this Idempotency-Key made, ${id},`);
  }

  /** Replaces a record of a collection without glances. */
  put(record: T): Promise<void> {
    return this.#records.put(this.#name, record.id, record);
  }

  /** The writes that keep a new record, for another transaction. */
  additionOf(record: T): readonly RecordWrite[] {
    const glance = this.#glanceOf?.(record) ?? {};
    return [
      { collection: this.#name, key: record.id, value: record },
      { collection: this.#newestFirst, key: mirrored(record.id), value: glance },
    ];
  }

  /** The writes that replace a record, for another transaction. */
  writesOf(record: T): readonly RecordWrite[] {
    const glance = this.#glanceOf?.(record);
    const write = { collection: this.#name, key: record.id, value: record };
    const key = mirrored(record.id);
    return glance === undefined ? [write] : [write, { collection: this.#newestFirst, key, value: glance }];
  }

  /** The writes that delete a record, for another transaction. */
  deletionOf(id: string): readonly RecordWrite[] {
    return [
      { collection: this.#newestFirst, key: mirrored(id) },
      { collection: this.#name, key: id },
    ];
  }

  /** Read-modify-write of a record, serialised with the other changes of this collection (no lost update). */
  change(
    id: string,
    work: (record: T | undefined) => T,
    keyed?: KeyedPost,
    along: (record: T) => readonly RecordWrite[] = () => [],
  ): Promise<T> {
    return this.#once(keyed, async () => {
      const record = work(await this.get(id));
      return [record, [...along(record), ...this.writesOf(record)]];
    });
  }

  /** Deletes a record. */
  async delete(id: string): Promise<void> {
    await this.#records.delete(this.#newestFirst, mirrored(id));
    await this.#records.delete(this.#name, id);
  }

  /** One page of the records, filtered. */
  async list({ order, limit, page, accept }: ListRequest<Glance>): Promise<Page<T>> {
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

  /** Writes in a turn, once under each key. */
  #once(
    keyed: KeyedPost | undefined,
    work: () => Promise<readonly [record: T, writes: readonly RecordWrite[]]>,
  ): Promise<T> {
    return this.#turns.take(async () => {
      const before = await this.madeBy(keyed);
      if (before !== undefined) return before;
      const [record, writes] = await work();
      await this.#turns.write([...writes, ...(keyed ? [this.#keys.keeping(keyed, record.id)] : [])]);
      return record;
    });
  }

  #toRecord(value: Json): T {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: only `put` writes to a collection
    return value as T;
  }

  get #newestFirst(): string {
    return `${this.#name}.newest`;
  }

  async #scan(
    order: Order,
    after: string,
    wanted: number,
    accept: (record: Glance) => boolean,
  ): Promise<T[]> {
    const kept: T[] = [];
    let key = order === "desc" && after !== "" ? mirrored(after) : after;
    for (;;) {
      const page = await this.#records.list(order === "asc" ? this.#name : this.#newestFirst, key, PAGE);
      for (const entry of page) {
        const record = order === "asc" ? this.#toRecord(entry.value) : await this.#behind(entry, accept);
        if (record !== undefined && accept(record)) kept.push(record);
        if (kept.length === wanted) return kept;
      }
      const last = page.at(-1);
      if (last === undefined) return kept;
      key = last.key;
    }
  }

  /** The record that a mirrored key leads to, unless a glance tells that it is not wanted. */
  async #behind(
    { key, value }: { readonly key: string; readonly value: Json },
    accept: (record: Glance) => boolean,
  ): Promise<T | undefined> {
    const isWanted = this.#glanceOf === undefined || accept(this.#toRecord(value));
    return isWanted ? this.get(mirrored(key)) : undefined;
  }
}

function opposite(order: Order): Order {
  return order === "asc" ? "desc" : "asc";
}
