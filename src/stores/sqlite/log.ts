/** Logs in SQLite. Whoever writes is checked inside the transaction that writes, so that no process comes in between. */

import type { LogStore } from "../../core/store.ts";
import { sessionOwned, staleOwner } from "../leases.ts";
import type { SqliteConnection } from "./connection.ts";
import { fromText, toText } from "./json.ts";

/** The logs in a file. */
export function sqliteLog(connection: SqliteConnection, now: () => number): LogStore {
  const findOwner = connection.prepare<{ fence: number; owner: string; until: number }>(
    "SELECT fence, owner, lease_until AS until FROM logs WHERE id = ?",
  );
  const setOwner = connection.prepare(`
    INSERT INTO logs (id, fence, owner, lease_until) VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET fence = excluded.fence, owner = excluded.owner, lease_until = excluded.lease_until`);
  const setUntil = connection.prepare("UPDATE logs SET lease_until = ? WHERE id = ? AND fence = ?");
  // The number goes up, so that who let go cannot come back.
  const letGo = connection.prepare(
    "UPDATE logs SET fence = fence + 1, lease_until = 0 WHERE id = ? AND fence = ?",
  );
  const erase = connection.prepare("DELETE FROM entries WHERE log = ?");
  const findEnd = connection.prepare<{ number: number; fence: number; last: number }>(`
    SELECT number, fence, (SELECT coalesce(max(seq), 0) FROM entries WHERE log = number) AS last
    FROM logs WHERE id = ?`);
  const insert = connection.prepare("INSERT INTO entries (log, seq, entry) VALUES (?, ?, ?)");
  const select = connection.prepare<{ seq: number; entry: string }>(`
    SELECT seq, entry FROM entries
    WHERE log = (SELECT number FROM logs WHERE id = ?) AND seq > ? ORDER BY seq LIMIT ?`);

  return {
    claim: (id, { owner, ttlMs, force = false }) =>
      connection.write(`Session ${id} could not be claimed`, () => {
        const held = findOwner.get(id);
        if (held !== undefined && !force && now() < held.until) throw sessionOwned(id, held);
        const fence = (held?.fence ?? 0) + 1;
        setOwner.run(id, fence, owner, now() + ttlMs);
        return fence;
      }),
    renew: (id, fence, ttlMs) =>
      connection.write(`The lease on session ${id} could not be renewed`, () => {
        if (setUntil.run(now() + ttlMs, id, fence) === 0) throw staleOwner(id);
      }),
    release: (id, fence) =>
      connection.write(`Session ${id} could not be released`, () => void letGo.run(id, fence)),
    delete: (id, fence) =>
      connection.write(`Session ${id} could not be deleted`, () => {
        const log = findEnd.get(id);
        if (log?.fence !== fence) throw staleOwner(id);
        erase.run(log.number);
        letGo.run(id, fence);
      }),
    async append(id, fence, entries) {
      // Before anything waits: what the caller changes afterwards is not written.
      const texts = entries.map(toText);
      return connection.write(`Session ${id} could not be written`, () => {
        const log = findEnd.get(id);
        if (log?.fence !== fence) throw staleOwner(id);
        for (const [index, text] of texts.entries()) insert.run(log.number, log.last + index + 1, text);
        return log.last + texts.length;
      });
    },
    read: (id, after, limit) =>
      connection.read(`Session ${id} could not be read`, () =>
        select
          .all(id, after, Math.min(limit, Number.MAX_SAFE_INTEGER))
          .map(({ seq, entry }) => ({ seq, entry: fromText(entry) })),
      ),
  };
}
