// The store a campaign is about, by its address.

import type { Store } from "loophost";
import { postgresStore } from "loophost/stores/postgres";
import { sqliteStore } from "loophost/stores/sqlite";

/** Opens a store: a `postgres://` address with the schema after `#`, or the path of a file. */
export function openStore(where: string): Store {
  const [url = "", schema] = where.split("#");
  return url.startsWith("postgres") ? postgresStore(url, { schema }) : sqliteStore(where);
}
