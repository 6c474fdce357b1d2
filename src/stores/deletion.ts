/** Deleting a session: what is kept of it is in several places, and a crash in between must leave it to be found and deleted again. */

import { BY_STATUS, SESSIONS, SNAPSHOTS } from "../core/journal/session-index.ts";
import type { Store } from "../core/store.ts";

/**
 * Claims a session and deletes it.
 *
 * @param mayGo asked under the claim, so that nobody opens the session in between: what was read before may be out of date
 * @returns whether it was deleted
 * @throws LoophostError `session_owned` while a process has it open
 */
export async function deleteIf(store: Store, id: string, mayGo: () => Promise<boolean>): Promise<boolean> {
  const { log, records } = store;
  const fence = await log.claim(id, { owner: "a deletion", ttlMs: 60_000 });
  if (!(await mayGo())) {
    await log.release(id, fence);
    return false;
  }
  await records.delete(SNAPSHOTS, id);
  // The log first and the summary last: if this is interrupted, a summary without a log can still be found and deleted.
  await log.delete(id, fence);
  for (const collection of Object.values(BY_STATUS)) await records.delete(collection, id);
  await records.delete(SESSIONS, id);
  return true;
}
