// The contract of the Engine port, over PostgreSQL alone: a real server, and engines whose connections can be cut.

import { setTimeout } from "node:timers/promises";

import { postgresEngine } from "loophost/engines/postgres";
import type { Engine } from "loophost/sessions";
import type { PostgresPool } from "loophost/stores/postgres";
import type { SharedEnginePlace } from "loophost/testing";
import { engineContract, sharedEngineContract } from "loophost/testing";
import { Pool } from "pg";
import { describe, expect, it } from "vitest";

import { systemClock } from "../../src/core/clock.ts";
import { newSchema } from "../stores/postgres/schemas.ts";
import { sharedPostgres, skipped, whyNoPostgres } from "../stores/postgres/server.ts";

describe.skipIf(whyNoPostgres !== undefined)(`postgresEngine()${skipped}`, () => {
  it.for([...engineContract, ...sharedEngineContract])("$name", async ({ check }) => {
    const { url } = await sharedPostgres();
    const schema = newSchema();
    const opened = new Map<Engine, MortalPool>();
    const place: SharedEnginePlace = {
      clock: systemClock,
      async open() {
        const pool = mortalPool(url);
        const engine = postgresEngine(pool, { schema, pollMs: 50 });
        opened.set(engine, pool);
        return engine;
      },
      passTime: (ms) => setTimeout(ms),
      async lose(engine) {
        opened.get(engine)?.die();
      },
    };
    await expect(check(place)).resolves.toBeUndefined();
    for (const [engine, pool] of opened) if (!pool.isDead) await engine.close();
  });
});

interface MortalPool extends PostgresPool {
  readonly isDead: boolean;
  /** Cuts every connection, as the kernel does when a process is killed; from then on nothing is said. */
  die(): void;
}

function mortalPool(url: string): MortalPool {
  const pool = new Pool({ connectionString: url, allowExitOnIdle: true });
  const cuts: (() => void)[] = [];
  const never = new Promise<never>(() => undefined);
  let isDead = false;
  pool.on("error", () => undefined);
  pool.on("connect", (client) => {
    const { connection } = client as unknown as { connection: { stream: { destroy(): void } } };
    cuts.push(() => connection.stream.destroy());
  });
  return {
    query: (text, values) => (isDead ? never : pool.query(text, values)),
    connect: () => (isDead ? never : pool.connect()),
    get isDead() {
      return isDead;
    },
    die() {
      isDead = true;
      for (const cut of cuts) cut();
    },
  };
}
