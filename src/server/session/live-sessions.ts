/**
 * A reference-counted cache of sessions: each is loaded once, however many requests and streams use it, and evicted when nothing does.
 * One that is idle, and that nobody follows, is not in use; nor is one that has waited long for an answer.
 *
 *   V1  the store knows which sessions have work open; one of those goes on as soon as it is loaded, and each is loaded
 *       when the host starts, except those that have stopped for a client
 *   V2  a session is loaded while the host has the lease on its log, and what is loaded was read under it
 */

import { setImmediate } from "node:timers/promises";

import { hasCode } from "../../core/errors.ts";
import { found, hostClosed, invalid } from "../http/errors.ts";
import type { KeyedPost } from "../http/idempotency.ts";
import { logIdOf } from "../log/event-log.ts";
import type { LeaseLog, LogLease } from "../log/log-lease.ts";
import { leaseForEver } from "../log/log-lease.ts";
import type { Collection } from "../records/collection.ts";
import type { SessionGlance, SessionRecord } from "../records/session-record.ts";
import type { UserEvent } from "../wire/user-events.ts";
import { filesOf } from "../wire/user-events.ts";
import type { WireEvent } from "../wire/wire-events.ts";
import type { Prices } from "./budget.ts";
import { snapshotDeletion } from "./conversation-snapshot.ts";
import type { SessionHost, SessionKeeper } from "./host.ts";
import { isMarked, markOf, unmarked } from "./open-marks.ts";
import { OpenWork } from "./open-work.ts";
import { checkPost } from "./post-check.ts";
import { forgetPosts, keeping, takenBefore } from "./post-keys.ts";
import { HostedSession } from "./session.ts";

interface Entry {
  readonly session: Promise<HostedSession>;
  readonly lease: LogLease;
  loaded: HostedSession | undefined;
  users: number;
}

const TAKEN_UP_AT_ONCE = 16;

/** The sessions of a host. */
export class LiveSessions {
  readonly records: Collection<SessionRecord, SessionGlance>;
  readonly #host: SessionHost;
  readonly #leaseLog: LeaseLog;
  readonly #entries = new Map<string, Entry>();
  /** Leases that are being let go of: who loads the session again waits, or would be refused by itself. */
  readonly #leaving = new Map<string, Promise<void>>();
  readonly #keeper: SessionKeeper = {
    writesOf: (record, work) => [
      ...this.records.writesOf(record),
      markOf(record.id, work, this.#host.hostId),
    ],
    forget: (id) => {
      this.#host.conversations.forget(id);
      return [...this.records.deletionOf(id), unmarked(id), snapshotDeletion(id)];
    },
    onQuiet: (id) => this.#release(id),
  };
  #isClosed = false;

  constructor(records: Collection<SessionRecord, SessionGlance>, host: SessionHost) {
    this.records = records;
    this.#host = host;
    this.#leaseLog = host.leaseLog ?? leaseForEver(host.store.log);
  }

  /** How many sessions are held in memory. */
  get size(): number {
    return this.#entries.size;
  }

  /** Whether a session is held in memory. */
  has(id: string): boolean {
    return this.#entries.has(id);
  }

  /** Goes on with what another host, or an earlier one, left unfinished in these sessions. */
  async takeUp(ids: readonly string[]): Promise<void> {
    const left = ids.values();
    const takeUpNext = async () => {
      for (const id of left) {
        await this.use(id, () => undefined).catch(() => undefined);
        // Yield: thousands of sessions may wait, and requests and timers must run in between.
        await setImmediate();
      }
    };
    await Promise.all(Array.from({ length: TAKEN_UP_AT_ONCE }, takeUpNext));
  }

  /** What the models cost. */
  get prices(): Prices {
    return this.#host.prices;
  }

