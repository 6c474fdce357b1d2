// Owners that hang, and those that only seem to: a process that is stopped, and a database that pauses under all of them.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import type { Store } from "loophost";
import { describe, expect, it, onTestFinished } from "vitest";

import { hasCode } from "../../../src/core/errors.ts";
import { startProxy } from "./proxy.ts";
import { newSchema, openedStore } from "./schemas.ts";
import { sharedPostgres, skipped, whyNoPostgres } from "./server.ts";

const LEASE = { owner: "a rival", ttlMs: 60_000 };
/** How long a worker has to have been at work before it can tell that another hangs; and how long a start of the server excuses. */
const AT_WORK_MS = 9_000;

describe.skipIf(whyNoPostgres !== undefined)(`an owner over PostgreSQL${skipped}`, () => {
  it("that is stopped is replaced within 10 seconds, and writes nothing when it goes on", async () => {
    const { url } = await sharedPostgres();
    const schema = newSchema();
    const rival = openedStore(url, { schema });
    await rival.log.claim("another", LEASE);
    const file = fileURLToPath(new URL("owner.ts", import.meta.url));
    const owner = spawn(process.execPath, [file, url, schema], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void owner.kill("SIGKILL"));
    await once(owner.stdout, "data");
    await setTimeout(AT_WORK_MS);
    owner.kill("SIGSTOP");
    const stoppedAt = performance.now();
    while ((await claimed(rival)) === undefined) await setTimeout(100);
    const tookMs = performance.now() - stoppedAt;
    expect(tookMs).toBeGreaterThan(4_000);
    expect(tookMs).toBeLessThan(10_000);
    const said = once(owner.stdout, "data");
    owner.kill("SIGCONT");
    expect(String(await said)).toBe("stale_owner");
    expect(await rival.log.read("s", 0, 1)).toEqual([]);
  });

  it("keeps its sessions when the database pauses for all, and comes back for others first", async () => {
    const server = await sharedPostgres();
    const schema = newSchema();
    const [own, rivals] = [await startProxy(server), await startProxy(server)];
    const [store, rival] = [openedStore(own.url, { schema }), openedStore(rivals.url, { schema })];
    const fence = await store.log.claim("s", { ...LEASE, owner: "the owner" });
    await rival.log.claim("another", LEASE);
    await setTimeout(AT_WORK_MS);
    for (const way of [own, rivals]) way.pause();
    const asked = claimed(rival);
    await setTimeout(11_000);
    rivals.goOn();
    expect(await asked).toBeUndefined();
    const backAt = performance.now();
    while (performance.now() - backAt < 1_000) expect(await claimed(rival)).toBeUndefined();
    own.goOn();
    while (performance.now() - backAt < 3_000) expect(await claimed(rival)).toBeUndefined();
    expect(await store.log.append("s", fence, ["on"])).toBe(1);
  });
});

/** The fencing token, where the session could be claimed; undefined where it is owned. */
async function claimed(rival: Store): Promise<number | undefined> {
  return rival.log.claim("s", LEASE).catch((thrown: unknown) => {
    if (hasCode(thrown, "session_owned")) return undefined;
    throw thrown;
  });
}
