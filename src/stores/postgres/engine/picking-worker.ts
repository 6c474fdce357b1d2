/**
 * A worker of the engine on PostgreSQL: picks sessions that are due, runs them, and notes how they rest.
 *
 *   N1  a wake that comes while its session runs raises its mark, and the session is run again
 *   N2  sessions of a worker whose lock is gone, or that hangs, are freed by others
 *   N3  what is this worker's in the table and not at work, since the reply to a pick was lost or a rest could not be noted,
 *       is freed by itself: nobody else would while it lives
 *   N4  fairness: tenants take turns, so that ten thousand wakes of one do not keep another's waiting
 */

import { waitAtMost } from "../../../core/async/abort.ts";
import { systemClock } from "../../../core/clock.ts";
import type { ActivationHost, EngineWorker, Rest } from "../../../core/engine.ts";
import { Batch } from "../batch.ts";
import type { Database, Row } from "../database.ts";
import type { DirectConnection } from "../direct.ts";
import { WITH_LOCK_TIMEOUT } from "../lock-timeout.ts";
import { isWorkerGone, Worker } from "../worker.ts";

/** How much a worker picks, and how often it looks by itself. */
export interface PickLimits {
  readonly pollMs: number;
  readonly maxActivations: number;
}

/** Sorts before all others. */
const FIRST_TENANT = "";

const IS_DUE = "worker IS NULL AND due <= clock_timestamp()";

// The tenants with something due, from $3 on, by a recursive query: an index scan for each, however many wakes one has (a loose
// index scan). Then from each as many as come to the room in all, the oldest first.
const PICK = `
  WITH RECURSIVE turns AS (
    (SELECT tenant, 1 AS n FROM @.wakes WHERE ${IS_DUE} AND tenant >= $3 ORDER BY tenant LIMIT 1)
    UNION ALL
    SELECT next.tenant, t.n + 1 FROM turns t CROSS JOIN LATERAL (
      SELECT tenant FROM @.wakes WHERE ${IS_DUE} AND tenant > t.tenant ORDER BY tenant LIMIT 1) next
    WHERE t.n < $2
  ), due AS (
    SELECT w.session FROM turns t CROSS JOIN LATERAL (
      SELECT session FROM @.wakes WHERE ${IS_DUE} AND tenant = t.tenant ORDER BY due
      LIMIT (SELECT ceil($2::float8 / count(*)) FROM turns) FOR UPDATE SKIP LOCKED) w
    LIMIT $2
  ), picked AS (
    UPDATE @.wakes w SET worker = $1 FROM due WHERE w.session = due.session RETURNING w.session, w.marks, w.tenant
  )
  SELECT session, marks, tenant FROM picked ORDER BY tenant`;

// Each worker is looked at once, not for each of its sessions. $3: what is at work here.
const FREE = `
  WITH taken AS MATERIALIZED (SELECT DISTINCT worker FROM @.wakes WHERE worker IS NOT NULL), free AS (
    SELECT w.session FROM @.wakes w JOIN taken ON w.worker = taken.worker
    WHERE CASE WHEN w.worker = $1 THEN w.session <> ALL ($3::text[]) ELSE ${isWorkerGone("taken.worker", "$2", "$1")} END
    FOR UPDATE OF w SKIP LOCKED
  )
  UPDATE @.wakes w SET worker = NULL FROM free WHERE w.session = free.session`;

// Woken again meanwhile: it stays queued, and is due at once. $4: after how long it is to be run again; null for not before it
// is woken.
const REST = `
  WITH rest AS (
    SELECT g.*, w.marks <> g.marks AS is_woken
    FROM unnest($1::text[], $2::int[], $3::bigint[], $4::float8[])
      WITH ORDINALITY AS g (session, worker, marks, after_ms, at)
    JOIN @.wakes w ON w.session = g.session AND w.worker = g.worker
    WHERE ${WITH_LOCK_TIMEOUT} ORDER BY w.session FOR UPDATE OF w
  ), parked AS (
    DELETE FROM @.wakes w USING rest r WHERE w.session = r.session AND NOT r.is_woken AND r.after_ms IS NULL
  )
  UPDATE @.wakes w SET worker = NULL,
    due = clock_timestamp() + CASE WHEN r.is_woken THEN 0 ELSE r.after_ms END * interval '1 ms'
  FROM rest r WHERE w.session = r.session AND (r.is_woken OR r.after_ms IS NOT NULL)
  RETURNING r.at, w.due <= clock_timestamp() AS is_due`;

const GIVE_BACK = "UPDATE @.wakes SET worker = NULL WHERE worker = $1";

/** So long a database that is away is waited for: others free what was not given back. */
const GIVE_BACK_MS = 2_000;