  /**
   * Keeps a new session and gives it its first events; or gives the one that was made under its key before.
   *
   * @throws Refusal when there is no model for its agent, or its events do not go together or speak of files that are
   * not there; then there is no session
   */
  async create(
    record: SessionRecord,
    events: readonly UserEvent[],
    keyed?: KeyedPost,
  ): Promise<SessionRecord> {
    // Fail early: refused now rather than at its first message.
    this.#host.provider(record.agent);
    await this.#checkFiles(events);
    checkPost(events, { work: new OpenWork(), isCapped: false, threadId: record.thread_id });
    const kept = await this.records.add(record, keyed);
    const { id } = kept;
    const hasEvents = keyed && (await takenBefore(this.#host.store.records, id, keyed)) !== undefined;
    if (events.length === 0 || hasEvents === true) return kept;
    return this.useOnce(id, keyed, (session, taken, keep) => {
      if (taken === undefined) keep(session.post(events).map((echo) => echo.id));
      return session.kept();
    });
  }

  /**
   * Gives a session events, and gives back their echoes once they are in the store; those of a post that was taken before
   * as they are there.
   *
   * @throws Refusal when they do not fit what it is doing, or speak of files that are not there
   */
  async post(id: string, events: readonly UserEvent[], keyed?: KeyedPost): Promise<readonly WireEvent[]> {
    return this.useOnce(id, keyed, async (session, taken, keep) => {
      if (taken !== undefined) return echoesOf(session, taken);
      await this.#checkFiles(events);
      await checkConfirmations(session, events);
      const echoes = session.post(events);
      keep(echoes.map((echo) => echo.id));
      await session.log.written();
      return echoes;
    });
  }

  /**
   * Does something with a session that may be asked for again under its key.
   *
   * @param work is told the ids it kept when it was done before, if it was; `keep` writes ids along with what it adds to
   * the log in the same step
   */
  async useOnce<T>(
    id: string,
    keyed: KeyedPost | undefined,
    work: (
      session: HostedSession,
      taken: ReadonlySet<unknown> | undefined,
      keep: (ids: readonly string[]) => void,
    ) => T | Promise<T>,
  ): Promise<T> {
    return this.use(id, async (session) => {
      const taken = keyed && (await takenBefore(this.#host.store.records, id, keyed));
      return work(session, taken, (ids) => {
        if (keyed === undefined) return;
        session.log.writeAlong(`post ${keyed.key}`, () => [keeping(id, keyed, ids)]);
      });
    });
  }

  /**
   * Does something with a session, which stays loaded at least as long.
   *
   * @throws Refusal when there is no such session, or the host is closed
   * @throws LoophostError `session_owned` when another host on the store has it
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

  /** Removes a session, and ends its streams. */
  async delete(id: string): Promise<SessionRecord> {
    return this.use(id, async (session) => {
      await session.delete();
      await forgetPosts(this.#host.store.records, id);
      return session.record;
    });
  }

  /** Stops every session and ends every stream. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(
      [...this.#entries.values()].map(async ({ session, lease }) => {
        const loaded = await session.catch(() => undefined);
        loaded?.close();
        await loaded?.log.written().catch(() => undefined);
        loaded?.log.end();
        await lease.release();
      }),
    );
    await Promise.all(this.#leaving.values());
  }

  async #checkFiles(events: readonly UserEvent[]): Promise<void> {
    for (const id of filesOf(events))
      await this.#host.files.get(id).catch(() => {
        throw invalid(`There is no file ${id}.`);
      });
  }

  #load(id: string): Entry {
    const lease = this.#leaseLog(logIdOf(id));
    const read = async () => found(await this.records.get(id), `Session ${id}`);
    const load = async () => {
      await this.#leaving.get(id);
      await read();
      // If the claim cannot be written, as on a full disk, the session can still be read.
      await lease.fence().catch((thrown: unknown) => {
        if (hasCode(thrown, "session_owned")) throw thrown;
      });
      // Race: read again under the lease, since another host may have written to what was read before.
      const session = new HostedSession(await read(), this.#host, this.#keeper, lease);
      if (await isMarked(this.#host.store.records, id)) await session.takeUp();
      entry.loaded = session;
      return session;
    };
    const entry: Entry = { session: load(), lease, loaded: undefined, users: 0 };
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
    this.#letGo(id, entry.lease);
  }

  #letGo(id: string, lease: LogLease): void {
    const gone = lease.release().finally(() => {
      if (this.#leaving.get(id) === gone) this.#leaving.delete(id);
    });
    this.#leaving.set(id, gone);
  }
}

/** The events of a post, as they are in the log. */
async function echoesOf(session: HostedSession, ids: ReadonlySet<unknown>): Promise<readonly WireEvent[]> {
  const echoes = new Map<string, WireEvent>();
  for await (const { event } of session.log.readAll())
    if (ids.has(event.id) && !echoes.has(event.id)) echoes.set(event.id, event);
  return [...echoes.values()];
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
