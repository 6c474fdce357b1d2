/**
 * The work queues of self-hosted environments, at-least-once: which worker runs the built-in tools of a session.
 *
 *   Q1  a session has at most one item that has not stopped, and has one while a run of it is open that needs a worker
 *   Q2  an item is offered to one worker at a time; one that does not acknowledge it in time, or whose heartbeats stop,
 *       loses it to the next, and its token with it
 *   Q3  a change of an item is durable before it is reported; after a restart its worker has a whole lease again
 */

import type { Clock } from "../../core/clock.ts";
import type { JsonObject } from "../../core/json.ts";
import { invalid, Refusal } from "../http/errors.ts";
import type { PageRequest } from "../http/pages.ts";
import type { Page } from "../records/collection.ts";
import type { SessionRecord } from "../records/session-record.ts";
import type { Turns } from "../records/turns.ts";
import { builtInNames } from "../session/built-in-tools.ts";
import { Arrivals } from "./arrivals.ts";
import type { WorkRecord } from "./work-record.ts";
import {
  acknowledged,
  beaten,
  createWork,
  isEnding,
  leaseOf,
  requeued,
  stopping,
  workOf,
} from "./work-record.ts";
import { WorkStore } from "./work-store.ts";
import { isToken, newWorkToken } from "./work-token.ts";

/** How a worker asks for work. */
export interface Poll {
  /** How long to wait for some. */
  readonly blockMs: number;
  /** How long a worker has to take an item it was offered. */
  readonly reclaimMs: number;
  readonly workerId: string | undefined;
  readonly signal: AbortSignal;
}

/** How a worker says that it is alive. */
export interface Heartbeat {
  /** The heartbeat it takes to be the latest, or "NO_HEARTBEAT". Left out, nothing is compared. */
  readonly expected: string | undefined;
  readonly ttlSeconds: number | undefined;
}

const LOOK_EVERY_MS = 250;

/** How long a worker counts as polling after it polled. */
const POLLING_MS = 30_000;

/** The work queues of a host. */
export class WorkQueue {
  readonly #items: WorkStore;
  readonly #clock: Clock;
  readonly #hasOpenRun: (sessionId: string) => Promise<boolean>;
  readonly #arrivals: Arrivals;
  /** The sessions that need an item and have none yet, with their environments. */
  readonly #wanting = new Map<string, string>();
  /** When each worker polled last, longest ago first. */
  readonly #polled = new Map<string, number>();
  readonly #turns: Turns;

  constructor(turns: Turns, clock: Clock, hasOpenRun: (sessionId: string) => Promise<boolean>) {
    this.#turns = turns;
    this.#items = new WorkStore(turns, clock);
    this.#clock = clock;
    this.#hasOpenRun = hasOpenRun;
    this.#arrivals = new Arrivals(clock);
  }

  // --- what sessions say

  /** Queues an item for a session that runs, when it needs a worker and has no item. */
  want({ id, environment_id: environmentId, agent, is_self_hosted: isSelfHosted }: SessionRecord): void {
    if (!isSelfHosted || builtInNames(agent.tools).length === 0) return;
    this.#wanting.set(id, environmentId);
    // A failed write is retried when a worker polls.
    this.#inTurn(() => this.#queueWanted()).catch(() => undefined);
  }

