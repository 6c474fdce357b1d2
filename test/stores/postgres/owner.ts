// A process that claims a session and holds it until it is killed; stopped meanwhile, it tries to write and prints what comes of it.

import { postgresStore } from "../../../src/stores/postgres/index.ts";

const [, , url = "", schema = ""] = process.argv;
const store = postgresStore(url, { schema });
const fence = await store.log.claim("s", { owner: "the owner", ttlMs: Infinity });
process.on("SIGCONT", () => {
  store.log.append("s", fence, ["late"]).then(
    () => process.stdout.write("written"),
    ({ code }) => process.stdout.write(code),
  );
});
process.stdout.write("claimed");
setInterval(() => undefined, 60_000);
