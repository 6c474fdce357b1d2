// The contract of the Engine port, over Restate: the real server, and workers behind a balancer as in production.

import { setTimeout } from "node:timers/promises";

import { restateEngine } from "loophost/engines/restate";
import type { Engine } from "loophost/sessions";
import type { SharedEnginePlace } from "loophost/testing";
import { engineContract, sharedEngineContract } from "loophost/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { systemClock } from "../../src/core/clock.ts";
import type { RestateServer } from "../engines/restate/server.ts";
import { freePorts, restateServer, skipped, whyNoRestate } from "../engines/restate/server.ts";
import { balancer } from "../support/balancer.ts";

describe.skipIf(whyNoRestate !== undefined)(`restateEngine()${skipped}`, () => {
  let server: RestateServer;
  beforeAll(async () => {
    server = await restateServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it.for([...engineContract, ...sharedEngineContract])("$name", async ({ name, check }) => {
    await using workers = await balancer();
    const opened = new Map<Engine, number>();
    const place: SharedEnginePlace = {
      clock: systemClock,
      async open() {
        const [port = 0] = await freePorts(1);
        const engine = restateEngine({
          ingress: server.ingress,
          admin: server.admin,
          listen: { port, url: `http://127.0.0.1:${workers.port}` },
          name: `case-${name.replaceAll(/\W+/g, "-").slice(0, 40)}`,
        });
        workers.add(port);
        opened.set(engine, port);
        return engine;
      },
      passTime: (ms) => setTimeout(ms),
      async lose(engine) {
        workers.remove(opened.get(engine) ?? 0);
      },
    };
    await expect(check(place)).resolves.toBeUndefined();
    await Promise.all([...opened.keys()].map((engine) => engine.close()));
  });
});
