/**
 * The marks of the sessions with work open, kept in the store, so that a host that starts knows where to go on without
 * reading every session there is. A mark is written and taken away along with the events that open and end the work.
 */

import { setImmediate } from "node:timers/promises";

import type { RecordStore, RecordWrite } from "../../core/store.ts";

/** The collection that marks the sessions with work open. */
const OPEN = "host.open";
const PAGE = 250;

/** What marks a session, or takes its mark away. */
export function markOf(id: string, isOpen: boolean): RecordWrite {
  return { collection: OPEN, key: id, ...(isOpen && { value: {} }) };
}

/** Whether a session is marked. */
export async function isMarked(records: RecordStore, id: string): Promise<boolean> {
  return (await records.get(OPEN, id)) !== undefined;
}

/** The ids of the marked sessions. */
export async function markedIds(records: RecordStore): Promise<readonly string[]> {
  const ids: string[] = [];
  for (;;) {
    const page = await records.list(OPEN, ids.at(-1) ?? "", PAGE);
    for (const { key } of page) ids.push(key);
    if (page.length < PAGE) return ids;
    // A store that answers at once would starve timers: promises alone never leave the microtask queue.
    await setImmediate();
  }
}
