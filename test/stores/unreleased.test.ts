// Leases that could not be released: whoever has them does not wait for them.

import { DatabaseSync } from "node:sqlite";

import type { Store } from "loophost";
import { memoryStore } from "loophost/stores/memory";
import { Pool } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";

import { releasedLater } from "../../src/stores/unreleased.ts";
import { newSchema, openedStore as openedDatabase } from "./postgres/schemas.ts";
import { sharedPostgres, skipped, whyNoPostgres } from "./postgres/server.ts";
import { newStorePath, openedStore as openedFile } from "./sqlite/files.ts";

const LEASE = { owner: "the test", ttlMs: 600_000 };

/** A store that takes no writes for a while. */
interface Kind {
  readonly name: string;
  readonly open: () => Promise<{
    readonly store: Store;
    readonly fails: () => Promise<void>;
    readonly worksAgain: () => Promise<void>;
  }>;
}

const file: Kind = {
  name: "a file",
  async open() {
    const path = newStorePath();
    const store = openedFile(path, { maxWaitMs: 0 });
    const other = new DatabaseSync(path);
    onTestFinished(() => other.close());
    return {
      store,
      fails: async () => other.exec("BEGIN IMMEDIATE"),
      worksAgain: async () => other.exec("COMMIT"),
    };
  },
};
const database: Kind = {
  name: "a database",
  async open() {
    const { url } = await sharedPostgres();
    const schema = newSchema();
    const store = openedDatabase(url, { schema });
    const pool = new Pool({ connectionString: url });
    onTestFinished(() => pool.end());
    const full = `${schema}.full_disk`;
    const run = async (sql: string) => void (await pool.query(sql));
    return {
      store,
      fails: () =>
        run(`CREATE FUNCTION ${full}() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END $$;
          CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON ${schema}.logs EXECUTE FUNCTION ${full}()`),
      worksAgain: () => run(`DROP FUNCTION ${full} CASCADE`),
    };
  },
};

describe.for(whyNoPostgres === undefined ? [file, database] : [file])(
  `a lease in $name that could not be released${skipped}`,
  ({ open }) => {
    const failed = { code: "store_failed" };

    it("is released before its process claims the log again", async () => {
      const { store, fails, worksAgain } = await open();
      const { log } = store;
      const fence = await log.claim("s", LEASE);
      const other = await log.claim("t", LEASE);
      await fails();
      await expect(log.release("s", fence)).rejects.toMatchObject(failed);
      await expect(log.append("t", other, [1], { release: true })).rejects.toMatchObject(failed);
      await expect(log.claim("s", LEASE)).rejects.toMatchObject(failed);
      await worksAgain();
      expect(await log.claim("s", LEASE)).toBeGreaterThan(fence);
      expect(await log.claim("t", LEASE)).toBeGreaterThan(other);
      expect(await log.read("t", 0, 10)).toEqual([]);
    });

    it("is not taken from whoever has claimed it since", async () => {
      const { store, fails, worksAgain } = await open();
      const { log } = store;
      const fence = await log.claim("s", LEASE);
      await fails();
      await expect(log.release("s", fence)).rejects.toMatchObject(failed);
      await worksAgain();
      const next = await log.claim("s", { ...LEASE, force: true });
      await expect(log.claim("s", LEASE)).rejects.toMatchObject({ code: "session_owned" });
      expect(await log.append("s", next, [1])).toBe(1);
    });
  },
);

it("keeps nobody from claiming a log whose release fails for ever", async () => {
  const { log } = memoryStore();
  const never = releasedLater({ ...log, release: () => Promise.reject(new Error("entries are gone")) });
  const fence = await never.claim("s", LEASE);
  await expect(never.release("s", fence)).rejects.toThrow("gone");
  await expect(never.claim("s", LEASE)).rejects.toThrow("gone");
  const next = await never.claim("s", { ...LEASE, force: true });
  expect(await never.append("s", next, [1])).toBe(1);
});
