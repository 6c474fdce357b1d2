// A thread that opens and closes the store it is told of, and says how that failed, if it did.

import { on } from "node:events";
import { inspect } from "node:util";
import { parentPort } from "node:worker_threads";

import { sqliteStore } from "../../../src/stores/sqlite/index.ts";

for await (const [path] of on(parentPort ?? new EventTarget(), "message"))
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of a thread has none
  parentPort?.postMessage(await openAndClose(String(path)));

/** Gives the failure; empty when there was none. */
async function openAndClose(path: string): Promise<string> {
  try {
    await sqliteStore(path).close();
    return "";
  } catch (thrown) {
    return inspect(thrown);
  }
}
