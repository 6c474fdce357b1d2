// What loses the locks of all at once: a process that is started just then takes nothing from those that are not back yet.

import { Pool } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";

import type { Proxy } from "./proxy.ts";
import { startProxy } from "./proxy.ts";
import { newSchema, openedStore } from "./schemas.ts";
import type { PostgresServer } from "./server.ts";
import { ownPostgres, skipped, standbyOf, whyNoPostgres } from "./server.ts";

const LONG = { owner: "the owner", ttlMs: 600_000 };
async function ask(server: PostgresServer, sql: string): Promise<Record<string, unknown>> {
  const pool = new Pool({ connectionString: server.url, max: 1 });
  pool.on("error", () => undefined);
  try {
    return (await pool.query(sql)).rows[0];
  } finally {
    await pool.end();
  }
}

/** Waits until the start of a server is no news. */
async function isOld(server: PostgresServer): Promise<void> {
  const age = "SELECT clock_timestamp() > pg_postmaster_start_time() + interval '6 s' AS is_old";
  await expect.poll(() => ask(server, age)).toEqual({ is_old: true });
}

/** A server that is lost, by what happens to it: gives the one that is there then. */
const losses: Record<string, (server: PostgresServer) => Promise<() => Promise<PostgresServer>>> = {
  async "it is stopped and started"(server) {
    return async () => {
      await server.stop();
      await server.start();
      return server;
    };
  },
  async "one of its processes crashes"(server) {
    return async () => {
      const { pid } = await ask(
        server,
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'loophost' LIMIT 1",
      );
      process.kill(Number(pid), "SIGKILL");
      await expect
        .poll(() =>
          ask(
            server,
            "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'loophost'",
          ).catch(() => 0),
        )
        .toEqual({ n: 0 });
      return server;
    };
  },
  async "a standby takes its place"(server) {
    const standby = await standbyOf(server, "asynchronous");
    onTestFinished(() => standby.stop());
    await isOld(standby);
    return async () => {
      await standby.catchUp();
      await server.stop();
      standby.promote();
      return standby;
    };
  },
};

describe.skipIf(whyNoPostgres !== undefined)(`a PostgreSQL store, when${skipped}`, () => {
  it.each(Object.entries(losses))(
    "%s, loses no session to a new one",
    { timeout: 90_000 },
    async (_, prepare) => {
      let server = await ownPostgres();
      onTestFinished(() => server.stop());
      const { url, pause, goOn }: Proxy = await startProxy({
        ...server,
        get folder() {
          return server.folder;
        },
      });
      onTestFinished(goOn);
      const schema = newSchema();
      const store = openedStore(url, { schema });
      const fence = await store.log.claim("s", LONG);
      const lose = await prepare(server);
      await isOld(server);
      pause();
      server = await lose();
      const rival = openedStore(server.url, { schema });
      await expect(rival.log.claim("s", LONG)).rejects.toMatchObject({ code: "session_owned" });
      goOn();
      expect(await store.log.append("s", fence, ["on"])).toBe(1);
      // Once it is back it is known to live by its lock, and to be gone when that is.
      await store.close();
      await expect.poll(() => rival.log.claim("s", LONG).catch(() => 0)).toBeGreaterThan(fence);
    },
  );
});
