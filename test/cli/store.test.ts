// loophost store: a sound file, a damaged one, none at all.

import { mkdtemp, open, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { postgresStoreSql } from "loophost/stores/postgres";
import { deleteSession } from "loophost/stores/sessions";
import { sqliteStore } from "loophost/stores/sqlite";
import { afterAll, expect, it } from "vitest";

import { loophost } from "./loophost.ts";

const folder = await mkdtemp(join(tmpdir(), "loophost-store-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A store with a session of so many entries. */
async function filled(name: string, count: number): Promise<string> {
  const file = join(folder, name);
  const store = sqliteStore(file);
  const fence = await store.log.claim("s1", { owner: "test", ttlMs: 0 });
  for (let n = 0; n < count; n += 1)
    await store.log.append("s1", fence, [{ type: "said", n, text: "x".repeat(1_000) }]);
  await store.close();
  return file;
}

it("says that a sound store is sound, and names what is damaged in another", async () => {
  const file = await filled("a.db", 50);
  const sound = await loophost(["store", "check", "--store", file]);
  expect([sound.code, sound.stdout]).toEqual([0, `${file} is sound: 1 sessions with 50 entries.\n`]);
  const handle = await open(file, "r+");
  const { buffer } = await handle.read(Buffer.alloc((await stat(file)).size), 0, undefined, 0);
  const at = buffer.indexOf("xxxxxxxxxx", buffer.indexOf('"n":20,'));
  await handle.write(Buffer.from("y"), 0, 1, at + 5);
  await handle.close();
  const damaged = await loophost(["store", "check", "--store", file]);
  expect([damaged.code, damaged.stdout]).toEqual([8, expect.stringContaining("s1, entry ")]);
  expect(damaged.stderr).toContain("is damaged in 1 places");
});

it("gives the room of what was deleted back", async () => {
  const file = await filled("b.db", 400);
  const store = sqliteStore(file);
  await deleteSession(store, "s1");
  await store.close();
  const before = (await stat(file)).size;
  const { code } = await loophost(["store", "vacuum"], { env: { LOOPHOST_STORE: file } });
  expect([code, (await stat(file)).size < before / 2]).toEqual([0, true]);
});

it("names what is missing", async () => {
  const none = await loophost(["store", "check", "--store", join(folder, "none.db")]);
  expect([none.code, none.stderr]).toEqual([8, expect.stringContaining("There is no store")]);
  expect((await loophost(["store", "mend", "--store", "x"])).code).toBe(2);
});

it("prints the SQL of a store in PostgreSQL, and leaves databases to their own tools", async () => {
  const { code, stdout } = await loophost(["store", "sql", "--schema", "mine"]);
  expect([code, stdout]).toEqual([0, postgresStoreSql({ schema: "mine" })]);
  expect(stdout).toContain('CREATE SCHEMA IF NOT EXISTS "mine";');
  expect((await loophost(["store", "sql", "--from", "x"])).code).toBe(2);
  expect((await loophost(["store", "check", "--store", "postgres://host/db"])).code).toBe(2);
});
