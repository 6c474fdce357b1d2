// What breaks the connections of all, as a failover to a standby does or a balancer that restarts: nobody looks dead by it.

import { Pool } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";

import { lockClass } from "../../../src/stores/postgres/schema.ts";
import { startProxy } from "./proxy.ts";
import { newSchema, openedStore } from "./schemas.ts";
import { sharedPostgres, skipped, whyNoPostgres } from "./server.ts";

const LONG = { owner: "the owner", ttlMs: 60_000 };
describe.skipIf(whyNoPostgres !== undefined)(`a store whose connections break${skipped}`, () => {
  it("keeps its sessions though others are back before it", async () => {
    const server = await sharedPostgres();
    const { url, pause, goOn } = await startProxy(server);
    const schema = newSchema();
    const [store, rival] = [openedStore(url, { schema }), openedStore(server.url, { schema })];
    const admin = new Pool({ connectionString: server.url, max: 1 });
    onTestFinished(() => admin.end());
    await store.log.claim("s", LONG);
    await rival.log.claim("other", LONG);
    // Just after its start a server's locks say nothing anyway.
    const age = "SELECT clock_timestamp() > pg_postmaster_start_time() + interval '6 s' AS is_old";
    await expect.poll(async () => (await admin.query(age)).rows).toEqual([{ is_old: true }]);
    pause();
    onTestFinished(goOn);
    const locks = `FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND classid = ${lockClass(schema)}`;
    const broken = await admin.query(`SELECT pid, pg_terminate_backend(pid) ${locks}`);
    expect(broken.rows).toHaveLength(2);
    const pids = [broken.rows.map(({ pid }) => pid)];
    const back = async () => (await admin.query(`SELECT ${locks} AND pid <> ALL ($1)`, pids)).rowCount;
    await expect.poll(back).toBe(1);
    await expect(rival.log.claim("s", LONG)).rejects.toMatchObject({ code: "session_owned" });
  });
});
