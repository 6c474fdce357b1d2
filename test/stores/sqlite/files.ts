// Files for stores, and stores on them, gone after each test.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Store } from "loophost";
import type { SqliteStoreOptions } from "loophost/stores/sqlite";
import { sqliteStore } from "loophost/stores/sqlite";
import { afterEach } from "vitest";

const folders: string[] = [];
const opened: Store[] = [];

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** The path of a file that is not there yet, in a folder of its own. */
export function newStorePath(): string {
  const folder = mkdtempSync(join(tmpdir(), "loophost-store-"));
  folders.push(folder);
  return join(folder, "sessions.db");
}

/** Opens a store that is closed after the test. */
export function openedStore(path: string, options?: SqliteStoreOptions): Store {
  const store = sqliteStore(path, options);
  opened.push(store);
  return store;
}
