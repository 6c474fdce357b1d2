/** Inboxes in PostgreSQL. */

import type { InboxItem, InboxStore } from "../../core/store.ts";
import { storeDamaged, sumOfItem } from "../checksum.ts";
import { inboxFull, roomFor } from "../inbox.ts";
import { fromText, toText } from "../json.ts";
import { Batch, MAX_BYTES } from "./batch.ts";
import type { Database, Row } from "./database.ts";
import { keepable } from "./names.ts";

const POST = `
  WITH known AS (SELECT n FROM @.inbox WHERE session = $1 AND key = $2),
    waiting AS (SELECT count(*) >= $5 AS are_too_many FROM (
      SELECT FROM @.inbox WHERE session = $1 AND taken IS NULL LIMIT $5) w),
    added AS (
      INSERT INTO @.inbox (session, key, body, sum)
      SELECT $1, $2, $3, $4 FROM waiting WHERE NOT are_too_many AND NOT EXISTS (SELECT FROM known)
      ON CONFLICT (session, key) DO NOTHING RETURNING n)
  SELECT are_too_many, (SELECT n FROM known) AS known, (SELECT n FROM added) AS added FROM waiting`;

const READ = `
  SELECT at, n, key, sum, is_cut, CASE WHEN NOT is_cut THEN body END AS body FROM (
    SELECT g.at, i.*,
      g.at > 1 AND sum(octet_length(i.body)) OVER (ORDER BY g.at, i.n) - octet_length(i.body) >= ${MAX_BYTES} AS is_cut
    FROM unnest($1::text[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS g (session, most, above, at)
    CROSS JOIN LATERAL (
      SELECT n, key, body, sum FROM @.inbox
      WHERE session = g.session AND taken IS NULL AND n > g.above ORDER BY n LIMIT g.most) i
  ) r ORDER BY at, n`;

/** The inboxes in a schema. */
export function postgresInbox(database: Database): InboxStore {
  const add = database.sql(POST);
  const reads = new Batch(database, READ);
  const list = database.sql(`
    SELECT DISTINCT session FROM @.inbox WHERE taken IS NULL AND session > $1 ORDER BY session LIMIT $2`);

  return {
    async post(id, item) {
      const { key, body } = item;
      const text = toText(body);
      const values = [keepable(id), keepable(key), text, sumOf(id, key, text), roomFor(item)];
      for (;;) {
        const [row] = await database.query(`An item for session ${id} could not be written`, add, values);
        const { known, added, are_too_many: areTooMany } = row ?? {};
        if (known !== null) return { n: Number(known), isNew: false };
        if (added !== null) return { n: Number(added), isNew: true };
        if (areTooMany === true) throw inboxFull(id);
        // Race: another process posted the key just now, so read it again.
      }
    },
    async read(id, limit, after = 0) {
      if (limit < 1) return [];
      const values = [keepable(id), Math.floor(Math.min(limit, Number.MAX_SAFE_INTEGER)), after];
      const rows = await reads.ask(`The inbox of session ${id} could not be read`, values);
      return rows.map((row) => toItem(id, row));
    },
    async waiting(after, limit) {
      if (limit < 1) return [];
      const values = [keepable(after), Math.floor(Math.min(limit, Number.MAX_SAFE_INTEGER))];
      const rows = await database.query("The inboxes could not be read", list, values);
      return rows.map(({ session }) => String(session));
    },
  };
}

/**
 * The checksum of the parts that do not change: the database assigns the number, and sets the mark without reading the
 * body.
 */
function sumOf(id: string, key: string, body: string): number {
  return sumOfItem(id, { n: 0, key, body, taken: 0 });
}

function toItem(id: string, row: Row): InboxItem {
  const [n, key, body] = [Number(row["n"]), String(row["key"]), String(row["body"])];
  if (Number(row["sum"]) !== sumOf(id, key, body))
    throw storeDamaged(`Item ${n} of session ${id}`, "it is not what was written");
  return { n, key, body: fromText(body) };
}
