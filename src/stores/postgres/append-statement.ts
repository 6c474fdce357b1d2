/** The statement that appends to many logs, and its parameters. */

import { sumOfEntry, sumOfRecord } from "../checksum.ts";
import { fromGroups, fromJsonTexts, groups, jsonTexts, plainArray, textArray } from "./arrays.ts";
import { WITH_LOCK_TIMEOUT } from "./lock-timeout.ts";
import type { Append, Chain } from "./queue.ts";

/** The end of a log: the number of its last entry, and its checksum. */
export interface End {
  readonly last: number;
  readonly sum: number;
}

/**
 * Writes to the logs that end where they are expected to; gives their ids. The token of a log that is let go of turns negative,
 * so that an owner that released cannot write again.
 */
export const APPEND: string = `
  WITH given AS (
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bool[],
      ${fromGroups("$7")}, ${fromGroups("$8")})
      WITH ORDINALITY AS g (id, fence, before, last, sum, lets_go, entries, sums, at)
  ), written AS (
    UPDATE @.logs l SET last = g.last, sum = g.sum,
      fence = CASE WHEN g.lets_go THEN -g.fence ELSE g.fence END,
      lease_until = CASE WHEN g.lets_go THEN '-infinity' ELSE l.lease_until END
    FROM given g WHERE l.id = g.id AND l.fence = g.fence AND l.last = g.before AND ${WITH_LOCK_TIMEOUT}
    RETURNING g.at, l.id, l.number, g.before, l.last, g.entries, g.sums
  ), new_entries AS (
    INSERT INTO @.entries (log, seq, entry, sum)
    SELECT number, generate_series(before + 1, last), unnest(${fromJsonTexts("entries")}), unnest(sums::bigint[])
    FROM written
  ), changed AS (
    SELECT r.collection, r.key, r.value, r.sum
    FROM unnest($9::int[], $10::text[], $11::text[], ${fromJsonTexts("$12")}, $13::bigint[]) AS r (at, collection, key, value, sum)
    JOIN written w ON w.at = r.at
  ), gone AS (
    DELETE FROM @.records o USING changed c
    WHERE o.collection = c.collection AND o.key = c.key AND c.value IS NULL
  ), new_records AS (
    INSERT INTO @.records (collection, key, value, sum)
    SELECT collection, key, value, sum FROM changed WHERE value IS NOT NULL
    ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value, sum = excluded.sum
  ), taken AS (
    UPDATE @.inbox i SET taken = w.last
    FROM unnest($14::int[], $15::bigint[]) AS t (at, n) JOIN written w ON w.at = t.at
    WHERE i.session = w.id AND i.n = t.n AND i.taken IS NULL
  )
  SELECT id FROM written`;

/** Whether a log is let go of with the last of its appends. */
export function letsGo({ appends }: Chain): boolean {
  return appends.at(-1)?.release === true;
}

/** The parameters of the statement; and where each log ends after it. */
export function appendValues(writes: readonly { readonly chain: Chain; readonly before: End }[]): {
  readonly values: readonly unknown[];
  readonly ends: readonly End[];
} {
  const logs = writes.map(({ chain, before }) => ({ chain, before, ...entriesOf(chain, before) }));
  const puts = logs.flatMap(({ chain }, index) => putsOf(chain, index + 1));
  // By their place, as all do: transactions that lock rows in the same order never deadlock.
  puts.sort((a, b) => (a.place < b.place ? -1 : 1));
  const takes = logs.flatMap(({ chain }, index) =>
    chain.appends.flatMap((append) => append.takes.map((n) => ({ at: index + 1, n }))),
  );
  const values = [
    textArray(logs.map(({ chain }) => chain.id)),
    plainArray(logs.map(({ chain }) => chain.fence)),
    plainArray(logs.map(({ before }) => before.last)),
    plainArray(logs.map(({ end }) => end.last)),
    plainArray(logs.map(({ end }) => end.sum)),
    plainArray(logs.map(({ chain }) => letsGo(chain))),
    groups(logs.map(({ texts }) => jsonTexts(texts))),
    groups(logs.map(({ sums }) => plainArray(sums))),
    plainArray(puts.map(({ at }) => at)),
    textArray(puts.map(({ put }) => put.collection)),
    textArray(puts.map(({ put }) => put.key)),
    jsonTexts(puts.map(({ put }) => put.text)),
    plainArray(puts.map(({ put }) => sumOfRecord(put.collection, put.key, put.text ?? ""))),
    plainArray(takes.map(({ at }) => at)),
    plainArray(takes.map(({ n }) => n)),
  ];
  return { values, ends: logs.map(({ end }) => end) };
}

/** The entries of a chain, their checksums, and the end of its log behind them. */
function entriesOf({ appends }: Chain, before: End) {
  const texts = appends.flatMap((append) => append.texts);
  let { last, sum } = before;
  const sums = texts.map((text) => (sum = sumOfEntry(sum, (last += 1), text)));
  return { texts, sums, end: { last, sum } };
}

/** The records of a chain; of one that is put twice the last put counts, since one statement changes a row once. */
function putsOf({ appends }: Chain, at: number) {
  const puts = new Map<
    string,
    { readonly at: number; readonly place: string; readonly put: Append["records"][number] }
  >();
  for (const { records } of appends)
    for (const put of records) {
      const place = `${put.collection}\0${put.key}`;
      puts.set(place, { at, place, put });
    }
  return [...puts.values()];
}
