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
});
