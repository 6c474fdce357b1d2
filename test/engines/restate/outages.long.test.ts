// What is asked of sessions while Restate is away, or after it lost all it knew.

import { defineAgent, defineTool } from "loophost";
import { restateEngine } from "loophost/engines/restate";
import { local } from "loophost/providers/local";
import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { scriptedModel } from "../../sessions/scripted-model.ts";
import type { RestateServer } from "./server.ts";
import { restateServer, skipped, whyNoRestate } from "./server.ts";

describe.skipIf(whyNoRestate !== undefined)(`Restate away${skipped}`, () => {
  let restate: RestateServer;
  beforeAll(async () => {
    restate = await restateServer();
  });
  afterAll(() => restate[Symbol.asyncDispose]());

  it.each([false, true])(
    "takes what is posted meanwhile, and goes on once it is back; emptied: %s",
    async (isEmptied) => {
      const refund = defineTool({
        name: "refund",
        description: "Refunds an order",
        input: { type: "object" },
        needsApproval: true,
        execute: () => "refunded",
      });
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

  it("loses nothing to an operator who kills invocations, of a session at work and of one that waits for a worker", async () => {
    const [begun, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const slow = defineTool({
      name: "slow",
      description: "Takes its time",
      input: { type: "object" },
      async execute() {
        begun.resolve();
        await released.promise;
        return "at last";
      },
    });
    const agent = defineAgent({ name: "support", instructions: "Help.", tools: [slow] });
    const { ingress, admin } = restate;
    await using app = sessions({
      store: memoryStore(),
      engine: restateEngine({ ingress, admin, listen: { port: 0 }, name: "killed" }),
      agents: [{ agent, provider: local({ model: scriptedModel }) }],
    });
    const worker = await app.work();
    const [atWork, waits] = [await app.create("support"), await app.create("support")];
    await atWork.send("call slow {}");
    await begun.promise;
    expect(await killAll()).toBe(1);
    released.resolve();
    expect(await atWork.result()).toMatchObject({ text: "done: at last" });

    await worker.drain();
    await waits.send("say hello");
    expect(await killAll()).toBe(1);
    await app.work();
    expect(await waits.result()).toMatchObject({ text: "hello" });
  });

  /** Kills all invocations there are, as in the user interface of Restate; says how many. */
  async function killAll(): Promise<number> {
    const query = "SELECT id FROM sys_invocation WHERE target_service_name = 'killed'";
    const headers = { "content-type": "application/json", accept: "application/json" };
    const asked = await fetch(`${restate.admin}/query`, {
      method: "POST",
      headers,
      body: JSON.stringify({ query }),
    });
    const rows: readonly { readonly id: string }[] = Object(await asked.json()).rows;
    for (const { id } of rows) {
      const killed = await fetch(`${restate.admin}/invocations/${id}/kill`, { method: "PATCH" });
      expect(killed.status).toBe(200);
    }
    return rows.length;
  }
});