/** Picks sessions that are due, and runs them. */
export class PickingWorker implements EngineWorker {
  readonly #database: Database;
  readonly #direct: DirectConnection;
  readonly #host: ActivationHost;
  readonly #limits: PickLimits;
  readonly #worker: Worker;
  readonly #pickSql: string;
  readonly #freeSql: string;
  readonly #rests: Batch;
  /** The runs under way, each with its session. */
  readonly #atWork = new Map<Promise<unknown>, string>();
  #picking: Promise<void> | undefined;
  #isToldMeanwhile = false;
  /** Whether sessions are to be freed before the next pick: not during one, which would free what it is just picking. */
  #isFreeDue = false;
  /** Whether the last pick left nothing of the room, so that more may be due. */
  #isFull = false;
  /** The first tenant whose turn it is. */
  #turn = FIRST_TENANT;
  #timer: NodeJS.Timeout | undefined;
  #isDraining = false;

  constructor(database: Database, direct: DirectConnection, host: ActivationHost, limits: PickLimits) {
    this.#database = database;
    this.#direct = direct;
    this.#host = host;
    this.#limits = limits;
    this.#worker = new Worker(database, direct);
    this.#pickSql = database.sql(PICK);
    this.#freeSql = database.sql(FREE);
    this.#rests = new Batch(database, REST);
  }

  async begin(channel: string): Promise<void> {
    await this.#worker.number();
    await this.#direct.add(async (client) => {
      client.on("notification", () => this.pickNow());
      await client.query(`LISTEN ${channel}`);
    });
    this.#timer = setInterval(() => this.#poll(), this.#limits.pollMs);
    this.#poll();
  }

  async drain({ graceMs }: { readonly graceMs: number }): Promise<void> {
    this.#isDraining = true;
    clearInterval(this.#timer);
    const picked = Promise.resolve(this.#picking).then(() => Promise.all(this.#atWork.keys()));
    await waitAtMost(graceMs, systemClock, picked);
    // Sessions that are still active after the grace period are left to other workers, as after a crash.
    if (this.#atWork.size > 0) await waitAtMost(GIVE_BACK_MS, systemClock, this.#giveBack());
    this.#worker.close();
  }

  async #giveBack(): Promise<void> {
    const sql = this.#database.sql(GIVE_BACK);
    await this.#worker
      .number()
      .then((number) => this.#database.query("Sessions could not be given back", sql, [number]))
      .catch(() => undefined);
  }

  /** Frees the sessions that nobody runs, and picks. */
  #poll(): void {
    this.#isFreeDue = true;
    this.pickNow();
  }

  async #free(number: number): Promise<void> {
    this.#isFreeDue = false;
    const values = [number, this.#worker.schemaLock, [...this.#atWork.values()]];
    await this.#database.query("Sessions that nobody runs could not be freed", this.#freeSql, values);
  }

  /** Picks what is due, now or once the pick under way is over. */
  pickNow(): void {
    if (this.#isDraining) return;
    if (this.#picking !== undefined) {
      this.#isToldMeanwhile = true;
      return;
    }
    this.#picking = this.#pickAll()
      // A failed poll is retried by the next one.
      .catch(() => undefined)
      .finally(() => {
        this.#picking = undefined;
        if (this.#isToldMeanwhile) this.pickNow();
      });
  }

  async #pickAll(): Promise<void> {
    this.#isToldMeanwhile = false;
    const number = await this.#worker.number();
    if (this.#isFreeDue) await this.#free(number);
    while (!this.#isDraining) {
      const room = this.#limits.maxActivations - this.#atWork.size;
      if (room <= 0) return;
      const first = this.#turn;
      const values = [number, room, first];
      const picked = await this.#database.query("Sessions could not be picked", this.#pickSql, values);
      for (const row of picked) this.#run(row, number);
      this.#isFull = picked.length === room;
      this.#turn = this.#isFull ? after(picked.at(-1)) : FIRST_TENANT;
      // A tenant that is alone may have the whole room: where it took less, nothing more is due.
      const tenants = new Set(picked.map(({ tenant }) => tenant));
      if (!this.#isFull && first === FIRST_TENANT && tenants.size < 2) return;
    }
  }

  #run(row: Row, number: number): void {
    const running = this.#runToRest(row, number)
      // If its rest cannot be noted, the session is freed and picked again; the store knows what was done.
      .catch(() => false)
      .then((isDueAgain) => {
        this.#atWork.delete(running);
        if (isDueAgain || this.#isFull) this.pickNow();
        return undefined;
      });
    this.#atWork.set(running, String(row["session"]));
  }

  async #runToRest(row: Row, number: number): Promise<boolean> {
    const id = String(row["session"]);
    return this.#rest(id, number, Number(row["marks"]), await this.#host.activate(id));
  }

  /** Notes that a session rests; tells whether it is due again. */
  async #rest(id: string, worker: number, marks: number, rest: Rest): Promise<boolean> {
    const afterMs = rest.now === "again" ? rest.afterMs : rest.wakeAt && rest.wakeAt.getTime() - Date.now();
    const values = [id, worker, marks, afterMs === undefined ? null : Math.max(0, afterMs)];
    const rows = await this.#rests.ask(`The rest of session ${id} could not be noted`, values);
    return rows.some((row) => row["is_due"] === true);
  }
}

/** The first tenant that can come after that of a row. */
function after(row: Row | undefined): string {
  return `${String(row?.["tenant"])}\u0001`;
}
