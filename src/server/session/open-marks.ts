/**
 * The marks of the sessions with work open, kept in the store, so that a host that starts knows where to go on without
 * reading every session there is. A mark is written and taken away along with the events that open and end the work.
 */

import { setImmediate } from "node:timers/promises";

import type { RecordStore, RecordWrite } from "../../core/store.ts";
import { isJsonObject } from "../http/fields.ts";

/** The collection that marks the sessions with work open. */
const OPEN = "host.open";
const PAGE = 250;

/** What marks a session as one a host works on, or takes its mark away. */
export function markOf(id: string, isOpen: boolean, hostId: string | undefined): RecordWrite {
  const value = hostId === undefined ? {} : { host: hostId };
  return { collection: OPEN, key: id, ...(isOpen && { value }) };
}

/** Whether a session is marked. */
export async function isMarked(records: RecordStore, id: string): Promise<boolean> {
  return (await records.get(OPEN, id)) !== undefined;
}

/**
 * The ids of the marked sessions.
 *
 * @param isOurs whether those of a host are meant; undefined for one that was alone with the store. Default: all are
 */
export async function markedIds(
  records: RecordStore,
  isOurs: (hostId: string | undefined) => boolean = () => true,
): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let after = ""; ;) {
    const page = await records.list(OPEN, after, PAGE);
    for (const { key, value } of page) {
      const hostId = isJsonObject(value) ? value["host"] : undefined;
      if (isOurs(typeof hostId === "string" ? hostId : undefined)) ids.push(key);
      after = key;
    }
    if (page.length === 0) return ids;
    // A store that answers at once would starve timers: promises alone never leave the microtask queue.
    await setImmediate();
  }
}
