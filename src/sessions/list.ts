/** Listing sessions: by status from small sets, so that those that wait are found among a million. */

import type { SessionSummary } from "../core/journal/session-index.ts";
import { BY_STATUS } from "../core/journal/session-index.ts";
import type { Store } from "../core/store.ts";
import { findSession, listSessions } from "../stores/sessions.ts";

/** Which sessions are listed. */
export interface ListOptions {
  readonly status?: SessionSummary["status"] | undefined;
  readonly tenant?: string | undefined;
  /** Those with ids above this one. */
  readonly after?: string | undefined;
  /** Default 100. */
  readonly limit?: number | undefined;
}

const PAGE = 500;

/** Lists sessions by id. */
export async function list(
  store: Store,
  { status, tenant, after = "", limit = 100 }: ListOptions,
): Promise<readonly SessionSummary[]> {
  const found: SessionSummary[] = [];
  for (let place = after; ;) {
    const page = await pageOf(store, status, place);
    for (const { id, summary } of page) {
      place = id;
      const fits =
        (status === undefined || summary?.status === status) &&
        (tenant === undefined || summary?.tenant === tenant);
      if (summary !== undefined && fits) found.push(summary);
      if (found.length >= limit) return found;
    }
    if (page.length === 0) return found;
  }
}

async function pageOf(
  store: Store,
  status: SessionSummary["status"] | undefined,
  after: string,
): Promise<readonly { readonly id: string; readonly summary: SessionSummary | undefined }[]> {
  if (status === undefined || status === "idle") {
    const summaries = await listSessions(store, { after, limit: PAGE });
    return summaries.map((summary) => ({ id: summary.sessionId, summary }));
  }
  const ids = await store.records.list(BY_STATUS[status], after, PAGE);
  return Promise.all(ids.map(async ({ key }) => ({ id: key, summary: await findSession(store, key) })));
}
