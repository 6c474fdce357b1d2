/**
 * The sessions in use: each loaded once, however many requests and streams use it, and let go when nothing uses it.
 * A session that waits for an answer is in use; one that is idle, and that nobody follows, is not.
 */

import type { JsonObject } from "../core/json.ts";
import type { Collection } from "./collection.ts";
import { notFound } from "./errors.ts";
import type { SessionSetup } from "./hosted-session.ts";
import { HostedSession } from "./hosted-session.ts";
import type { SessionRecord } from "./session-record.ts";
import { sessionOf } from "./session-record.ts";
import type { UserEvent } from "./user-events.ts";

interface Entry {
  readonly session: Promise<HostedSession>;
  loaded: HostedSession | undefined;
  users: number;
}

/** The sessions of a host. */
export class LiveSessions {
  readonly records: Collection<SessionRecord>;
  readonly #setup: Pick<SessionSetup, "store" | "clock" | "provider">;
  readonly #entries = new Map<string, Entry>();

  constructor(records: Collection<SessionRecord>, setup: Pick<SessionSetup, "store" | "clock" | "provider">) {
    this.records = records;
    this.#setup = setup;
  }

  /** How many sessions are held in memory. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Keeps a new session and gives it its first events.
   *
   * @throws Refusal when there is no model for its agent
   */
  async create(record: SessionRecord, events: readonly UserEvent[]): Promise<JsonObject> {
    // Better refused now than at its first message.
    this.#setup.provider(record.agent);
    await this.records.add(record);
    return this.use(record.id, async (session) => {
      if (events.length > 0) session.post(events);
      await session.log.written();
      return sessionOf(session.record);
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
    await Promise.all(
      [...this.#entries.values()].map(async ({ session }) => {
        const loaded = await session.catch(() => undefined);
        await loaded?.close();
        await loaded?.log.written().catch(() => undefined);
        loaded?.log.end();
      }),
    );
  }

  #load(id: string): Entry {
    const load = async () => {
      const record = await this.records.get(id);
      if (record === undefined) throw notFound(`Session ${id}`);
      const session = new HostedSession(record, {
        ...this.#setup,
        save: (changed) => this.records.put(changed),
        forget: (gone) => this.records.delete(gone),
        onQuiet: () => this.#release(id),
      });
      entry.loaded = session;
      return session;
    };
    const entry: Entry = { session: load(), loaded: undefined, users: 0 };
    this.#entries.set(id, entry);
    return entry;
  }

  #release(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.users > 0) return;
    if (entry.loaded === undefined || entry.loaded.isQuiet) this.#entries.delete(id);
  }
}
