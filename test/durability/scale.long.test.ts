import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import type { JsonObject } from "loophost";
import { defineAgent, openSession } from "loophost";
import { claude } from "loophost/providers/claude";
import type { ModelFunction } from "loophost/providers/local";
import { local } from "loophost/providers/local";
import { embeddedHost } from "loophost/server";
import { memoryStore } from "loophost/stores/memory";
import { listSessions } from "loophost/stores/sessions";
import { sqliteStore } from "loophost/stores/sqlite";
import { afterAll, describe, expect, it } from "vitest";

import { bestCpuMs } from "../support/cpu-time.ts";

const folder = mkdtempSync(join(tmpdir(), "loophost-scale-"));
afterAll(() => rmSync(folder, { recursive: true }));

const agent = defineAgent({ name: "echo", instructions: "Echo." });
const provider = local({ model: ({ messages }) => `message ${messages.length}` });

describe("one SQLite file", () => {
  it("of 10,000 sessions: opens, lists and resumes one in under 20 ms", async () => {
    const file = join(folder, "many.db");
    const store = sqliteStore(file);
    const template = await seed(store, "s00000");
    await Promise.all(
      Array.from({ length: 9_999 }, async (_, index) => {
        const id = `s${String(index + 1).padStart(5, "0")}`;
        const fence = await store.log.claim(id, { owner: "seed", ttlMs: 1, force: true });
        await store.log.append(id, fence, template.entries);
        await store.log.release(id, fence);
        await store.records.put("sessions", id, { ...template.summary, sessionId: id });
      }),
    );
    await store.close();
    const took = await bestCpuMs(20, async () => {
      const opened = sqliteStore(file);
      const page = await listSessions(opened, { after: "s04999", limit: 100 });
      expect([page.length, page[0]?.sessionId]).toEqual([100, "s05000"]);
      await using session = await openSession(agent, { provider, store: opened, sessionId: "s05000" });
      expect((await session.resume().result()).terminal).toBe("end_turn");
      await session.close();
      await opened.close();
    });
    console.log(`10,000 sessions: open, list a hundred, resume one in ${took.toFixed(1)} ms`);
    expect(took).toBeLessThan(20);
  });

  it("of one session with 10,000 entries: resumes it in under 200 ms, and keeps nothing of it", async () => {
    const store = sqliteStore(join(folder, "long.db"));
    const { entries } = await seed(store, "long");
    const said = entries.filter((entry) => JSON.stringify(entry).includes('"said"'));
    const fence = await store.log.claim("long", { owner: "seed", ttlMs: 1, force: true });
    const many = Array.from({ length: 10_000 }, (_, index) => said[index % said.length] ?? null);
    for (let at = 0; at < many.length; at += 1_000)
      await store.log.append("long", fence, many.slice(at, at + 1_000));
    await store.log.release("long", fence);
    const took = await bestCpuMs(200, async () => {
      await using session = await openSession(agent, { provider, store, sessionId: "long" });
      expect((await session.resume().result()).terminal).toBe("end_turn");
    });
    console.log(`10,000 entries: resumed in ${took.toFixed(1)} ms`);
    expect(took).toBeLessThan(200);

    const resume = async () => {
      await using session = await openSession(agent, { provider, store, sessionId: "long" });
      await session.resume().result();
      return heapUsed();
    };
    const open = await resume();
    const before = heapUsed();
    for (let round = 0; round < 5; round += 1) await resume();
    const grown = heapUsed() - before;
    const kilobytes = (bytes: number) => Math.round(bytes / 1_024);
    console.log(
      `held while open ${kilobytes(open - before)} KB, kept after 5 resumes ${kilobytes(grown)} KB`,
    );
    expect(grown).toBeLessThan(500 * 1_024);
    await store.close();
  });
});

/** The heap after a collection. */
function heapUsed(): number {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect === "function") collect();
  return process.memoryUsage().heapUsed;
}

describe("a session at a host", () => {
  it("of 10,000 events is attached to in under 200 ms", async () => {
    const store = memoryStore();
    const model: ModelFunction = ({ messages }) => `message ${messages.length}`;
    const named = { ...agent, model: "any" };
    let sessionId = "";
    {
      await using host = embeddedHost({ model, store });
      const { url } = await host.listen();
      await using session = await openSession(named, { provider: claude({ baseUrl: url }) });
      sessionId = (await session.send("hello").result()).sessionId;
    }
    const logId = `host/${sessionId}`;
    const entries = await store.log.read(logId, 0, 1_000);
    const fence = await store.log.claim(logId, { owner: "seed", ttlMs: 1, force: true });
    for (let from = 0; from < 10_000; from += entries.length) {
      const again = entries.map(({ entry }, at) => ({ ...(entry as JsonObject), id: `sevt_${from + at}` }));
      await store.log.append(logId, fence, again);
    }

    await using host = embeddedHost({ model, store });
    const remote = claude({ baseUrl: (await host.listen()).url });
    const took = await bestCpuMs(200, async () => {
      await using session = await openSession(named, { provider: remote, sessionId });
      expect((await session.resume().result()).terminal).toBe("end_turn");
    });
    console.log(`10,000 events at a host: attached to in ${took.toFixed(1)} ms`);
    expect(took).toBeLessThan(200);
  });
});

/** A session of one run, and what it left in the store. */
async function seed(store: ReturnType<typeof sqliteStore>, sessionId: string) {
  await using session = await openSession(agent, { provider, store, sessionId });
  await session.send("hello").result();
  await session.close();
  const entries = (await store.log.read(sessionId, 0, 1_000)).map(({ entry }) => entry);
  const summary = (await store.records.get("sessions", sessionId)) as Record<string, string>;
  return { entries, summary };
}
