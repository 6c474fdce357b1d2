// A process that writes to a store, as the tests of several processes start it: it says that it is ready, waits
// for its input to begin, and says what it was told is written, one line each, and how it failed, if it did.
//
//   node writer.ts <file, or address and schema> <name> <batches of three entries> <log> <log> …

import { once } from "node:events";
import { writeSync } from "node:fs";
import { inspect } from "node:util";

import { LoophostError } from "loophost";
import { postgresStore } from "loophost/stores/postgres";
import { sqliteStore } from "loophost/stores/sqlite";

const [path = "", writer = "", batches = "0", ...logs] = process.argv.slice(2);
tell({ ready: true });
await once(process.stdin, "data");
process.stdin.destroy();
const [address = "", schema] = path.split("#");
const store = path.startsWith("postgres:") ? postgresStore(address, { schema }) : sqliteStore(path);

/** Appends to a log, and takes it back whenever somebody else took it. */
async function fill(id: string): Promise<void> {
  const lease = { owner: writer, ttlMs: Number.POSITIVE_INFINITY, force: true };
  let fence = await store.log.claim(id, lease);
  for (let batch = 0; batch < Number(batches);) {
    try {
      const entries = [0, 1, 2].map((part) => ({ writer, batch, part, fence }));
      const last = await store.log.append(id, fence, entries);
      tell({ id, batch, last });
      batch += 1;
    } catch (thrown) {
      if (!(thrown instanceof LoophostError) || thrown.code !== "stale_owner") throw thrown;
      tell({ id, stale: fence });
      fence = await store.log.claim(id, lease);
    }
  }
}

/** At once and whole, so that a kill right after it cannot take it back. */
function tell(line: object): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

try {
  await Promise.all(logs.map(fill));
  await store.close();
} catch (thrown) {
  const failed = thrown instanceof LoophostError ? thrown.code : "another error";
  tell({ failed, why: inspect(thrown) });
}
