/**
 * The sessions in use: each loaded once, however many requests and streams use it, and let go when nothing uses it.
 * One that is idle, and that nobody follows, is not in use; nor is one that has waited long for an answer.
 *
 *   V1  the store knows which sessions have work open; one of those goes on as soon as it is loaded, and is loaded when
 *       the host starts if it need not wait for a client
 */

import type { JsonObject } from "../../core/json.ts";
import { invalid, notFound } from "../http/errors.ts";
import type { Collection } from "../records/collection.ts";
import type { SessionRecord } from "../records/session-record.ts";
import { sessionOf } from "../records/session-record.ts";
import type { Prices } from "./budget.ts";
import type { SessionSetup } from "./hosted-session.ts";
import { HostedSession } from "./hosted-session.ts";
import { OpenWork } from "./open-work.ts";
import { checkPost } from "./post-check.ts";
import type { UserEvent } from "./user-events.ts";
import { filesOf } from "./user-events.ts";
import type { WireEvent } from "./wire-events.ts";

/** What all sessions of a host work with. */
type HostSetup = Omit<SessionSetup, "save" | "rested" | "forget" | "onQuiet">;

interface Entry {
  readonly session: Promise<HostedSession>;
  loaded: HostedSession | undefined;
  users: number;
}

/** The collection that names the sessions with work open. */
const OPEN = "host.open";
const PAGE = 1_000;
const TAKEN_UP_AT_ONCE = 16;

/** The sessions of a host. */
export class LiveSessions {
  readonly records: Collection<SessionRecord>;
  readonly #setup: HostSetup;
  readonly #entries = new Map<string, Entry>();
  /** The sessions with work open; complete once they are listed. */
  readonly #open = new Set<string>();
  readonly #listed: Promise<void>;
  #isClosed = false;

  constructor(records: Collection<SessionRecord>, setup: HostSetup) {
    this.records = records;
    this.#setup = setup;
    this.#listed = this.#listOpen();
    // Whoever uses a session hears of it.
    this.#listed.catch(() => undefined);
  }

  /** How many sessions are held in memory. */
  get size(): number {
    return this.#entries.size;
  }

  /** Goes on with what an earlier host on this store left unfinished. */
  async start(): Promise<void> {
    await this.#listed;
    const left = [...this.#open].values();
    const takeUp = async () => {
      for (const id of left) if (!this.#isClosed) await this.#takeUp(id);
    };
    await Promise.all(Array.from({ length: TAKEN_UP_AT_ONCE }, takeUp));
  }

  /** What the models cost. */
  get prices(): Prices {
    return this.#setup.prices;
  }

  /**
   * Keeps a new session and gives it its first events.
   *
   * @throws Refusal when there is no model for its agent, or its events do not go together or speak of files that are
   * not there; then there is no session
   */
  async create(record: SessionRecord, events: readonly UserEvent[]): Promise<JsonObject> {
    // Better refused now than at its first message.
    this.#setup.provider(record.agent);
    await this.#checkFiles(events);
    checkPost(events, { work: new OpenWork(), isCapped: false, threadId: record.thread_id });
    await this.records.add(record);
    return this.use(record.id, async (session) => {
      if (events.length > 0) session.post(events);
      await session.log.written();
      return sessionOf(session.record);
    });
  }

  /**
   * Gives a session events, and gives back their echoes once they are in the store.
   *
   * @throws Refusal when they do not fit what it is doing, or speak of files that are not there
   */
  async post(id: string, events: readonly UserEvent[]): Promise<readonly WireEvent[]> {
    await this.#checkFiles(events);
    return this.use(id, async (session) => {
      const echoes = session.post(events);
      await session.log.written();
      return echoes;
    });
  }

  /**
   * Does something with a session, which stays loaded at least as long.
   *
   * @throws Refusal when there is no such session
   */
  async use<T>(id: string, work: (session: HostedSession) => T | Promise<T>): Promise<T> {
    const entry = this.#entries.get(id) ?? this.#load(id);
    entry.users += 1;
    try {
      return await work(await entry.session);
    } finally {
      entry.users -= 1;
      this.#release(id);
    }
  }

  /** Stops every session and ends every stream. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(
      [...this.#entries.values()].map(async ({ session }) => {
        const loaded = await session.catch(() => undefined);
        loaded?.close();
        await loaded?.log.written().catch(() => undefined);
        loaded?.log.end();
      }),
    );
  }

  async #checkFiles(events: readonly UserEvent[]): Promise<void> {
    for (const id of filesOf(events))
      await this.#setup.files.get(id).catch(() => {
        throw invalid(`There is no file ${id}.`);
      });
  }

  #load(id: string): Entry {
    const load = async () => {
      const record = await this.records.get(id);
      if (record === undefined) throw notFound(`Session ${id}`);
      const session = new HostedSession(record, {
        ...this.#setup,
        save: (changed, isOpen) => this.#save(changed, isOpen),
        rested: (rested) => this.#rested(rested),
        forget: (gone) => this.records.delete(gone),
        onQuiet: () => this.#release(id),
      });
      await this.#listed;
      if (this.#open.has(id)) await session.takeUp();
      entry.loaded = session;
      return session;
    };
    const entry: Entry = { session: load(), loaded: undefined, users: 0 };
    this.#entries.set(id, entry);
    return entry;
  }

  #release(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.users > 0 || entry.loaded?.isQuiet === false) return;
    this.#entries.delete(id);
    entry.loaded?.close();
  }

  // --- which sessions have work open

  async #listOpen(): Promise<void> {
    for (let after = "", isMore = true; isMore;) {
      const page = await this.#setup.store.records.list(OPEN, after, PAGE);
      for (const { key } of page) this.#open.add(key);
      after = page.at(-1)?.key ?? after;
      isMore = page.length === PAGE;
    }
  }

  /** One that waits for a client can go on waiting in the store; one that cannot be read is not to keep the others. */
  async #takeUp(id: string): Promise<void> {
    const record = await this.records.get(id).catch(() => undefined);
    if (record === undefined || record.status === "idle") return;
    await this.use(id, () => undefined).catch(() => undefined);
  }

  async #save(record: SessionRecord, isOpen: boolean): Promise<void> {
    // In this order: a record that says "running" without this would be believed for ever.
    if (isOpen && !this.#open.has(record.id)) {
      this.#open.add(record.id);
      await this.#setup.store.records.put(OPEN, record.id, {});
    }
    await this.records.put(record);
  }

  #rested(id: string): void {
    // Should it not be forgotten, whoever loads the session finds that there is nothing to do.
    if (this.#open.delete(id)) this.#setup.store.records.delete(OPEN, id).catch(() => undefined);
  }
}
