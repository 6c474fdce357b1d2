/**
 * The write queue: appends of many logs share statements (group commit), everything else is a statement of its own.
 *
 *   G1  operations on one log run in the order they were requested, one after another: a release never overtakes an
 *       append
 *   G2  what all sessions append while statements are under way is the next statement, bounded in entries and bytes
 *   G3  of two logs that put the same record the second waits: one statement changes a row once
 */

import { LoophostError } from "../../core/errors.ts";

/** A record that goes along with an append; one without a text is deleted. */
export interface RecordText {
  readonly collection: string;
  readonly key: string;
  readonly text: string | null;
}

/** An append that waits. */
export interface Append {
  readonly id: string;
  readonly fence: number;
  /** The entries as text. */
  readonly texts: readonly string[];
  readonly records: readonly RecordText[];
  readonly takes: readonly number[];
  readonly release: boolean;
  readonly resolve: (last: number) => void;
  readonly reject: (thrown: unknown) => void;
}

/** The appends to one log that share a statement. */
export interface Chain {
  readonly id: string;
  readonly fence: number;
  readonly appends: Append[];
}

/** An operation on a log that is a statement of its own. */
export interface Deed {
  readonly id: string;
  readonly perform: () => Promise<unknown>;
}

const MAX_STATEMENTS = 2;
const MAX_ENTRIES = 500;
const MAX_BYTES = 4_000_000;
/** Bytes that may wait to be written (backpressure): without a bound, a database outage would fill the memory. */
const MAX_WAITING_BYTES = 256_000_000;

/** The queue of one store. */
export class LogQueue {
  readonly #write: (chains: readonly Chain[]) => Promise<readonly Deed[]>;
  #waiting: (Append | Deed)[] = [];
  #waitingBytes = 0;
  /** Logs with an operation under way. */
  readonly #busy = new Set<string>();
  #statements = 0;
  #isScheduled = false;
  #whenIdle: (() => void)[] = [];

  /** @param write writes chains, settles each of their appends, and never rejects; gives what is left to be done for a log alone */
  constructor(write: (chains: readonly Chain[]) => Promise<readonly Deed[]>) {
    this.#write = write;
  }

  /** Appends, with others; resolves with the number of the last entry. */
  append(append: Omit<Append, "resolve" | "reject">): Promise<number> {
    const bytes = bytesOf(append);
    if (this.#waitingBytes + bytes > MAX_WAITING_BYTES)
      throw new LoophostError(
        "store_failed",
        `Session ${append.id} could not be written: too much waits for the database already.`,
      );
    this.#waitingBytes += bytes;
    return new Promise<number>((resolve, reject) => {
      this.#waiting.push({ ...append, resolve, reject });
      this.#schedule();
    }).finally(() => (this.#waitingBytes -= bytes));
  }

  /** Runs an operation on a log after those requested before. */
  perform<T>(id: string, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id, perform: () => work().then(resolve, reject) });
      this.#schedule();
    });
  }

  /** Resolves when nothing waits and nothing is under way. */
  idle(): Promise<void> {
    if (this.#waiting.length === 0 && this.#busy.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // setImmediate runs after all callbacks of this turn; a microtask would run between them and give each its own
    // statement.
    setImmediate(() => {
      this.#isScheduled = false;
      this.#begin();
    });
  }

  #begin(): void {
    const group = new Group(this.#statements < MAX_STATEMENTS);
    const blocked = new Set(this.#busy);
    this.#waiting = this.#waiting.filter((one) => {
      if (blocked.has(one.id)) return true;
      if (!("perform" in one) && group.add(one)) return false;
      blocked.add(one.id);
      if (!("perform" in one) || group.has(one.id)) return true;
      this.#run(one);
      return false;
    });
    if (group.chains.length > 0) this.#send(group.chains);
  }

  #send(chains: readonly Chain[]): void {
    this.#statements += 1;
    for (const { id } of chains) this.#busy.add(id);
    const done = (alone: readonly Deed[]) => {
      this.#statements -= 1;
      for (const { id } of chains) this.#busy.delete(id);
      for (const deed of alone) this.#run(deed);
      this.#goOn();
    };
    this.#write(chains).then(done, () => done([]));
  }

  #run({ id, perform }: Deed): void {
    this.#busy.add(id);
    const done = () => {
      this.#busy.delete(id);
      this.#goOn();
    };
    perform().then(done, done);
  }

  #goOn(): void {
    if (this.#waiting.length > 0) this.#schedule();
    else if (this.#busy.size === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}

/** Appends that will share a statement. */
class Group {
  readonly #isOpen: boolean;
  readonly #byId = new Map<string, Chain>();
  /** The log whose append puts a record, by record. */
  readonly #puts = new Map<string, string>();
  #entries = 0;
  #bytes = 0;

  constructor(isOpen: boolean) {
    this.#isOpen = isOpen;
  }

  get chains(): readonly Chain[] {
    return [...this.#byId.values()];
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** Adds an append, if it fits. */
  add(append: Append): boolean {
    const chain = this.#byId.get(append.id);
    const [entries, bytes] = [this.#entries + append.texts.length, this.#bytes + bytesOf(append)];
    const isFirst = this.#byId.size === 0;
    if (!this.#isOpen || (!isFirst && (entries > MAX_ENTRIES || bytes > MAX_BYTES))) return false;
    if (chain !== undefined && (chain.fence !== append.fence || chain.appends.at(-1)?.release === true))
      return false;
    const places = append.records.map(({ collection, key }) => `${collection}\0${key}`);
    if (places.some((place) => (this.#puts.get(place) ?? append.id) !== append.id)) return false;
    if (chain === undefined)
      this.#byId.set(append.id, { id: append.id, fence: append.fence, appends: [append] });
    else chain.appends.push(append);
    for (const place of places) this.#puts.set(place, append.id);
    [this.#entries, this.#bytes] = [entries, bytes];
    return true;
  }
}

function bytesOf({ texts, records }: Pick<Append, "texts" | "records">): number {
  return [...texts, ...records.map(({ text }) => text ?? "")].reduce(
    (total, { length }) => total + length,
    0,
  );
}
