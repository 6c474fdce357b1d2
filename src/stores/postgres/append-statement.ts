/** The statement that appends to many logs, and its parameters. */

import { sumOfEntry, sumOfRecord } from "../checksum.ts";
import { fromJsonTexts, jsonTexts, plainArray, textArray } from "./arrays.ts";
import { WITH_LOCK_TIMEOUT } from "./lock-timeout.ts";
import type { Append, Chain, RecordText } from "./queue.ts";

/** Where a log ends. */
export interface End {
  /** The number that stands for its id. */
  readonly log: number;
  /** The number of its last entry. */
  readonly last: number;
  /** The checksum of that one, which stands for all before it. */
  readonly sum: number;
}

/**
 * Writes to the logs that end where they are expected to; gives their numbers. The token of a log that is let go of turns
 * negative, so that an owner that released cannot write again.
 */
export const APPEND: string = `
  WITH written AS (
    UPDATE @.logs l SET last = g.last, sum = g.sum,
      fence = CASE WHEN g.lets_go THEN -g.fence ELSE g.fence END,
      lease_until = CASE WHEN g.lets_go THEN '-infinity' ELSE l.lease_until END
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bool[])
      AS g (log, fence, last_before, sum_before, last, sum, lets_go)
    WHERE l.number = g.log AND l.fence = g.fence AND l.last = g.last_before AND l.sum = g.sum_before
      AND ${WITH_LOCK_TIMEOUT}
    RETURNING l.number, l.id, l.last
  ), new_entries AS (
    INSERT INTO @.entries (log, seq, entry, sum)
    SELECT * FROM unnest($8::bigint[], $9::bigint[], ${fromJsonTexts("$10")}, $11::bigint[]) AS e (log, seq, entry, sum)
    WHERE ${isWritten("e.log")}
  ), changed AS (
    SELECT * FROM unnest($12::bigint[], $13::text[], $14::text[], ${fromJsonTexts("$15")}, $16::bigint[])
      AS r (log, collection, key, value, sum)
    WHERE ${isWritten("r.log")}
  ), gone AS (
    DELETE FROM @.records o USING changed c
    WHERE o.collection = c.collection AND o.key = c.key AND c.value IS NULL
  ), new_records AS (
    INSERT INTO @.records (collection, key, value, sum)
    SELECT collection, key, value, sum FROM changed WHERE value IS NOT NULL
    ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value, sum = excluded.sum
  ), taken AS (
    UPDATE @.inbox i SET taken = w.last
    FROM unnest($17::bigint[], $18::bigint[]) AS t (log, n) JOIN written w ON w.number = t.log
    WHERE i.session = w.id AND i.n = t.n AND i.taken IS NULL
  )
  SELECT number FROM written`;

/** Whether a log is let go of with the last of its appends. */
export function letsGo({ appends }: Chain): boolean {
  return appends.at(-1)?.release === true;
}

/** The parameters of the statement; and where each log ends after it. */
export function appendValues(writes: readonly { readonly chain: Chain; readonly before: End }[]): {
  readonly values: readonly unknown[];
  readonly ends: readonly End[];
} {
  const entries: Entry[] = [];
  const puts: Put[] = [];
  const takes: { readonly log: number; readonly n: number }[] = [];
  const ends = writes.map(({ chain: { appends }, before }) => {
    const { log } = before;
    let { last, sum } = before;
    for (const text of appends.flatMap((append) => append.texts)) {
      last += 1;
      sum = sumOfEntry(sum, last, text);
      entries.push({ log, seq: last, text, sum });
    }
    puts.push(...putsOf(appends, log));
    for (const n of appends.flatMap((append) => append.takes)) takes.push({ log, n });
    return { log, last, sum };
  });
  // By their place, as all do: transactions that lock rows in the same order never deadlock.
  puts.sort((a, b) => (a.place < b.place ? -1 : 1));
  const values = [
    plainArray(ends.map(({ log }) => log)),
    plainArray(writes.map(({ chain }) => chain.fence)),
    plainArray(writes.map(({ before }) => before.last)),
    plainArray(writes.map(({ before }) => before.sum)),
    plainArray(ends.map(({ last }) => last)),
    plainArray(ends.map(({ sum }) => sum)),
    plainArray(writes.map(({ chain }) => letsGo(chain))),
    plainArray(entries.map(({ log }) => log)),
    plainArray(entries.map(({ seq }) => seq)),
    jsonTexts(entries.map(({ text }) => text)),
    plainArray(entries.map(({ sum }) => sum)),
    plainArray(puts.map(({ log }) => log)),
    textArray(puts.map(({ collection }) => collection)),
    textArray(puts.map(({ key }) => key)),
    jsonTexts(puts.map(({ text }) => text)),
    plainArray(puts.map(({ collection, key, text }) => sumOfRecord(collection, key, text ?? ""))),
    plainArray(takes.map(({ log }) => log)),
    plainArray(takes.map(({ n }) => n)),
  ];
  return { values, ends };
}

interface Entry {
  readonly log: number;
  readonly seq: number;
  readonly text: string;
  readonly sum: number;
}

interface Put extends RecordText {
  readonly log: number;
  readonly place: string;
}

/** The records of a chain; of one that is put twice the last put counts, since one statement changes a row once. */
function putsOf(appends: readonly Append[], log: number): Iterable<Put> {
  const puts = new Map<string, Put>();
  for (const put of appends.flatMap(({ records }) => records)) {
    const place = `${put.collection}\0${put.key}`;
    puts.set(place, { ...put, log, place });
  }
  return puts.values();
}

/** Not a join: of two lists whose lengths the planner does not know it would compare each with each. */
function isWritten(log: string): string {
  return `(${log} IN (SELECT number FROM written)) IS TRUE`;
}
