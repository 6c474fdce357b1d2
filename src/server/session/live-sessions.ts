/**
 * A reference-counted cache of sessions: each is loaded once, however many requests and streams use it, and evicted when nothing does.
 * One that is idle, and that nobody follows, is not in use; nor is one that has waited long for an answer.
 *
 *   V1  the store knows which sessions have work open; one of those goes on as soon as it is loaded, and each is loaded
 *       when the host starts
 */

import { setImmediate } from "node:timers/promises";

import { hostClosed, invalid, notFound } from "../http/errors.ts";
import type { Collection } from "../records/collection.ts";
import type { SessionGlance, SessionRecord } from "../records/session-record.ts";
import type { UserEvent } from "../wire/user-events.ts";
import { filesOf } from "../wire/user-events.ts";
import type { WireEvent } from "../wire/wire-events.ts";
import type { Prices } from "./budget.ts";
import type { SessionHost, SessionKeeper } from "./host.ts";
import { isMarked, markedIds, markOf } from "./open-marks.ts";
import { OpenWork } from "./open-work.ts";
import { checkPost } from "./post-check.ts";
import { HostedSession } from "./session.ts";

interface Entry {
  readonly session: Promise<HostedSession>;
  loaded: HostedSession | undefined;
  users: number;
}

const TAKEN_UP_AT_ONCE = 16;

/** The sessions of a host. */
export class LiveSessions {
  readonly records: Collection<SessionRecord, SessionGlance>;
  readonly #host: SessionHost;
  readonly #entries = new Map<string, Entry>();
  readonly #keeper: SessionKeeper = {
    writesOf: (record, isOpen) => [...this.records.writesOf(record), markOf(record.id, isOpen)],
    forget: (id) => {
      this.#host.conversations.forget(id);
      return [...this.records.deletionOf(id), markOf(id, false)];
    },
    onQuiet: (id) => this.#release(id),
  };
  #isClosed = false;

  constructor(records: Collection<SessionRecord, SessionGlance>, host: SessionHost) {
    this.records = records;
    this.#host = host;
  }

  /** How many sessions are held in memory. */
  get size(): number {
    return this.#entries.size;
  }

  /** Goes on with what an earlier host on this store left unfinished. */
  async start(): Promise<void> {
    const left = (await markedIds(this.#host.store.records)).values();
    // A session that waits for a client is evicted from memory at once.
    const takeUp = async () => {
      for (const id of left) {
        await this.use(id, () => undefined).catch(() => undefined);
        // Yield: thousands of sessions may wait, and requests and timers must run in between.
        await setImmediate();
      }
    };
    await Promise.all(Array.from({ length: TAKEN_UP_AT_ONCE }, takeUp));
  }

  /** What the models cost. */
  get prices(): Prices {
    return this.#host.prices;
  }

  /**
   * Keeps a new session and gives it its first events.
   *
   * @throws Refusal when there is no model for its agent, or its events do not go together or speak of files that are
   * not there; then there is no session
   */
  async create(record: SessionRecord, events: readonly UserEvent[]): Promise<SessionRecord> {
    // Fail early: refused now rather than at its first message.
    this.#host.provider(record.agent);
    await this.#checkFiles(events);
    checkPost(events, { work: new OpenWork(), isCapped: false, threadId: record.thread_id });
    await this.records.add(record);
    return this.use(record.id, (session) => {
      if (events.length > 0) session.post(events);
      return session.kept();
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
      await checkConfirmations(session, events);
      const echoes = session.post(events);
      await session.log.written();
      return echoes;
    });
  }

  /**
   * Does something with a session, which stays loaded at least as long.
   *
   * @throws Refusal when there is no such session, or the host is closed
   */
  async use<T>(id: string, work: (session: HostedSession) => T | Promise<T>): Promise<T> {
    if (this.#isClosed) throw hostClosed();
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
      await this.#host.files.get(id).catch(() => {
        throw invalid(`There is no file ${id}.`);
      });
  }

  #load(id: string): Entry {
    const load = async () => {
      const record = await this.records.get(id);
      if (record === undefined) throw notFound(`Session ${id}`);
      const session = new HostedSession(record, this.#host, this.#keeper);
      // Race: claimed before it is read, or another host could append to what was read already. If the claim cannot be
      // written, as on a full disk, the session can still be read.
      await session.log.claim().catch(() => undefined);
      if (await isMarked(this.#host.store.records, id)) await session.takeUp();
      entry.loaded = session;
      return session;
    };
    const entry: Entry = { session: load(), loaded: undefined, users: 0 };
    this.#entries.set(id, entry);
    return entry;
  }

  #release(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    const isInUse = entry.users > 0 || entry.loaded?.isQuiet === false;
    // A session whose log cannot be written fails its present users; the next one loads it from the store again.
    if (isInUse && entry.loaded?.log.failed === undefined) return;
    this.#entries.delete(id);
    entry.loaded?.close();
  }
}

/** A confirmation of a call the session never had is refused; a late one is taken and changes nothing. */
async function checkConfirmations(session: HostedSession, events: readonly UserEvent[]): Promise<void> {
  const unknown = new Set<string>();
  for (const event of events)
    if (event.type === "user.tool_confirmation" && !session.isOpenCall(event.toolUseId))
      unknown.add(event.toolUseId);
  if (unknown.size === 0) return;
  for await (const { event } of session.log.readAll())
    if (event.type === "agent.tool_use") unknown.delete(event.id);
  const [id] = unknown;
  if (id !== undefined) throw invalid(`No call ${id} waits for a confirmation.`);
}
