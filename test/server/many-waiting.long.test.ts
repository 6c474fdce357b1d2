// A host that starts on a store with thousands of open sessions: it answers meanwhile, and holds the event loop for no long
// stretch.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { Json, Store } from "loophost";
import { postgresStore } from "loophost/stores/postgres";
import { sqliteStore } from "loophost/stores/sqlite";
import { describe, expect, it, onTestFinished } from "vitest";

import { skipped, whyNoPostgres } from "../stores/postgres/server.ts";
import { newDatabase } from "./served.ts";
import { call, follow, say, scripted, startHost } from "./support.ts";

const WAITING = 4_000;
const AT_WORK = 500;
/** CPU time of the main thread, which a busy machine does not stretch. */
const MAX_STRETCH_MS = 50;
const FAR_TOO_LONG_MS = 180_000;

function sqliteFile(): Promise<Store> {
  const folder = mkdtempSync(join(tmpdir(), "loophost-waiting-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return Promise.resolve(sqliteStore(join(folder, "host.db")));
}

describe.each([
  ["a SQLite file", sqliteFile, undefined],
  [`PostgreSQL${skipped}`, async () => postgresStore(await newDatabase()), whyNoPostgres],
] as const)("a host that starts on %s", (_, open, whyNot) => {
  it.skipIf(whyNot !== undefined)(
    `answers at once while it goes on with ${WAITING + AT_WORK} open sessions, and blocks for no ${MAX_STRETCH_MS} ms`,
    { timeout: FAR_TOO_LONG_MS },
    async () => {
      const store = await open();
      onTestFinished(() => store.close());
      const ids = await openSessions(store);
      const asked: string[] = [];
      const stretches = watchStretches();
      await using host = await startHost(
        ({ messages }) => {
          asked.push(JSON.stringify(messages));
          return "done";
        },
        { store },
      );
      const latencies: number[] = [];
      for (let n = 0; asked.length < AT_WORK; n += 1) {
        const begun = performance.now();
        expect(await host.client.beta.sessions.retrieve(ids[(n * 7) % ids.length] ?? "")).toBeDefined();
        latencies.push(performance.now() - begun);
        await sleep(5);
      }
      const longest = stretches.stop();
      const worst = Math.max(...latencies);
      console.log(
        `${latencies.length} requests meanwhile, the slowest ${worst.toFixed(0)} ms; the longest stretch ${longest.toFixed(0)} ms of CPU`,
      );
      expect(asked).toHaveLength(AT_WORK);
      expect(latencies.length).toBeGreaterThan(5);
      expect(longest).toBeLessThan(MAX_STRETCH_MS);
    },
  );
});

/** Fills a store with sessions that wait for a decision, and with some whose host stopped while the model was asked. */
async function openSessions(store: Store): Promise<readonly string[]> {
  let isAsked = 0;
  const silent = () => {
    isAsked += 1;
    return new Promise<never>(() => undefined);
  };
  const asks = await startHost(scripted([call("c1", "a")]), { store });
  const waiting = await asks.session(["a"]);
  const stream = await follow(asks.client, waiting);
  await say(asks.client, waiting, "go");
  await stream.idle("requires_action");
  await asks.host.close();
  const works = await startHost(silent, { store });
  const atWork = await works.session();
  await say(works.client, atWork, "go");
  await expect.poll(() => isAsked).toBe(1);
  await works.host.close();
  return [...(await copies(store, waiting, WAITING - 1)), ...(await copies(store, atWork, AT_WORK - 1))];
}

const COLLECTIONS = ["host.sessions", "host.open"];

/** Copies a session, and gives the ids of all. */
async function copies(store: Store, id: string, count: number): Promise<readonly string[]> {
  const ids = Array.from({ length: count }, (_, n) => `${id.slice(0, -4)}${n.toString(36).padStart(4, "0")}`);
  const entries = (await store.log.read(`host/${id}`, 0, 1_000)).map(({ entry }) => entry);
  const kept = await Promise.all(COLLECTIONS.map((collection) => store.records.get(collection, id)));
  const copyOf = <T extends Json | undefined>(value: T, copy: string): T =>
    value === undefined ? value : JSON.parse(JSON.stringify(value).replaceAll(id, copy));
  for (let from = 0; from < count; from += 100)
    await Promise.all(
      ids.slice(from, from + 100).map(async (copy) => {
        const fence = await store.log.claim(`host/${copy}`, { owner: "seed", ttlMs: 1, force: true });
        const records = COLLECTIONS.map((collection, n) => ({
          collection,
          key: copy,
          value: copyOf(kept[n], copy),
        }));
        await store.log.append(`host/${copy}`, fence, copyOf(entries, copy), { records, release: true });
      }),
    );
  return [...ids, id];
}

/** Measures for how long other work has to wait for its turn at most, in milliseconds of CPU time of this thread. */
function watchStretches(): { stop(): number } {
  const cpuMs = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  };
  let last = cpuMs();
  let longest = 0;
  const look = () => {
    const now = cpuMs();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(look, 1);
  return {
    stop() {
      look();
      clearInterval(timer);
      return longest;
    },
  };
}
