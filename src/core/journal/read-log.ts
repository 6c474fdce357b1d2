/** Reading a log from its beginning to its end. */

import type { LogStore, StoredEntry } from "../store.ts";

const PAGE = 1_000;

/** All entries of a log above a number, in order, page by page: a long log is never in memory as a whole. */
export async function* readPages(
  log: LogStore,
  id: string,
  from = 0,
): AsyncGenerator<readonly StoredEntry[]> {
  for (let after = from; ;) {
    const page = await log.read(id, after, PAGE);
    const last = page.at(-1)?.seq;
    // A page may be short because its entries are large: only an empty one is the end.
    if (last === undefined) return;
    yield page;
    after = last;
  }
}
