/** Reading a log from its beginning to its end. */

import type { LogStore, StoredEntry } from "../store.ts";

const PAGE = 1_000;

/** All entries of a log, in order, page by page: a long log is never in memory as a whole. */
export async function* readPages(log: LogStore, id: string): AsyncGenerator<readonly StoredEntry[]> {
  for (let after = 0, isMore = true; isMore;) {
    const page = await log.read(id, after, PAGE);
    yield page;
    after = page.at(-1)?.seq ?? after;
    isMore = page.length === PAGE;
  }
}
