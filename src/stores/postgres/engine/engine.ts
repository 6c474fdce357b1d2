/**
 * The engine on PostgreSQL alone: a queue table of sessions to be run, which workers poll. It only schedules; that one
 * worker runs a session at a time is ensured by the store's lease, and a false alarm here costs only the step under
 * way.
 *
 *   N1  a wake that comes while its session runs raises its mark, and the session is run again
 *   N2  sessions of a worker whose lock is gone, or that hangs, are taken by others
 */

import { waitAtMost } from "../../../core/async/abort.ts";
import { atLeast, checkOptions } from "../../../core/check-options.ts";
import { systemClock } from "../../../core/clock.ts";
import type { ActivationHost, Engine, EngineWorker, Rest } from "../../../core/engine.ts";
import type { Database, Row } from "../database.ts";
import type { DirectConnection } from "../direct.ts";
import type { PostgresStoreOptions } from "../open.ts";
import { CHECKS, openDatabase } from "../open.ts";
import type { PostgresPool } from "../pool.ts";
import { lockClass } from "../schema.ts";
import { isWorkerGone, Worker } from "../worker.ts";
import { channelOf, Notices } from "./notices.ts";

/** How an engine on PostgreSQL is made. */
export interface PostgresEngineOptions extends PostgresStoreOptions {
  /** Milliseconds between polls for due sessions; a wake is announced at once. Default 200. */
  readonly pollMs?: number | undefined;
  /** How many sessions are taken by this process at once. Default 200. */
  readonly maxActivations?: number | undefined;
}

const WAKE = `
  INSERT INTO @.wakes (session, due) VALUES ($1, coalesce($2::timestamptz, clock_timestamp()))
  ON CONFLICT (session) DO UPDATE SET marks = wakes.marks + 1, due = least(wakes.due, excluded.due)`;

const DUE = `SELECT session FROM @.wakes
  WHERE due <= clock_timestamp() AND (worker IS NULL OR ${isWorkerGone("$3", "worker")}) ORDER BY due`;

// The oldest first would have a wake of just now wait for thousands of somebody else's; so half of the room is for the newest.
const PICK = `
  WITH oldest AS (${DUE} LIMIT $2 FOR UPDATE SKIP LOCKED), newest AS (${DUE} DESC LIMIT $4 FOR UPDATE SKIP LOCKED)
  UPDATE @.wakes w SET worker = $1 FROM (SELECT session FROM oldest UNION SELECT session FROM newest) AS due
  WHERE w.session = due.session RETURNING w.session, w.marks`;

// Woken again meanwhile: it stays queued, and is due at once.
const PARK = `
  WITH done AS (DELETE FROM @.wakes WHERE session = $1 AND worker = $2 AND marks = $3)
  UPDATE @.wakes SET worker = NULL, due = clock_timestamp() WHERE session = $1 AND worker = $2 AND marks <> $3`;

const REST = `
  UPDATE @.wakes SET worker = NULL,
    due = CASE WHEN marks = $3 THEN clock_timestamp() + $4 * interval '1 ms' ELSE clock_timestamp() END
  WHERE session = $1 AND worker = $2`;

