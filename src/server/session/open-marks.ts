/**
 * The marks of the sessions with work open, kept in the store, so that a host that starts knows where to go on without
 * reading every session there is. A mark is written and taken away along with the events that open and end the work; it
 * says of one that has stopped for a client that there is nothing to go on with before that answers.
 */

import { setImmediate } from "node:timers/promises";

import type { RecordStore, RecordWrite } from "../../core/store.ts";
import { isJsonObject } from "../http/fields.ts";
import type { OpenWork } from "./open-work.ts";

/** The collection that marks the sessions with work open. */
const OPEN = "host.open";
const PAGE = 250;

/** What marks a session as one a host works on, or takes its mark away. */
export function markOf(
  id: string,
  { isOpen, isWaiting, isCapped, request }: OpenWork,
  hostId: string | undefined,
): RecordWrite {
  const hasStopped = (isWaiting || isCapped) && request === undefined;
  const value = { ...(hostId !== undefined && { host: hostId }), ...(hasStopped && { stopped: true }) };
  return { collection: OPEN, key: id, ...(isOpen && { value }) };
}

/** What takes away the mark of a session. */
export function unmarked(id: string): RecordWrite {
  return { collection: OPEN, key: id };
}

/** Whether a session is marked. */
export async function isMarked(records: RecordStore, id: string): Promise<boolean> {
  return (await records.get(OPEN, id)) !== undefined;
}

/**
 * The ids of the marked sessions that a host has to go on with.
 *
 * @param isOurs whether those of a host are meant; undefined for one that was alone with the store. Default: all are
 * @param withStopped whether those that have stopped for a client are among them. Default: they are not
 */
export async function markedIds(
  records: RecordStore,
  isOurs: (hostId: string | undefined) => boolean = () => true,
  withStopped = false,
): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let after = ""; ;) {
    const page = await records.list(OPEN, after, PAGE);
    for (const { key, value } of page) {
      const { host: hostId, stopped } = isJsonObject(value) ? value : {};
      after = key;
      if (stopped === true && !withStopped) continue;
      if (isOurs(typeof hostId === "string" ? hostId : undefined)) ids.push(key);
    }
    if (page.length === 0) return ids;
    // A store that answers at once would starve timers: promises alone never leave the microtask queue.
    await setImmediate();
  }
}
