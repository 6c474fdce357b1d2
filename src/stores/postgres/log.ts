/** Logs in PostgreSQL. Each call is one statement, which checks the fencing token itself. */

import { randomUUID } from "node:crypto";

import { hasCode } from "../../core/errors.ts";
import type { LogStore, StoredEntry } from "../../core/store.ts";
import { storeDamaged, sumOfEntry, sumOfId } from "../checksum.ts";
import { fromText, toText } from "../json.ts";
import { sessionOwned, staleOwner } from "../leases.ts";
import { ID, keepable } from "../names.ts";
import { Appender } from "./append.ts";
import { Batch, MAX_BYTES } from "./batch.ts";
import type { Database, Row } from "./database.ts";
import { WITH_LOCK_TIMEOUT } from "./lock-timeout.ts";
import { LogQueue } from "./queue.ts";
import { Renewals } from "./renewals.ts";
import { lockClass } from "./schema.ts";
import { isWorkerGone, type Worker } from "./worker.ts";

/** Milliseconds above which a lease has no end: the database cannot count so far. */
const MAX_TTL_MS = 1e13;

// Rows are locked in the order of their ids, as by appends. $8 and $9 are the same for all. A lease begins when its row is locked,
// or a claim that had to wait for it would have used it up.
const CLAIM = `
  WITH given AS (
    SELECT *, CASE WHEN ttl IS NULL THEN 'infinity' ELSE statement_timestamp() + ttl * interval '1 ms' END AS until
    FROM unnest($1::text[], $2::bigint[], $3::text[], $4::int[], $5::text[], $6::float8[], $7::bool[])
      WITH ORDINALITY AS g (id, sum, owner, worker, claim, ttl, force, at)
  ), claimed AS (
    INSERT INTO @.logs AS l (id, fence, last, sum, owner, worker, claim, lease_until)
    SELECT id, nextval('@.fences'), 0, sum, owner, worker, claim, until FROM given
    WHERE ${WITH_LOCK_TIMEOUT} ORDER BY id COLLATE "C"
    ON CONFLICT (id) DO UPDATE SET fence = nextval('@.fences'), owner = excluded.owner, worker = excluded.worker,
      claim = excluded.claim, lease_until = excluded.lease_until + (clock_timestamp() - statement_timestamp())
    WHERE l.claim = excluded.claim OR l.lease_until <= clock_timestamp()
      OR EXISTS (SELECT FROM given g WHERE g.id = l.id AND g.force)
      OR ${isWorkerGone("l.worker", "($8::int[])[1]", "($9::int[])[1]")}
    RETURNING id, number, fence, last, sum
  )
  SELECT g.at, c.number, c.fence, c.last, c.sum FROM claimed c JOIN given g ON g.id = c.id`;

const OWNER = `
  SELECT owner, extract(epoch FROM lease_until)::float8 * 1000 AS until, lease_until <= clock_timestamp() AS lapsed
  FROM @.logs WHERE id = $1`;

const DELETE = `
  WITH gone AS (DELETE FROM @.logs WHERE id = $1 AND fence = $2 AND ${WITH_LOCK_TIMEOUT} RETURNING number),
    erased AS (DELETE FROM @.entries e USING gone g WHERE e.log = g.number),
    emptied AS (DELETE FROM @.inbox i USING gone g WHERE i.session = $1)
  SELECT (SELECT count(*) FROM gone)::int AS deleted, EXISTS (SELECT FROM @.logs WHERE id = $1) AS was_there`;

// The entry before is read too, for its checksum: the chain starts there.
const READ = `
  SELECT at, last, end_sum, sum_before, found, seq, sum, is_cut, CASE WHEN NOT is_cut THEN entry END AS entry FROM (
    SELECT l.*, e.*,
      l.at > 1 AND sum(octet_length(e.entry)) OVER (ORDER BY l.at, e.seq) - octet_length(e.entry) >= ${MAX_BYTES} AS is_cut
    FROM (
      SELECT g.at, g.after, g.most, l.*,
        (SELECT b.sum FROM @.entries b WHERE b.log = l.number AND b.seq = g.after) AS sum_before
      FROM unnest($1::text[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS g (id, after, most, at)
      CROSS JOIN LATERAL (SELECT number, last, sum AS end_sum FROM @.logs WHERE id = g.id LIMIT 1) l
    ) l LEFT JOIN LATERAL (
      SELECT p.*, sum(octet_length(p.entry)) OVER (ORDER BY p.seq) - octet_length(p.entry) AS bytes_before,
        count(*) OVER () AS found
      FROM (
        SELECT seq, sum, entry FROM @.entries WHERE log = l.number AND seq > l.after ORDER BY seq LIMIT l.most) p
    ) e ON e.bytes_before < ${MAX_BYTES}
  ) r ORDER BY at, seq`;

/** The logs of a store, and when it is idle. */
export interface PostgresLog extends LogStore {
  /** Resolves when all that was asked for is done. */
  idle(): Promise<void>;
}

/**
 * The logs in a schema.
 *
 * @param worker whose life a lease goes with; undefined where only time ends it
 */
