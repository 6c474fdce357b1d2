/**
 * The engine on PostgreSQL alone: a queue table of sessions to be run, which workers poll. It only schedules; that one
 * worker runs a session at a time is ensured by the store's lease, and a false alarm here costs only the step under
 * way.
 */

import { atLeast, checkOptions } from "../../../core/check-options.ts";
import type { ActivationHost, Engine, EngineWorker, Wake } from "../../../core/engine.ts";
import { LoophostError } from "../../../core/errors.ts";
import { Batch } from "../batch.ts";
import type { Database } from "../database.ts";
import type { DirectConnection } from "../direct.ts";
import { WITH_LOCK_TIMEOUT } from "../lock-timeout.ts";
import type { PostgresStoreOptions } from "../open.ts";
import { CHECKS, openDatabase } from "../open.ts";
import type { PostgresPool } from "../pool.ts";
import { channelOf, Notices } from "./notices.ts";
import type { PickLimits } from "./picking-worker.ts";
import { PickingWorker } from "./picking-worker.ts";

/** How an engine on PostgreSQL is made. */
export interface PostgresEngineOptions extends PostgresStoreOptions {
  /** Milliseconds between polls for due sessions; a wake is announced at once. Default 200. */
  readonly pollMs?: number | undefined;
  /** How many sessions are taken by this process at once. Default 200. */
  readonly maxActivations?: number | undefined;
}

/** Characters of a tenant that count: what is in an index has a bound. */
const MAX_TENANT = 200;

// One row for a session, however often it is woken in a moment: one statement changes a row once. Clock skew: when it is due is said from
// now on, since the clock of whoever wakes it may be a day off that of the database.
const WAKE = `
  INSERT INTO @.wakes AS w (session, due, tenant, marks)
  SELECT session, clock_timestamp() + min(after_ms) * interval '1 ms', coalesce(max(tenant), ''), count(*)
  FROM unnest($1::text[], $2::float8[], $3::text[]) AS g (session, after_ms, tenant)
  WHERE ${WITH_LOCK_TIMEOUT} GROUP BY session ORDER BY session
  ON CONFLICT (session) DO UPDATE SET marks = w.marks + excluded.marks, due = least(w.due, excluded.due),
    tenant = CASE excluded.tenant WHEN '' THEN w.tenant ELSE excluded.tenant END`;

/**
 * Makes an engine over the tables of a store on PostgreSQL, by the address of the database or a `Pool` of `pg`.
 *
 * @throws LoophostError `invalid_options` for an address that is none, or an option there is not; its calls throw as those of `postgresStore()`
 */
export function postgresEngine(database: string | PostgresPool, options: PostgresEngineOptions = {}): Engine {
  checkOptions<PostgresEngineOptions>("postgresEngine()", options, {
    ...CHECKS,
    pollMs: atLeast(1),
    maxActivations: atLeast(1),
  });
  const { pollMs = 200, maxActivations = 200, ...store } = options;
  const { opened, direct } = openDatabase("postgresEngine()", database, store);
  return new PostgresEngine(opened, direct, { pollMs, maxActivations });
}

class PostgresEngine implements Engine {
  readonly isShared = true;
  readonly #database: Database;
  readonly #direct: DirectConnection;
  readonly #limits: PickLimits;
  readonly #channel: string;
  readonly #wakes: Batch;
  readonly #notices: Notices;
  readonly #workers = new Set<PickingWorker>();
  #closing: Promise<void> | undefined;

  constructor(database: Database, direct: DirectConnection, limits: PickLimits) {
    this.#database = database;
    this.#direct = direct;
    this.#limits = limits;
    this.#wakes = new Batch(database, WAKE);
    this.#channel = channelOf(database.options.schema, "wakes");
    this.#notices = new Notices(database, this.#channel);
  }

  async wake(id: string, how: Wake = {}): Promise<void> {
    const afterMs = how.at === undefined ? 0 : how.at.getTime() - Date.now();
    if (!Number.isFinite(afterMs))
      throw new LoophostError("invalid_options", `Session ${id} cannot be woken at a date that is none.`);
    const values = [id, Math.max(0, afterMs), how.tenant?.slice(0, MAX_TENANT) ?? null];
    await this.#wakes.ask(`Session ${id} could not be woken`, values);
    if (how.at !== undefined) return;
    for (const worker of this.#workers) worker.pickNow();
    // One notification for all wakes of a moment (debounced): it only says that there is something to pick.
    this.#notices.say("");
  }

  async work(host: ActivationHost): Promise<EngineWorker> {
    const worker = new PickingWorker(this.#database, this.#direct, host, this.#limits);
    this.#workers.add(worker);
    await worker.begin(this.#channel);
    return worker;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.drain({ graceMs: 0 })));
    await this.#notices.flush();
    await this.#direct.close();
    await this.#database.close();
  }
}
