/** Records in SQLite. */

import type { Json } from "../../core/json.ts";
import type { RecordStore } from "../../core/store.ts";
import { sumOfRecord } from "../checksum.ts";
import { fromText, toText } from "../json.ts";
import { pageOf } from "../page.ts";
import type { SqliteConnection } from "./connection.ts";
import { storeDamaged } from "./errors.ts";

/** The records in a file. */
export function sqliteRecords(connection: SqliteConnection): RecordStore {
  const select = connection.prepare<{ value: string; sum: number }>(
    "SELECT value, sum FROM records WHERE collection = ? AND key = ?",
  );
  const write = writeRecords(connection);
  const remove = connection.prepare("DELETE FROM records WHERE collection = ? AND key = ?");
  const page = connection.prepare<{ key: string; value: string; sum: number }>(
    "SELECT key, value, sum FROM records WHERE collection = ? AND key > ? ORDER BY key LIMIT ?",
  );

  return {
    get: (collection, key) =>
      connection.read(`Record ${collection}/${key} could not be read`, () => {
        const row = select.get(collection, key);
        return row === undefined ? undefined : checked(collection, { key, ...row });
      }),
    async put(collection, key, value) {
      const text = toText(value);
      await connection.write(`Record ${collection}/${key} could not be written`, () =>
        write([{ collection, key, text }]),
      );
    },
    async delete(collection, key) {
      await connection.write(`Record ${collection}/${key} could not be deleted`, () =>
        remove.run(collection, key),
      );
    },
    list: (collection, after, limit) =>
      connection.read(`The records of ${collection} could not be read`, () =>
        pageOf(
          page.iterate(collection, after, Math.min(limit, Number.MAX_SAFE_INTEGER)),
          limit,
          ({ value }) => value,
        ).map((row) => ({ key: row.key, value: checked(collection, row) })),
      ),
  };
}

/** Puts records inside a transaction, and deletes those without a text. */
export function writeRecords(
  connection: SqliteConnection,
): (records: readonly { collection: string; key: string; text: string | undefined }[]) => void {
  const remove = connection.prepare("DELETE FROM records WHERE collection = ? AND key = ?");
  const set = connection.prepare(`
    INSERT INTO records (collection, key, value, sum) VALUES (?, ?, ?, ?)
    ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value, sum = excluded.sum`);
  return (records) => {
    for (const { collection, key, text } of records)
      if (text === undefined) remove.run(collection, key);
      else set.run(collection, key, text, sumOfRecord(collection, key, text));
  };
}

function checked(collection: string, row: { key: string; value: string; sum: number }): Json {
  if (row.sum !== sumOfRecord(collection, row.key, row.value))
    throw storeDamaged(`Record ${collection}/${row.key}`, "it is not what was written");
  return fromText(row.value);
}
