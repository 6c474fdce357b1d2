/** Records in SQLite. */

import type { RecordStore } from "../../core/store.ts";
import type { SqliteConnection } from "./connection.ts";
import { fromText, toText } from "./json.ts";

/** The records in a file. */
export function sqliteRecords(connection: SqliteConnection): RecordStore {
  const select = connection.prepare<{ value: string }>(
    "SELECT value FROM records WHERE collection = ? AND key = ?",
  );
  const set = connection.prepare(`
    INSERT INTO records (collection, key, value) VALUES (?, ?, ?)
    ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value`);
  const remove = connection.prepare("DELETE FROM records WHERE collection = ? AND key = ?");
  const page = connection.prepare<{ key: string; value: string }>(
    "SELECT key, value FROM records WHERE collection = ? AND key > ? ORDER BY key LIMIT ?",
  );

  return {
    get: (collection, key) =>
      connection.read(`Record ${collection}/${key} could not be read`, () => {
        const row = select.get(collection, key);
        return row === undefined ? undefined : fromText(row.value);
      }),
    async put(collection, key, value) {
      const text = toText(value);
      await connection.write(`Record ${collection}/${key} could not be written`, () =>
        set.run(collection, key, text),
      );
    },
    async delete(collection, key) {
      await connection.write(`Record ${collection}/${key} could not be deleted`, () =>
        remove.run(collection, key),
      );
    },
    list: (collection, after, limit) =>
      connection.read(`The records of ${collection} could not be read`, () =>
        page
          .all(collection, after, Math.min(limit, Number.MAX_SAFE_INTEGER))
          .map(({ key, value }) => ({ key, value: fromText(value) })),
      ),
  };
}
