/** The sessions of a store, page by page, and as a table. */

import type { Store } from "../../core/store.ts";
import type { SessionSummary } from "../../stores/sessions.ts";
import { listSessions } from "../../stores/sessions.ts";
import { formatWord } from "../screen/format.ts";
import { sessionTable } from "../screen/session-table.ts";
import type { OpenStore } from "../stored/open-store.ts";

const PAGE = 1_000;

/** All of them, by id. */
export async function* allSessions(store: Store): AsyncGenerator<SessionSummary> {
  for (let page = await listSessions(store, { limit: PAGE }); page.length > 0;) {
    yield* page;
    page = await listSessions(store, { limit: PAGE, after: page.at(-1)?.sessionId ?? "" });
  }
}

/** Which are listed, and how. */
export interface ListFlags {
  readonly status?: string | undefined;
  readonly tenant?: string | undefined;
  readonly isJson: boolean;
}

/** The lines of a list. */
export async function* list(
  { store, file }: OpenStore,
  { status, tenant, isJson }: ListFlags,
): AsyncGenerator<string> {
  const found: SessionSummary[] = [];
  let hasAny = false;
  for await (const summary of allSessions(store)) {
    hasAny = true;
    const fits =
      (status === undefined || summary.status === status) &&
      (tenant === undefined || summary.tenant === tenant);
    if (fits && isJson) yield JSON.stringify(summary);
    else if (fits) found.push(summary);
  }
  if (found.length > 0) return yield* sessionTable(found);
  if (hasAny) return isJson ? undefined : console.error(`There are no such sessions in ${file}.`);
  const [ofHost] = await store.records.list("host.sessions", "", 1);
  console.error(
    ofHost === undefined
      ? `There are no sessions in ${file}.`
      : `${file} holds the sessions of a loop host. Look at them through it: loophost serve --store ${formatWord(file)}`,
  );
}
