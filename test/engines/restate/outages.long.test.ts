// What is asked of sessions while Restate is away, or after it lost all it knew.

import { defineAgent, defineTool } from "loophost";
import { restateEngine } from "loophost/engines/restate";
import { local } from "loophost/providers/local";
import type { Sessions } from "loophost/sessions";
import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";

import { refund } from "../../sessions/refunds.ts";
import { scriptedModel } from "../../sessions/scripted-model.ts";
import { balancer } from "../../support/balancer.ts";
import type { RestateServer } from "./server.ts";
import { freePorts, restateServer, skipped, whyNoRestate } from "./server.ts";

describe.skipIf(whyNoRestate !== undefined)(`Restate away${skipped}`, () => {
  let restate: RestateServer;
  beforeAll(async () => {
    restate = await restateServer();
  });
  afterAll(() => restate[Symbol.asyncDispose]());

  it.each([false, true])(
    "takes what is posted meanwhile, and goes on once it is back; emptied: %s",
    async (isEmptied) => {
      const agent = defineAgent({ name: "support", instructions: "Help.", tools: [refund] });
      const { ingress, admin } = restate;
      await using app = sessions({
        store: memoryStore(),
        engine: restateEngine({ ingress, admin, listen: { port: 0 }, name: `away-${String(isEmptied)}` }),
        agents: [{ agent, provider: local({ model: scriptedModel }) }],
      });
      await app.work();
      const [waits, idle] = [await app.create("support"), await app.create("support")];
      await waits.send("call refund {}");
      await idle.send("say hello");
      expect(await waits.result()).toMatchObject({ terminal: "requires_action" });
      expect(await idle.result()).toMatchObject({ text: "hello" });

      await restate.kill();
      const [callId = ""] = (await waits.summary())?.waiting ?? [];
      expect(await waits.approve(callId)).toMatchObject({ applied: true });
      await idle.send("say still here");
      await restate.start({ isEmptied });
      expect(await waits.result()).toMatchObject({ text: "done: refunded" });
      expect(await idle.result()).toMatchObject({ text: "still here" });
    },
  );

  it.each(["kill", "cancel"] as const)(
    "loses nothing to an operator who uses %s on invocations, of sessions at work, parked, and waiting for a worker",
    async (how) => {
      const begun: string[] = [];
      const [first, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const slow = defineTool({
        name: "slow",
        description: "Takes its time",
        input: { type: "object" },
        async execute(_, { sessionId }) {
          begun.push(sessionId);
          first.resolve();
          await released.promise;
          return "at last";
        },
      });
      const agent = defineAgent({ name: "support", instructions: "Help.", tools: [slow, refund] });
      const { ingress, admin } = restate;
      const name = `used-${how}`;
      const store = memoryStore();
      // Both answer at one address, as in production: what one has may be called for at the other.
      await using address = await balancer();
      const apps = (await freePorts(2)).map((port) => {
        address.add(port);
        const listen = { port, url: `http://127.0.0.1:${address.port}` };
        return sessions({
          store,
          engine: restateEngine({ ingress, admin, listen, name }),
          agents: [{ agent, provider: local({ model: scriptedModel }) }],
        });
      });
      onTestFinished(() => Promise.all(apps.map((made) => made.close())).then(() => undefined));
      const [app, other] = apps as [Sessions, Sessions];
      const worker = await app.work();
      const [atWork, parked, waits] = [
        await app.create("support"),
        await app.create("support"),
        await app.create("support"),
      ];

      await atWork.send("call slow {}");
      await first.promise;
      const second = await other.work();
      expect(await endAll(name, how)).toBe(1);
      await atWork.send("say and more");
      // So that it is called for again, here or there.
      await expect.poll(() => endAll(name, how)).toBeGreaterThan(0);
      released.resolve();
      await expect.poll(async () => (await atWork.result()).text).toBe("and more");
      expect(begun).toEqual([atWork.id]);

      await parked.send("call refund {}");
      expect(await parked.result()).toMatchObject({ terminal: "requires_action" });
      await endAll(name, how);
      const [callId = ""] = (await parked.summary())?.waiting ?? [];
      await parked.approve(callId);
      expect(await parked.result()).toMatchObject({ text: "done: refunded" });

      await Promise.all([worker.drain(), second.drain()]);
      await waits.send("say hello");
      expect(await endAll(name, how)).toBeGreaterThan(0);
      await app.work();
      expect(await waits.result()).toMatchObject({ text: "hello" });
    },
  );

  /** Kills or cancels all invocations there are, as in the user interface of Restate; says how many. */
  async function endAll(name: string, how: "kill" | "cancel"): Promise<number> {
    const query = `SELECT id FROM sys_invocation WHERE target_service_name = '${name}'`;
    const headers = { "content-type": "application/json", accept: "application/json" };
    const asked = await fetch(`${restate.admin}/query`, {
      method: "POST",
      headers,
      body: JSON.stringify({ query }),
    });
    const rows: readonly { readonly id: string }[] = Object(await asked.json()).rows;
    for (const { id } of rows) {
      const ended = await fetch(`${restate.admin}/invocations/${id}/${how}`, { method: "PATCH" });
      expect([200, 202, 404]).toContain(ended.status);
    }
    return rows.length;
  }
});