  /** Stops the item of a session that is over. */
  release(sessionId: string): Promise<void> {
    return this.#inTurn(async () => {
      this.#wanting.delete(sessionId);
      const item = this.#items.ofSession(sessionId);
      if (item !== undefined) await this.#items.put(stopping(item.work, false));
    });
  }

  // --- what workers say

  /** Offers a worker the next item of an environment, with its secret; null when there is none in time. */
  async poll(environmentId: string, poll: Poll): Promise<JsonObject | null> {
    const { blockMs, reclaimMs, workerId, signal } = poll;
    const start = this.#clock.now();
    if (workerId !== undefined) this.#notePoll(`${environmentId} ${workerId}`, start);
    for (;;) {
      const seen = this.#arrivals.count;
      const offered = await this.#inTurn(() => this.#offer(environmentId, reclaimMs));
      const leftMs = start + blockMs - this.#clock.now();
      if (offered !== null || leftMs <= 0 || signal.aborted || this.#arrivals.isClosed) return offered;
      // What other hosts queue is not said here.
      await this.#arrivals.next(
        seen,
        this.#turns.isShared ? Math.min(leftMs, LOOK_EVERY_MS) : leftMs,
        signal,
      );
    }
  }

  /** A worker takes an item it was offered. */
  acknowledge(environmentId: string, id: string): Promise<WorkRecord> {
    return this.change(environmentId, id, (work) => {
      if (work.state === "stopped") throw invalid(`Work ${id} was stopped.`);
      return acknowledged(work);
    });
  }

  /**
   * A worker is alive; what comes back says whether it still has the item.
   *
   * @throws Refusal with status 412 when somebody else has
   */
  async heartbeat(environmentId: string, id: string, heartbeat: Heartbeat): Promise<JsonObject> {
    const { expected, ttlSeconds } = heartbeat;
    const work = await this.change(environmentId, id, (current) => {
      if (isEnding(current)) return current;
      if (expected !== undefined && expected !== (current.latest_heartbeat_at ?? "NO_HEARTBEAT"))
        throw lostLease(current);
      return beaten(current, ttlSeconds);
    });
    const lease = leaseOf(work);
    return { type: "work_heartbeat", ...lease, last_heartbeat: lease.last_heartbeat ?? "" };
  }

  /**
   * Stops an item: by force at once, else by telling its worker. A run it leaves open gets a new one (Q1).
   *
   * @throws Refusal with status 409 when it has stopped already
   */
  async stop(environmentId: string, id: string, isForced: boolean): Promise<WorkRecord> {
    const work = await this.change(environmentId, id, (current) => {
      if (current.state === "stopped") throw new Refusal("conflict_error", `Work ${id} has stopped already.`);
      return stopping(current, isForced);
    });
    if (work.state === "stopped" && (await this.#hasOpenRun(work.data.id))) {
      // Counts as just offered, so that a worker that cannot serve the session does not get it back at once.
      await this.#inTurn(() => this.#queue(environmentId, work.data.id, this.#clock.now()));
    }
    return work;
  }

  // --- what everybody may know

  /** The item with an id. */
  get(environmentId: string, id: string): Promise<WorkRecord> {
    return this.#items.get(environmentId, id);
  }

  /** One page of the items of an environment, newest first. */
  list(environmentId: string, page: PageRequest): Promise<Page<WorkRecord>> {
    return this.#items.list(environmentId, page);
  }

  /** Reads an item, changes it and keeps what came of it. */
  change(environmentId: string, id: string, work: (item: WorkRecord) => WorkRecord): Promise<WorkRecord> {
    return this.#inTurn(async () => {
      const changed = work(await this.#items.get(environmentId, id));
      await this.#items.put(changed);
      return changed;
    });
  }

  /** How full the queue of an environment is. */
  async stats(environmentId: string): Promise<JsonObject> {
    const since = this.#clock.now() - POLLING_MS;
    const queued = await this.#inTurn(async () => this.#items.queuedIn(environmentId));
    const pending = queued.filter(({ offeredAt }) => offeredAt !== undefined).length;
    const polling = [...this.#polled].filter(
      ([key, at]) => at > since && key.startsWith(`${environmentId} `),
    );
    return {
      type: "work_queue_stats",
      depth: queued.length - pending,
      pending,
      oldest_queued_at: queued[0]?.work.created_at ?? null,
      workers_polling: polling.length,
    };
  }

  /**
   * Whether a key of a request is the token of the work its path is about. A worker may use its item, read the session of
   * that item, and post to it; all else takes the host's own key.
   */
  async admits(keys: readonly string[], method: string, path: string): Promise<boolean> {
    const work = await this.#askedAbout(method, path);
    // A stopped worker's token is revoked.
    const digest = work === undefined || work.state === "stopped" ? null : work.token_digest;
    return digest !== null && keys.some((key) => isToken(key, digest));
  }

  /** Forgets the queue of an environment. */
  forget(environmentId: string): Promise<void> {
    return this.#inTurn(() => this.#items.forget(environmentId));
  }

  /** Ends the polls that wait. */
  close(): void {
    this.#arrivals.close();
  }

  async #askedAbout(method: string, path: string): Promise<WorkRecord | undefined> {
    const [, , kind, id = "", part, workId] = path.split("/");
    if (kind === "environments" && part === "work") return this.#items.find(id, workId ?? "");
    const isForWorkers = kind === "sessions" && (method === "GET" || part === "events");
    return isForWorkers ? this.#inTurn(async () => this.#items.ofSession(id)?.work) : undefined;
  }

  async #queue(environmentId: string, sessionId: string, offeredAt?: number): Promise<void> {
    if (this.#items.ofSession(sessionId) !== undefined) return;
    await this.#items.add(createWork(environmentId, sessionId), offeredAt);
    this.#arrivals.say();
  }

  async #queueWanted(): Promise<void> {
    for (const [sessionId, environmentId] of this.#wanting) {
      await this.#queue(environmentId, sessionId);
      this.#wanting.delete(sessionId);
    }
  }

  async #offer(environmentId: string, reclaimMs: number): Promise<JsonObject | null> {
    await this.#queueWanted();
    for (const { work } of this.#items.lapsedIn(environmentId)) await this.#lapse(work);
    const now = this.#clock.now();
    const next = this.#items
      .queuedIn(environmentId)
      .find(({ offeredAt }) => offeredAt === undefined || now - offeredAt >= reclaimMs);
    if (next === undefined) return null;
    const { secret, digest } = newWorkToken();
    await this.#items.put({ ...next.work, token_digest: digest });
    next.offeredAt = now;
    return workOf(next.work, secret);
  }

  /** A worker's heartbeats stopped. One that was asked to stop and vanished leaves its session waiting. */
  async #lapse(work: WorkRecord): Promise<void> {
    if (work.state !== "stopping") return this.#items.put(requeued(work));
    await this.#items.put(stopping(work, true));
    if (await this.#hasOpenRun(work.data.id)) await this.#queue(work.environment_id, work.data.id);
  }

  /** A mutex: no two requests decide on the same state. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.take(() => this.#items.load().then(work));
  }

  #notePoll(worker: string, now: number): void {
    this.#polled.delete(worker);
    this.#polled.set(worker, now);
    for (const [key, at] of this.#polled) {
      if (at > now - POLLING_MS) return;
      this.#polled.delete(key);
    }
  }
}

function lostLease(work: WorkRecord): Refusal {
  const details = {
    error_code: "heartbeat_precondition_failed",
    current_state: { ...leaseOf(work), lease_extended: false },
  };
  const message = `Work ${work.id} has had another heartbeat, or none: somebody else may have it by now.`;
  return new Refusal("invalid_request_error", message, details, 412);
}
