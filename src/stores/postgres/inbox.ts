/** Inboxes in PostgreSQL. */

import type { InboxItem, InboxStore } from "../../core/store.ts";
import { storeDamaged, sumOfItem } from "../checksum.ts";
import { inboxFull, roomFor } from "../inbox.ts";
import { fromText, toText } from "../json.ts";
import { ID, keepable, KEY } from "../names.ts";
import { Batch, MAX_BYTES } from "./batch.ts";
import type { Database, Row } from "./database.ts";
import { WITH_LOCK_TIMEOUT } from "./lock-timeout.ts";

// A key that is posted twice at once counts once; numbers are given in the order of the asks.
const POST = `
  WITH asked AS (
    SELECT g.*, i.n AS known, row_number() OVER (PARTITION BY g.session, g.key ORDER BY g.at) AS nth
    FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::int[])
      WITH ORDINALITY AS g (session, key, body, sum, room, at)
    LEFT JOIN LATERAL (SELECT n FROM @.inbox WHERE session = g.session AND key = g.key LIMIT 1) i ON true
  ), waiting AS MATERIALIZED (
    SELECT session, (SELECT count(*) FROM (
      SELECT FROM @.inbox i WHERE i.session = s.session AND taken IS NULL LIMIT (SELECT max(room) FROM asked)) w) AS items
    FROM (SELECT DISTINCT session FROM asked WHERE known IS NULL) s
  ), fresh AS (
    SELECT a.*, w.items + row_number() OVER (PARTITION BY session, room ORDER BY at) > room AS is_too_much
    FROM asked a JOIN waiting w USING (session) WHERE known IS NULL AND nth = 1
  ), added AS (
    INSERT INTO @.inbox (session, key, body, sum)
    SELECT session, key, body, sum FROM fresh WHERE NOT is_too_much AND ${WITH_LOCK_TIMEOUT} ORDER BY at
    ON CONFLICT (session, key) DO NOTHING RETURNING session, key, n
  )
  SELECT a.at, coalesce(a.known, d.n) AS n, a.known IS NULL AND a.nth = 1 AS is_new, f.is_too_much
  FROM asked a LEFT JOIN added d USING (session, key) LEFT JOIN fresh f USING (session, key)`;

const READ = `
  SELECT at, n, key, sum, is_cut, CASE WHEN NOT is_cut THEN body END AS body FROM (
    SELECT g.at, i.*,
      g.at > 1 AND sum(octet_length(i.body)) OVER (ORDER BY g.at, i.n) - octet_length(i.body) >= ${MAX_BYTES} AS is_cut
    FROM unnest($1::text[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS g (session, most, above, at)
    CROSS JOIN LATERAL (
      SELECT p.*, sum(octet_length(p.body)) OVER (ORDER BY p.n) - octet_length(p.body) AS bytes_before FROM (
        SELECT n, key, body, sum FROM @.inbox
        WHERE session = g.session AND taken IS NULL AND n > g.above ORDER BY n LIMIT g.most) p
    ) i WHERE i.bytes_before < ${MAX_BYTES}
  ) r ORDER BY at, n`;

/** The inboxes in a schema. */
export function postgresInbox(database: Database): InboxStore {
  // One after another: two at once would find room in the same inbox, and items could change places.
  const posts = new Batch(database, POST, 1);
  const reads = new Batch(database, READ);
  const list = database.sql(`
    SELECT DISTINCT session FROM @.inbox WHERE taken IS NULL AND session > $1 ORDER BY session LIMIT $2`);

  return {
    async post(id, item) {
      const { key, body } = item;
      const text = toText(body);
      const values = [keepable(id, ID), keepable(key, KEY), text, sumOf(id, key, text), roomFor(item)];
      for (;;) {
        const [row] = await posts.ask(`An item for session ${id} could not be written`, values, text.length);
        const { n, is_new: isNew, is_too_much: isTooMuch } = row ?? {};
        if (n !== null) return { n: Number(n), isNew: isNew === true };
        if (isTooMuch === true) throw inboxFull(id);
        // Race: another process posted the key just now, so read it again.
      }
    },
    async read(id, limit, after = 0) {
      if (limit < 1) return [];
      const values = [keepable(id, ID), Math.floor(Math.min(limit, Number.MAX_SAFE_INTEGER)), after];
      const rows = await reads.ask(`The inbox of session ${id} could not be read`, values);
      return rows.map((row) => toItem(id, row));
    },
    async waiting(after, limit) {
      if (limit < 1) return [];
      const values = [keepable(after, ID), Math.floor(Math.min(limit, Number.MAX_SAFE_INTEGER))];
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
