/**
 * The keys of posts, kept in the transaction of what was posted: a client, or a host that passes a post on, may send it
 * again after its reply was lost, though the host that took it has died since.
 */

import type { RecordStore, RecordWrite } from "../../core/store.ts";
import { isJsonObject } from "../http/fields.ts";
import type { KeyedPost } from "../http/idempotency.ts";
import { checkSame } from "../http/idempotency.ts";

const PAGE = 250;

/**
 * The ids of the events of a post that was taken before; undefined for one that was not.
 *
 * @throws Refusal when its key was used for something else
 */
export async function takenBefore(
  records: RecordStore,
  sessionId: string,
  { key, fingerprint }: KeyedPost,
): Promise<ReadonlySet<unknown> | undefined> {
  const kept = await records.get(postsOf(sessionId), key);
  if (!isJsonObject(kept)) return undefined;
  checkSame(kept["fingerprint"], fingerprint);
  return new Set(Array.isArray(kept["ids"]) ? kept["ids"] : []);
}

/** What keeps the key of a post. */
export function keeping(
  sessionId: string,
  { key, fingerprint }: KeyedPost,
  ids: readonly string[],
): RecordWrite {
  return { collection: postsOf(sessionId), key, value: { fingerprint, ids } };
}

/** Forgets the keys of a session that is gone. */
export async function forgetPosts(records: RecordStore, sessionId: string): Promise<void> {
  const collection = postsOf(sessionId);
  for (;;) {
    const page = await records.list(collection, "", PAGE);
    if (page.length === 0) return;
    for (const { key } of page) await records.delete(collection, key);
  }
}

function postsOf(sessionId: string): string {
  return `host.posts/${sessionId}`;
}
