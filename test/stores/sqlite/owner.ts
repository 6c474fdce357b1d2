// A process that claims a session and holds it until it is killed.

import { sqliteStore } from "../../../src/stores/sqlite/index.ts";

const store = sqliteStore(process.argv[2] ?? "");
await store.log.claim("s", { owner: "the owner", ttlMs: Infinity });
process.stdout.write("claimed");
setInterval(() => undefined, 60_000);
