// A process that claims a session and holds it until it is killed.

import { postgresStore } from "../../../src/stores/postgres/index.ts";

const [, , url = "", schema = ""] = process.argv;
const store = postgresStore(url, { schema });
await store.log.claim("s", { owner: "the owner", ttlMs: Infinity });
process.stdout.write("claimed");
setInterval(() => undefined, 60_000);
