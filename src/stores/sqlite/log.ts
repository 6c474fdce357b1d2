/**
 * Logs in SQLite. The fencing token is checked inside the transaction that writes, so that no other process comes in
 * between (race).
 */

import type { LogStore, StoredEntry } from "../../core/store.ts";
import { sumOfEntry, sumOfId } from "../checksum.ts";
import { fromText, toText } from "../json.ts";
import { sessionOwned, staleOwner } from "../leases.ts";
import { ID, keepable } from "../names.ts";
import { PAGE_CHARS } from "../page.ts";
import type { SqliteConnection } from "./connection.ts";
import { storeDamaged } from "./errors.ts";
import { isGone, OURSELVES } from "./holder.ts";
import { emptyInbox, takeItems } from "./inbox.ts";
import type { LeaseClock } from "./lease-clock.ts";
import { writeRecords } from "./records.ts";

interface LogRow {
  readonly number: number;
  readonly id: string;
  readonly fence: number;
  readonly owner: string;
  readonly until: number;
  readonly ttl: number;
  readonly holder: string;
  readonly place: number;
  readonly last: number;
  readonly sum: number;
}

/** The logs in a file. */
export function sqliteLog(connection: SqliteConnection, { now, sinceJumpMs }: LeaseClock): LogStore {
  const find = connection.prepare<LogRow>(`
    SELECT number, id, fence, owner, lease_until AS until, ttl, holder, place, last, sum FROM logs WHERE id = ?`);
  const findByPlace = connection.prepare<{ id: string }>("SELECT id FROM logs WHERE place = ?");
  const lowestFence = connection.prepare<{ fence: number }>("SELECT fence FROM meta");
  const raiseFence = connection.prepare("UPDATE meta SET fence = max(fence, ?)");
  const setOwner = connection.prepare(`
    INSERT INTO logs (id, fence, owner, lease_until, ttl, holder, place, sum) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET fence = excluded.fence, owner = excluded.owner,
      lease_until = excluded.lease_until, ttl = excluded.ttl, holder = excluded.holder`);
  const setUntil = connection.prepare("UPDATE logs SET lease_until = ?, ttl = ? WHERE id = ? AND fence = ?");
  // Releasing increments the fencing token, so that late writes of the earlier owner are rejected.
  const letGo = connection.prepare(
    "UPDATE logs SET fence = fence + 1, lease_until = 0 WHERE id = ? AND fence = ?",
  );
  const erase = connection.prepare("DELETE FROM entries WHERE log = ?");
  const forget = connection.prepare("DELETE FROM logs WHERE number = ?");
  const insert = connection.prepare("INSERT INTO entries (log, seq, entry, sum) VALUES (?, ?, ?, ?)");
  const advance = connection.prepare("UPDATE logs SET last = ?, sum = ? WHERE number = ?");
  const select = connection.prepare<{ seq: number; sum: number; entry: string }>(`
    SELECT seq, sum, CASE WHEN seq > ? THEN entry ELSE '' END AS entry FROM entries
    WHERE log = ? AND seq >= ? ORDER BY seq LIMIT ?`);
  const write = writeRecords(connection);
  const take = takeItems(connection);
  const empty = emptyInbox(connection);

  /**
   * The row of a log. Where a damaged index has lost it, it is found through the second one; else the log would be
   * taken for a new one.
   */
  function findLog(id: string): LogRow | undefined {
    const row = find.get(id);
    const place = sumOfId(id);
    const isLost =
      row === undefined && findByPlace.all(place).some((other) => other.id === id.toWellFormed());
    if (isLost || (row !== undefined && row.place !== place))
      throw storeDamaged(`Session ${id}`, "the row that says where it is does not hold what was written");
    return row;
  }

  function ownLog(id: string, fence: number): LogRow {
    const log = findLog(id);
    if (log?.fence !== fence) throw staleOwner(id);
    return log;
  }

  /**
   * Whether a lease is alive. One that ends later than its length allows was given by a clock that is ahead (clock
   * skew). One that is over only since the clock jumped is about to be renewed, if its owner lives: that happens at each third
   * of its length.
   */
  function isHeld(id: string, { until, ttl, holder, fence }: LogRow): boolean {
    const mayBeRenewed = sinceJumpMs() < ttl / 2; // asked at each look: a clock that was set, and set back, has jumped twice
    // Of a log that was released it is 0.
    if (until === 0 || isGone(holder)) return false;
    if (now() >= until) return mayBeRenewed;
    if (until - now() > ttl) setUntil.run(now() + ttl, ttl, id, fence);
    return true;
  }

  function readPage(id: string, after: number, limit: number): readonly StoredEntry[] {
    const log = findLog(id);
    if (log === undefined || after >= log.last) return [];
    const page: StoredEntry[] = [];
    const damaged = (seq: number) => storeDamaged(`Session ${id}`, `entry ${seq} is not what was written`);
    // The entry before is read too, for its checksum: the chain starts there.
    let [seq, sum, chars] = [after, log.place, 0];
    const rows = select.iterate(after, log.number, after, after === 0 ? limit : limit + 1);
    for (const row of rows) {
      if (row.seq === after) {
        sum = row.sum;
        continue;
      }
      seq += 1;
      sum = sumOfEntry(sum, seq, row.entry);
      if (row.seq !== seq || row.sum !== sum || (seq === log.last && sum !== log.sum)) throw damaged(seq);
      page.push({ seq, entry: fromText(row.entry) });
      chars += row.entry.length;
      if (chars >= PAGE_CHARS) return page;
    }
    if (seq < Math.min(after + limit, log.last)) throw damaged(seq + 1);
    return page;
  }

  return {
    async claim(id, { owner, ttlMs, force = false }) {
      keepable(id, ID);
      return connection.write(`Session ${id} could not be claimed`, () => {
        const held = findLog(id);
        if (held !== undefined && !force && isHeld(id, held)) throw sessionOwned(id, held);
        const fence = (held?.fence ?? lowestFence.get()?.fence ?? 0) + 1;
        const place = sumOfId(id); // where the chain of its entries begins, too
        setOwner.run(id, fence, owner, now() + ttlMs, ttlMs, OURSELVES, place, place);
        return fence;
      });
    },
    renew: (id, fence, ttlMs) =>
      connection.write(`The lease on session ${id} could not be renewed`, () => {
        if (setUntil.run(now() + ttlMs, ttlMs, id, fence) === 0) throw staleOwner(id);
      }),
    release: (id, fence) =>
      connection.write(`Session ${id} could not be released`, () => void letGo.run(id, fence)),
    delete: (id, fence) =>
      connection.write(`Session ${id} could not be deleted`, () => {
        const log = ownLog(id, fence);
        erase.run(log.number);
        empty(id);
        raiseFence.run(fence);
        forget.run(log.number);
      }),
    async append(id, fence, entries, along = {}) {
      // Serialised before the first await: what the caller changes afterwards is not written.
      const texts = entries.map(toText);
      const records = (along.records ?? []).map(({ value, ...place }) => ({
        ...place,
        text: value === undefined ? undefined : toText(value),
      }));
      return connection.write(`Session ${id} could not be written`, () => {
        const log = ownLog(id, fence);
        let { last, sum } = log;
        for (const text of texts) {
          last += 1;
          sum = sumOfEntry(sum, last, text);
          insert.run(log.number, last, text, sum);
        }
        if (texts.length > 0) advance.run(last, sum, log.number);
        write(records);
        take(id, along.takes ?? []);
        if (along.release === true) letGo.run(id, fence);
        return last;
      });
    },
    read: (id, after, limit) =>
      connection.read(`Session ${id} could not be read`, () =>
        limit < 1 ? [] : readPage(id, Math.max(0, Math.floor(after)), Math.min(limit, 2 ** 52)),
      ),
  };
}
