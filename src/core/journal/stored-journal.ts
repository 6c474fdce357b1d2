/**
 * The journal of a session over a store: it outlives the process. Loaded with the first store (decisions/006).
 *
 *   K1  entries are written in the order they were recorded; what is recorded while a write is under way, or in one step,
 *       is one write
 *   K2  after a write that failed nothing more is written: an entry is never on record without those before it
 */

import type { Agent } from "../agent.ts";
import { contained } from "../async/contained.ts";
import { withDeadlines } from "../async/store-deadline.ts";
import { LoophostError, toLoophostError } from "../errors.ts";
import type { Json, JsonObject } from "../json.ts";
import { isKeepable } from "../json.ts";
import type { Provider } from "../provider.ts";
import type { Store } from "../store.ts";
import type { JournalEntry, ShownAgent } from "./entry.ts";
import { toFold } from "./entry.ts";
import type { Journal, MayChange } from "./journal.ts";
import type { OwnershipOptions } from "./ownership.ts";
import { Ownership } from "./ownership.ts";
import { readPages } from "./read-log.ts";
import { StoredFacts } from "./recorded.ts";
import { SessionIndex } from "./session-index.ts";
import { Snapshots } from "./snapshot.ts";
import { ToldEvents } from "./told.ts";

interface Waiting {
  readonly entry: JournalEntry;
  readonly json: Json;
  readonly resolve: () => void;
  readonly reject: (error: LoophostError) => void;
}

/** How the journal of a session is opened. */
export interface JournalOptions extends Omit<OwnershipOptions, "log"> {
  /** Whether what readers are shown goes on record, for readers elsewhere. */
  readonly tells?: boolean | undefined;
  /** Called after each write, once it is durable. What it throws is ignored. */
  readonly onWritten?: (() => void) | undefined;
}

/**
 * Milliseconds after which events that readers were shown are written by themselves, when no other write takes them
 * along.
 */
const MAX_UNTOLD_MS = 50;

/** The journal of one session in a store. */
export class StoredJournal implements Journal {
  readonly isDurable = true;
  readonly recorded: StoredFacts = new StoredFacts();
  readonly #store: Store;
  readonly #ownership: Ownership;
  readonly #id: string;
  readonly #snapshots: Snapshots;
  readonly tell: Journal["tell"];
  readonly #told = new ToldEvents();
  readonly #onWritten: (() => void) | undefined;
  #cancelTelling: (() => void) | undefined;
  #index: SessionIndex;
  /** The number of the last entry. */
  #last = 0;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #failed: LoophostError | undefined;
  /** Whether the log is to be released: with the last write, or once there is none. */
  #mustRelease = false;
  #whenLost: (error: LoophostError) => void = () => undefined;

  private constructor(
    store: Store,
    ownership: Ownership,
    { sessionId, clock, tells, onWritten }: JournalOptions,
  ) {
    this.#store = store;
    this.#ownership = ownership;
    this.#id = sessionId;
    this.#onWritten = onWritten;
    this.#snapshots = new Snapshots(sessionId);
    this.#index = new SessionIndex(sessionId);
    if (tells === true)
      this.tell = (event, isPast) => {
        if (this.#failed === undefined && this.#told.add(event, this.recorded.told, isPast))
          this.#cancelTelling ??= clock.after(MAX_UNTOLD_MS, () => this.#flush());
      };
  }

  /** Becomes the owner of a session's journal and folds what it holds. */
  static async open(given: Store, how: JournalOptions): Promise<StoredJournal> {
    const id = how.sessionId;
    const store = withDeadlines(given, how.clock);
    const fail = (thrown: unknown) => {
      throw toLoophostError(thrown, "store_failed", `The journal of session ${id} could not be opened`);
    };
    const ownership = await Ownership.claim({ ...how, log: store.log }).catch(fail);
    const journal = new StoredJournal(store, ownership, how);
    return journal.#read().then(
      () => journal,
      (thrown: unknown) => ownership.release().then(() => fail(thrown)),
    );
  }

  async begin(agent: Agent, provider: Provider, mayChange: MayChange): Promise<void> {
    const before = this.recorded.opened;
    if (before !== undefined && before.provider !== provider.name) {
      throw new LoophostError(
        "invalid_options",
        `This session was begun with ${before.provider}, not with ${provider.name}.`,
      );
    }
    const shown = showAgent(agent);
    const changed = PARTS.filter((part) => before?.shown[part] !== shown[part]);
    if (changed.length === 0) return;
    if (before !== undefined && !(mayChange === true || (mayChange !== false && mayChange(before.shown)))) {
      const wayOut =
        typeof mayChange === "function"
          ? "accepts() has to say true at once."
          : 'To go on, open the session with ifAgentChanged: "accept".';
      throw new LoophostError(
        "agent_changed",
        `Agent "${agent.name}": its ${changed.join(" and ")} changed. ${wayOut}`,
      );
    }
    const { name, traits } = provider;
    await this.record({ type: "session.opened", agent: agent.name, shown, provider: name, traits });
  }