const GIVE_BACK = "UPDATE @.wakes SET worker = NULL WHERE worker = $1";

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
  readonly #limits: { readonly pollMs: number; readonly maxActivations: number };
  readonly #channel: string;
  readonly #notices: Notices;
  readonly #workers = new Set<PickingWorker>();
  #closing: Promise<void> | undefined;

  constructor(
    database: Database,
    direct: DirectConnection,
    limits: { readonly pollMs: number; readonly maxActivations: number },
  ) {
    this.#database = database;
    this.#direct = direct;
    this.#limits = limits;
    this.#channel = channelOf(database.options.schema, "wakes");
    this.#notices = new Notices(database, this.#channel);
  }

  async wake(id: string, when?: { readonly at: Date }): Promise<void> {
    const at = when?.at.toISOString() ?? null;
    await this.#database.query(`Session ${id} could not be woken`, this.#database.sql(WAKE), [id, at]);
    // One notification for all wakes of a moment (debounced): it only says that there is something to pick.
    if (at === null) this.#notices.say("");
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

/** Picks sessions that are due, and runs them. */
class PickingWorker implements EngineWorker {
  readonly #database: Database;
  readonly #direct: DirectConnection;
  readonly #host: ActivationHost;
  readonly #limits: { readonly pollMs: number; readonly maxActivations: number };
  readonly #worker: Worker;
  readonly #class: number;
  readonly #atWork = new Set<Promise<void>>();
  #picking: Promise<void> | undefined;
  #isToldMeanwhile = false;
  #turn = 0;
  #timer: NodeJS.Timeout | undefined;
  #isDraining = false;

  constructor(
    database: Database,
    direct: DirectConnection,
    host: ActivationHost,
    limits: { readonly pollMs: number; readonly maxActivations: number },
  ) {
    this.#database = database;
    this.#direct = direct;
    this.#host = host;
    this.#limits = limits;
    this.#worker = new Worker(database, direct);
    this.#class = lockClass(database.options.schema);
  }

  async begin(channel: string): Promise<void> {
    await this.#worker.number();
    await this.#direct.add(async (client) => {
      client.on("notification", () => this.#pickNow());
      await client.query(`LISTEN ${channel}`);
    });
    this.#timer = setInterval(() => this.#pickNow(), this.#limits.pollMs);
    this.#pickNow();
  }

  async drain({ graceMs }: { readonly graceMs: number }): Promise<void> {
    this.#isDraining = true;
    clearInterval(this.#timer);
    await this.#picking;
    await waitAtMost(graceMs, systemClock, Promise.all(this.#atWork));
    // Sessions that are still active after the grace period are left to other workers, as after a crash.
    if (this.#atWork.size > 0)
      await this.#database
        .query("Sessions could not be given back", this.#database.sql(GIVE_BACK), [
          await this.#worker.number(),
        ])
        .catch(() => undefined);
    this.#worker.close();
  }

  #pickNow(): void {
    if (this.#isDraining) return;
    if (this.#picking !== undefined) {
      this.#isToldMeanwhile = true;
      return;
    }
    this.#picking = this.#pickAll()
      // A failed poll is retried by the next one.
      .catch(() => undefined)
      .finally(() => (this.#picking = undefined));
  }

  async #pickAll(): Promise<void> {
    do {
      this.#isToldMeanwhile = false;
      const room = this.#limits.maxActivations - this.#atWork.size;
      if (room <= 0) return;
      const number = await this.#worker.number();
      // In turns, where there is room for one.
      this.#turn += 1;
      const oldest = room === 1 ? this.#turn % 2 : Math.ceil(room / 2);
      const values = [number, oldest, this.#class, room - oldest];
      const picked = await this.#database.query(
        "Sessions could not be picked",
        this.#database.sql(PICK),
        values,
      );
      for (const row of picked) this.#run(row, number);
    } while (this.#isToldMeanwhile && !this.#isDraining);
  }

  #run(row: Row, number: number): void {
    const id = String(row["session"]);
    const running = this.#host
      .activate(id)
      .then((rest) => this.#rest(id, number, Number(row["marks"]), rest))
      // If this cannot be recorded, the session is picked again by a worker that finds this one gone; the store knows
      // what was done.
      .catch(() => undefined)
      .finally(() => {
        this.#atWork.delete(running);
        this.#pickNow();
      });
    this.#atWork.add(running);
  }

  async #rest(id: string, worker: number, marks: number, rest: Rest): Promise<void> {
    const doing = `The rest of session ${id} could not be noted`;
    const afterMs = rest.now === "again" ? rest.afterMs : rest.wakeAt && rest.wakeAt.getTime() - Date.now();
    if (afterMs === undefined)
      await this.#database.query(doing, this.#database.sql(PARK), [id, worker, marks]);
    else
      await this.#database.query(doing, this.#database.sql(REST), [id, worker, marks, Math.max(0, afterMs)]);
  }
}
