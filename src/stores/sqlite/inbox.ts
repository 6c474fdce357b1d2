/** Inboxes in SQLite. */

import type { InboxItem, InboxStore } from "../../core/store.ts";
import { sumOfItem } from "../checksum.ts";
import { inboxFull, roomFor } from "../inbox.ts";
import { fromText, toText } from "../json.ts";
import { ID, keepable, KEY } from "../names.ts";
import { pageOf } from "../page.ts";
import type { SqliteConnection } from "./connection.ts";
import { storeDamaged } from "./errors.ts";

interface ItemRow {
  readonly n: number;
  readonly key: string;
  readonly body: string;
  readonly taken: number;
  readonly sum: number;
}

/** The inboxes in a file. */
export function sqliteInbox(connection: SqliteConnection): InboxStore {
  const find = connection.prepare<{ n: number }>("SELECT n FROM inbox WHERE session = ? AND key = ?");
  const count = connection.prepare<{ waiting: number }>(
    "SELECT count(*) AS waiting FROM inbox WHERE session = ? AND taken = 0",
  );
  const next = connection.prepare<{ n: number }>("SELECT coalesce(max(n), 0) + 1 AS n FROM inbox");
  const insert = connection.prepare(
    "INSERT INTO inbox (n, session, key, body, taken, sum) VALUES (?, ?, ?, ?, 0, ?)",
  );
  const select = connection.prepare<ItemRow>(
    "SELECT n, key, body, taken, sum FROM inbox WHERE session = ? AND taken = 0 AND n > ? ORDER BY n LIMIT ?",
  );
  const list = connection.prepare<{ session: string }>(
    "SELECT DISTINCT session FROM inbox WHERE taken = 0 AND session > ? ORDER BY session LIMIT ?",
  );

  return {
    async post(id, item) {
      const { key, body } = item;
      keepable(id, ID);
      keepable(key, KEY);
      const text = toText(body);
      return connection.write(`An item for session ${id} could not be written`, () => {
        const before = find.get(id, key);
        if (before !== undefined) return { n: before.n, isNew: false };
        if ((count.get(id)?.waiting ?? 0) >= roomFor(item)) throw inboxFull(id);
        const n = next.get()?.n ?? 1;
        insert.run(n, id, key, text, sumOfItem(id, { n, key, body: text, taken: 0 }));
        return { n, isNew: true };
      });
    },
    read: (id, limit, after = 0) =>
      connection.read(`The inbox of session ${id} could not be read`, () =>
        pageOf(
          select.iterate(id, after, Math.min(limit, Number.MAX_SAFE_INTEGER)),
          limit,
          ({ body }) => body,
        ).map((row) => toItem(id, row)),
      ),
    waiting: (after, limit) =>
      connection.read("The inboxes could not be read", () =>
        list.all(after, Math.min(limit, Number.MAX_SAFE_INTEGER)).map(({ session }) => session),
      ),
  };
}

/** Takes items of a session inside a transaction; idempotent. */
export function takeItems(connection: SqliteConnection): (id: string, numbers: readonly number[]) => void {
  const find = connection.prepare<ItemRow>(
    "SELECT n, key, body, taken, sum FROM inbox WHERE n = ? AND session = ?",
  );
  const mark = connection.prepare("UPDATE inbox SET taken = 1, sum = ? WHERE n = ?");
  return (id, numbers) => {
    for (const n of numbers) {
      const row = find.get(n, id);
      if (row?.taken === 0) mark.run(sumOfItem(id, { ...row, taken: 1 }), n);
    }
  };
}

/** Deletes the inbox of a session inside a transaction. */
export function emptyInbox(connection: SqliteConnection): (id: string) => void {
  const erase = connection.prepare("DELETE FROM inbox WHERE session = ?");
  return (id) => void erase.run(id);
}

function toItem(id: string, row: ItemRow): InboxItem {
  if (row.sum !== sumOfItem(id, row))
    throw storeDamaged(`Item ${row.n} of session ${id}`, "it is not what was written");
  return { n: row.n, key: row.key, body: fromText(row.body) };
}