  record(given: JournalEntry): Promise<void> {
    const at = Date.now();
    // An output that a schema made is for who asked for it, and need not be JSON.
    const entry = "output" in given && !isKeepable(given.output) ? { ...given, output: undefined } : given;
    this.recorded.apply({ ...entry, at });
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, json: { ...toJson(entry), at }, resolve, reject });
      this.#writing ??= this.#writeAll().catch(reject);
    });
  }

  whenLost(callback: (error: LoophostError) => void): void {
    this.#whenLost = callback;
    this.#ownership.whenLost(callback);
  }

  async close(): Promise<void> {
    this.#mustRelease = true;
    this.#flush();
    // Race: released before its last entries are written, the log would refuse them, and the next owner would miss
    // them. The last write releases in its own transaction; without one the log is released by itself.
    await this.#writing;
    if (this.#mustRelease) await this.#ownership.release();
  }

  /** Writes what readers were shown and nothing took along. */
  #flush(): void {
    if (this.#told.size > 0) this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    await Promise.resolve();
    while (this.#waiting.length > 0 || this.#told.size > 0) {
      const together = this.#waiting;
      this.#waiting = [];
      await this.#write(together).then(
        () => together.forEach(({ resolve }) => resolve()),
        (thrown: unknown) => this.#fail(together, thrown),
      );
    }
    this.#writing = undefined;
  }

  async #write(together: readonly Waiting[]): Promise<void> {
    if (this.#failed !== undefined) throw this.#failed;
    const told = this.#takeTold();
    const entries = [...told, ...together.map(({ json }) => json)];
    const written = together.map(({ entry }) => entry);
    const takes = written.flatMap((entry) => ("item" in entry && entry.item) || []);
    // The facts include exactly what was written and these entries: nothing can be recorded between taking them and
    // here, since it is synchronous.
    const snapshot = this.#snapshots.after(this.#last + entries.length, this.recorded);
    const records = [...this.#index.after(written, this.recorded), ...snapshot];
    const release = this.#mustRelease && this.#waiting.length === 0 && this.#told.size === 0;
    if (release) this.#ownership.stop();
    const along = { records, takes, release };
    this.#last = await this.#store.log.append(this.#id, this.#ownership.fence, entries, along);
    if (release) this.#mustRelease = false;
    // Contained: the write is durable, and an error here would make it look lost.
    if (this.#onWritten !== undefined) contained(this.#onWritten);
  }

  get told(): number {
    return this.recorded.toldEvents + this.#told.size;
  }

  #takeTold(): readonly Json[] {
    if (this.#told.size === 0) return [];
    this.#cancelTelling?.();
    this.#cancelTelling = undefined;
    const entry: JournalEntry = {
      type: "told",
      first: this.recorded.toldEvents,
      events: this.#told.take(),
    };
    this.recorded.apply(entry);
    return [{ ...toJson(entry), at: Date.now() }];
  }

  #fail(together: readonly Waiting[], thrown: unknown): void {
    const isNews = this.#failed === undefined;
    const what = `The journal of session ${this.#id} could not be written`;
    const error = (this.#failed ??= toLoophostError(thrown, "store_failed", what));
    for (const { reject } of together) reject(error);
    // What is left to tell cannot be written either; kept, it would be tried for ever.
    this.#told.take();
    if (isNews) this.#whenLost(error);
  }

  async #read(): Promise<void> {
    this.#last = await this.#snapshots.restore(this.#store, this.recorded);
    for await (const page of readPages(this.#store.log, this.#id, this.#last))
      for (const { seq, entry } of page) {
        this.recorded.apply(toFold(entry));
        this.#last = seq;
      }
  }
}

const PARTS = ["instructions", "model", "tools", "output"] as const;

function showAgent({ instructions, model, tools, output }: Agent): ShownAgent {
  const described = tools.map(({ name, description, schema }) => [name, description, schema.jsonSchema]);
  return {
    instructions,
    model: model ?? "",
    tools: JSON.stringify(described),
    output: JSON.stringify(output?.schema.jsonSchema ?? null),
  };
}

/** Journal entries are plain data: inputs came from JSON, results are checked when they are made. */
function toJson(entry: JournalEntry): JsonObject {
  // oxlint-disable-next-line no-unsafe-type-assertion -- see above; the compiler cannot know it of `unknown` inputs
  return entry as unknown as JsonObject;
}
