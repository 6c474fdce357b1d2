/**
 * A measuring process: sessions that append at the same time to one store, and prints what it measured.
 *
 *   node --conditions=loophost:source bench/fleet/worker.ts <job as JSON>
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Store } from "loophost";
import { postgresStore } from "loophost/stores/postgres";
import { sqliteStore } from "loophost/stores/sqlite";

import { ownPostgres } from "../../test/stores/postgres/server.ts";
import type { Figures } from "../comparison.ts";
import { median, p99 } from "../statistics.ts";
import type { FleetSizes } from "./comparison.ts";

/** One measurement. */
export interface FleetJob extends FleetSizes {
  /** `postgres-each`: a store for every session, which has nothing to group. */
  readonly store: "sqlite" | "postgres" | "postgres-each";
}

const ENTRY = { type: "said", text: "x".repeat(480) };

if (import.meta.main) {
  const [job] = process.argv.slice(2);
  if (job === undefined) throw new Error("Usage: worker.ts <job as JSON>");
  process.stdout.write(JSON.stringify(await measure(JSON.parse(job))));
}

async function measure(job: FleetJob): Promise<Figures> {
  if (job.store === "sqlite") {
    const folder = await mkdtemp(join(tmpdir(), "loophost-bench-"));
    const store = sqliteStore(join(folder, "store.db"));
    const figures = await appendTo(() => store, job);
    await store.close();
    await rm(folder, { recursive: true });
    return figures;
  }
  const server = await ownPostgres([], tmpdir());
  const stores = Array.from({ length: job.store === "postgres" ? 1 : job.sessions }, () =>
    postgresStore(server.url),
  );
  try {
    // The tables, once.
    for (const store of stores) await store.records.get("none", "none");
    return await appendTo((session) => stores[session % stores.length], job);
  } finally {
    for (const store of stores) await store.close();
    await server.stop();
  }
}

async function appendTo(
  storeOf: (session: number) => Store | undefined,
  { appends, sessions }: FleetSizes,
): Promise<Figures> {
  const write = async (session: number, count: number, waits: number[]): Promise<void> => {
    const log = storeOf(session)?.log;
    if (log === undefined) throw new Error(`There is no store for session ${session}.`);
    const id = `session ${session}`;
    const fence = await log.claim(id, { owner: "bench", ttlMs: 0 });
    for (let n = 0; n < count; n += 1) {
      const startedAt = performance.now();
      await log.append(id, fence, [ENTRY]);
      waits.push(performance.now() - startedAt);
    }
  };
  const all = (count: number, waits: number[]) =>
    Promise.all(Array.from({ length: sessions }, (_, session) => write(session, count, waits)));
  const each = Math.ceil(appends / sessions);
  await all(Math.ceil(each / 4), []);
  const waits: number[] = [];
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  await all(each, waits);
  const { user, system } = process.cpuUsage(cpuBefore);
  const wallMs = performance.now() - startedAt;
  return {
    perSecond: (waits.length / wallMs) * 1_000,
    medianMs: median(waits),
    p99Ms: p99(waits),
    cpuMs: (user + system) / 1_000 / waits.length,
  };
}
