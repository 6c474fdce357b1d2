/** Records in PostgreSQL. */

import type { Json } from "../../core/json.ts";
import type { RecordStore } from "../../core/store.ts";
import { storeDamaged, sumOfRecord } from "../checksum.ts";
import { fromText, toText } from "../json.ts";
import { keepable } from "../names.ts";
import { PAGE_CHARS } from "../page.ts";
import { Batch, MAX_BYTES } from "./batch.ts";
import type { Database, Row } from "./database.ts";
import { WITH_LOCK_TIMEOUT } from "./lock-timeout.ts";

const GET = `
  SELECT at, key, sum, is_cut, CASE WHEN NOT is_cut THEN value END AS value FROM (
    SELECT g.at, r.*,
      g.at > 1 AND sum(octet_length(r.value)) OVER (ORDER BY g.at) - octet_length(r.value) >= ${MAX_BYTES} AS is_cut
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS g (collection, key, at)
    CROSS JOIN LATERAL (
      SELECT key, value, sum FROM @.records WHERE collection = g.collection AND key = g.key LIMIT 1) r
  ) r`;

/** The records in a schema. */
export function postgresRecords(database: Database): RecordStore {
  const gets = new Batch(database, GET);
  const put = database.sql(`
    INSERT INTO @.records (collection, key, value, sum)
    SELECT $1::text, $2::text, $3::text, $4::bigint WHERE ${WITH_LOCK_TIMEOUT}
    ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value, sum = excluded.sum`);
  const remove = database.sql(
    `DELETE FROM @.records WHERE collection = $1 AND key = $2 AND ${WITH_LOCK_TIMEOUT}`,
  );
  const page = database.sql(`
    SELECT key, value, sum FROM (
      SELECT p.*, sum(octet_length(p.value)) OVER (ORDER BY p.key) - octet_length(p.value) AS bytes_before
      FROM (SELECT key, value, sum FROM @.records WHERE collection = $1 AND key > $2 ORDER BY key LIMIT $3) p
    ) r WHERE bytes_before < ${PAGE_CHARS} ORDER BY key`);

  return {
    async get(collection, key) {
      const doing = `Record ${collection}/${key} could not be read`;
      const [row] = await gets.ask(doing, [keepable(collection), keepable(key)]);
      return row === undefined ? undefined : valueOf(collection, row);
    },
    async put(collection, key, value) {
      const text = toText(value);
      const values = [keepable(collection), keepable(key), text, sumOfRecord(collection, key, text)];
      await database.query(`Record ${collection}/${key} could not be written`, put, values);
    },
    async delete(collection, key) {
      const doing = `Record ${collection}/${key} could not be deleted`;
      await database.query(doing, remove, [keepable(collection), keepable(key)]);
    },
    async list(collection, after, limit) {
      if (limit < 1) return [];
      const values = [
        keepable(collection),
        keepable(after),
        Math.floor(Math.min(limit, Number.MAX_SAFE_INTEGER)),
      ];
      const rows = await database.query(`The records of ${collection} could not be read`, page, values);
      return rows.map((row) => ({ key: String(row["key"]), value: valueOf(collection, row) }));
    },
  };
}

function valueOf(collection: string, row: Row): Json {
  const [key, text] = [String(row["key"]), String(row["value"])];
  if (Number(row["sum"]) !== sumOfRecord(collection, key, text))
    throw storeDamaged(`Record ${collection}/${key}`, "it is not what was written");
  return fromText(text);
}