export function postgresLog(database: Database, worker: Worker | undefined): PostgresLog {
  const appender = new Appender(database);
  const queue = new LogQueue((chains) => appender.write(chains));
  const claims = new Batch(database, CLAIM);
  const findOwner = database.sql(OWNER);
  const renewals = new Renewals(database);
  const erase = database.sql(DELETE);
  const reads = new Batch(database, READ);
  const schemaLock = () => (worker === undefined ? lockClass(database.options.schema) : worker.schemaLock);

  return {
    claim: async (id, { owner, ttlMs, force = false }) => {
      keepable(id, ID);
      const doing = `Session ${id} could not be claimed`;
      const token = randomUUID();
      return queue.perform(id, async () => {
        const isLease = worker !== undefined && ttlMs > 0;
        const number = isLease ? await database.retry(doing, () => worker.number()) : null;
        const me = worker?.enrolled ?? null;
        const values = [id, sumOfId(id), plain(owner), number, token, ttlOf(ttlMs), force, schemaLock(), me];
        for (;;) {
          const [claimed] = await claims.ask(doing, values);
          if (claimed !== undefined) {
            const [fence, log] = [Number(claimed["fence"]), Number(claimed["number"])];
            appender.note(id, fence, { log, last: Number(claimed["last"]), sum: Number(claimed["sum"]) });
            return fence;
          }
          const [held] = await database.query(doing, findOwner, [id]);
          // Released just now: claim it again.
          if (held !== undefined && held["lapsed"] !== true)
            throw sessionOwned(id, { owner: String(held["owner"]), until: Number(held["until"]) });
        }
      });
    },
    async renew(id, fence, ttlMs) {
      refuseIfNone(id, fence);
      await renewals.renew(keepable(id, ID), fence, ttlOf(ttlMs));
    },
    release: async (id, fence) => {
      keepable(id, ID);
      if (!isFence(fence)) return;
      const nothing = { texts: [], records: [], takes: [] };
      await queue.append({ id, fence, ...nothing, release: true }).catch((thrown: unknown) => {
        // Of a log that is somebody else's now there is nothing to release.
        if (!hasCode(thrown, "stale_owner")) throw thrown;
      });
    },
    delete: async (id, fence) => {
      keepable(id, ID);
      refuseIfNone(id, fence);
      return queue.perform(id, () =>
        database.retry(`Session ${id} could not be deleted`, async (isRepeat) => {
          const [row] = await database.once(erase, [id, fence]);
          const isDone = Number(row?.["deleted"]) === 1 || (isRepeat && row?.["was_there"] === false);
          if (!isDone) throw staleOwner(id);
          appender.forget(id);
        }),
      );
    },
    async append(id, fence, entries, along = {}) {
      keepable(id, ID);
      refuseIfNone(id, fence);
      // Serialised before the first await: what the caller changes afterwards is not written.
      const texts = entries.map(toText);
      const records = (along.records ?? []).map(({ collection, key, value }) => ({
        collection: keepable(collection),
        key: keepable(key),
        text: value === undefined ? null : toText(value),
      }));
      const takes = (along.takes ?? []).filter((n) => Number.isSafeInteger(n));
      return queue.append({ id, fence, texts, records, takes, release: along.release === true });
    },
    async read(id, after, limit) {
      if (limit < 1) return [];
      const from = Math.max(0, Math.floor(after));
      const values = [keepable(id, ID), from, Math.floor(Math.min(limit, Number.MAX_SAFE_INTEGER))];
      const rows = await reads.ask(`Session ${id} could not be read`, values);
      return pageOf(id, from, limit, rows);
    },
    idle: () => queue.idle(),
  };
}

/** The entries of a page, when they are what was written. */
function pageOf(id: string, after: number, limit: number, rows: readonly Row[]): readonly StoredEntry[] {
  const [first] = rows;
  const [last, endSum] = [Number(first?.["last"] ?? 0), Number(first?.["end_sum"])];
  if (after >= last) return [];
  const damaged = (seq: number) => storeDamaged(`Session ${id}`, `entry ${seq} is not what was written`);
  let [seq, sum] = [after, after === 0 ? sumOfId(id) : Number(first?.["sum_before"] ?? Number.NaN)];
  if (Number.isNaN(sum)) throw damaged(after);
  const page: StoredEntry[] = [];
  for (const row of rows) {
    const text = row["entry"];
    seq += 1;
    if (typeof text !== "string" || Number(row["seq"]) !== seq) throw damaged(seq);
    sum = sumOfEntry(sum, seq, text);
    if (Number(row["sum"]) !== sum || (seq === last && sum !== endSum)) throw damaged(seq);
    page.push({ seq, entry: fromText(text) });
  }
  // Those beyond the end of the page are there as well.
  const end = after + Number(first?.["found"]);
  if (end < Math.min(after + limit, last)) throw damaged(end + 1);
  return page;
}

/** Whether a number may be a fencing token: those of released logs are negative. */
function isFence(fence: number): boolean {
  return Number.isSafeInteger(fence) && fence > 0;
}

function refuseIfNone(id: string, fence: number): void {
  if (!isFence(fence)) throw staleOwner(id);
}

/** A lease's length as the database takes it; null for one without an end. */
function ttlOf(ttlMs: number): number | null {
  if (ttlMs > MAX_TTL_MS) return null;
  return ttlMs > 0 ? ttlMs : 0;
}

/** Text that is only displayed: characters PostgreSQL refuses are dropped. */
function plain(words: string): string {
  return words.toWellFormed().replaceAll("\0", "").slice(0, MAX_OWNER);
}

const MAX_OWNER = 500;
