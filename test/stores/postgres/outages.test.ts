// What the PostgreSQL store does when a reply is lost, the database restarts, or a process that holds sessions is killed.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { LoophostError } from "loophost";
import { describe, expect, it, onTestFinished } from "vitest";

import { lockClass } from "../../../src/stores/postgres/schema.ts";
import { startProxy } from "./proxy.ts";
import { newSchema, openedStore } from "./schemas.ts";
import { ownPostgres, sharedPostgres, skipped, whyNoPostgres } from "./server.ts";

const LONG = { owner: "the owner", ttlMs: 60_000 };

describe.skipIf(whyNoPostgres !== undefined)(`the PostgreSQL store${skipped}`, () => {
  it.each(["afterIsDone", "beforeIsSeen"] as const)(
    "writes once when the connection of an append breaks, %s",
    async (when) => {
      const { url, loseReplyTo } = await startProxy(await sharedPostgres());
      const store = openedStore(url, { schema: newSchema() });
      const fence = await store.log.claim("s", LONG);
      const { n } = await store.inbox.post("s", { key: "k", body: 1 });
      await store.log.append("s", fence, ["a"]);
      // By what it writes: a prepared statement is sent without its words.
      const broken = loseReplyTo("the second", when);
      const records = [{ collection: "c", key: "k", value: "v" }];
      const appends = [
        store.log.append("s", fence, ["the second", "c"], { records, takes: [n] }),
        store.log.append("s", fence, ["d"]),
      ];
      await broken;
      expect(await Promise.all(appends)).toEqual([3, 4]);
      expect((await store.log.read("s", 0, 10)).map(({ entry }) => entry)).toEqual([
        "a",
        "the second",
        "c",
        "d",
      ]);
      expect(await store.records.get("c", "k")).toBe("v");
      expect(await store.inbox.read("s", 10)).toEqual([]);
    },
  );

  it("knows a release that was done with the last entries when the reply is lost", async () => {
    const { url, loseReplyTo } = await startProxy(await sharedPostgres());
    const store = openedStore(url, { schema: newSchema() });
    const fence = await store.log.claim("s", LONG);
    const broken = loseReplyTo("lets_go");
    const last = store.log.append("s", fence, ["a"], { release: true });
    await broken;
    expect(await last).toBe(1);
    await expect(store.log.append("s", fence, ["b"])).rejects.toMatchObject({ code: "stale_owner" });
  });

  it("claims, posts and deletes once when the reply is lost", async () => {
    const { url, loseReplyTo } = await startProxy(await sharedPostgres());
    const store = openedStore(url, { schema: newSchema() });
    await store.records.put("c", "k", 1);
    await store.log.claim("other", LONG);
    let broken = loseReplyTo("s 1");
    const claiming = store.log.claim("s 1", LONG);
    await broken;
    const fence = await claiming;
    expect(await store.log.append("s 1", fence, ["a"])).toBe(1);
    broken = loseReplyTo("k 1");
    const posting = store.inbox.post("s 1", { key: "k 1", body: 1 });
    await broken;
    await posting;
    expect(await store.inbox.read("s 1", 10)).toHaveLength(1);
    broken = loseReplyTo("s 1");
    const deleting = store.log.delete("s 1", fence);
    await broken;
    await deleting;
    expect(await store.log.read("s 1", 0, 10)).toEqual([]);
  });

  it("refuses an owner who was replaced while the reply was lost", async () => {
    const server = await sharedPostgres();
    const { url, loseReplyTo } = await startProxy(server);
    const schema = newSchema();
    const [store, rival] = [openedStore(url, { schema }), openedStore(server.url, { schema })];
    const fence = await store.log.claim("s", LONG);
    await rival.log.read("s", 0, 1);
    const broken = loseReplyTo("lets_go", "beforeIsSeen");
    const append = store.log.append("s", fence, ["late"]).catch((thrown: unknown) => thrown);
    await broken;
    const next = await rival.log.claim("s", { ...LONG, force: true });
    await rival.log.append("s", next, ["first"]);
    const outcome = await append;
    const entries = (await rival.log.read("s", 0, 10)).map(({ entry }) => entry);
    // The one or the other came first; never is a replaced owner's entry after the new one's.
    const what = outcome instanceof LoophostError ? outcome.code : outcome;
    expect([
      ["stale_owner", ["first"]],
      [1, ["late", "first"]],
    ]).toContainEqual([what, entries]);
  });

  it.each(["afterIsDone", "beforeIsSeen"] as const)(
    "makes its tables once when the connection breaks while it does, %s",
    async (when) => {
      const { url, loseReplyTo } = await startProxy(await sharedPostgres());
      const store = openedStore(url, { schema: newSchema() });
      const broken = loseReplyTo("CREATE TABLE meta", when);
      const putting = store.records.put("c", "k", 1);
      await broken;
      await putting;
      expect(await store.records.get("c", "k")).toBe(1);
    },
  );

  it("opens when the database is back that was stopped before its first call", async () => {
    const server = await ownPostgres();
    onTestFinished(() => server.stop());
    await server.stop();
    const { records } = openedStore(server.url);
    const putting = records.put("c", "k", 1);
    await Promise.all([server.start(), putting]);
    expect(await records.get("c", "k")).toBe(1);
  });

  it("goes on writing when the database is stopped at once and started again", async () => {
    const server = await ownPostgres();
    onTestFinished(() => server.stop());
    const schema = newSchema();
    const store = openedStore(server.url, { schema });
    const ids = Array.from({ length: 20 }, (_, index) => `s${index}`);
    const over = new AbortController();
    const writers = ids.map(async (id) => {
      const fence = await store.log.claim(id, LONG);
      let written = 0;
      for (; !over.signal.aborted; written += 1)
        expect(await store.log.append(id, fence, [written])).toBe(written + 1);
      // And one more after the restart.
      expect(await store.log.append(id, fence, [written])).toBe(written + 1);
      return written + 1;
    });
    await Promise.race([...writers, once(AbortSignal.timeout(200), "abort")]);
    await server.stop();
    await server.start();
    over.abort();
    const counts = await Promise.all(writers);
    for (const [index, id] of ids.entries()) {
      const last = (await store.log.read(id, (counts[index] ?? 0) - 1, 10)).map(({ entry }) => entry);
      expect(last).toEqual([(counts[index] ?? 0) - 1]);
    }
    // Nobody takes from the living: the locks of all were lost with the database.
    const rival = openedStore(server.url, { schema });
    await expect(rival.log.claim("s0", LONG)).rejects.toMatchObject({ code: "session_owned" });
  });

  it("frees the sessions of a process that was killed at once, and not those of the living", async () => {
    const { url } = await sharedPostgres();
    const schema = newSchema();
    const store = openedStore(url, { schema });
    await store.records.put("c", "k", 1);
    const file = fileURLToPath(new URL("owner.ts", import.meta.url));
    const owner = spawn(process.execPath, [file, url, schema], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void owner.kill("SIGKILL"));
    await once(owner.stdout, "data");
    await expect(store.log.claim("s", LONG)).rejects.toMatchObject({ code: "session_owned" });
    owner.kill("SIGKILL");
    await once(owner, "exit");
    // The database hears of it from the kernel; the lease has no end.
    await expect.poll(() => store.log.claim("s", LONG).catch(() => 0)).toBeGreaterThan(0);
  });

  it("keeps its sessions when the connection that its leases live with breaks", async () => {
    const server = await sharedPostgres();
    const schema = newSchema();
    const [store, rival] = [openedStore(server.url, { schema }), openedStore(server.url, { schema })];
    await store.log.claim("s", LONG);
    await rival.log.claim("other", LONG);
    const { Client } = await import("pg");
    const admin = new Client(server.url);
    await admin.connect();
    onTestFinished(() => admin.end());
    const holders = `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND classid = ${lockClass(schema)}
      AND objid = (SELECT worker FROM ${schema}.logs WHERE id = 's')`;
    const [{ pid: before } = {}] = (await admin.query(holders)).rows;
    await admin.query("SELECT pg_terminate_backend($1)", [before]);
    await expect
      .poll(async () => (await admin.query(holders)).rows.map(({ pid }) => pid !== before))
      .toEqual([true]);
    await expect(rival.log.claim("s", LONG)).rejects.toMatchObject({ code: "session_owned" });
  });
});
