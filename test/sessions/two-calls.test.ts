// Two calls of one turn wait for somebody, and one is decided: its run goes on, whatever becomes of its worker.

import { defineAgent, defineTool } from "loophost";
import { local } from "loophost/providers/local";
import type { Sessions } from "loophost/sessions";
import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { expect, it } from "vitest";

import { scriptedModel } from "./scripted-model.ts";

const input = { type: "object" } as const;
const ask = defineTool({ name: "ask", description: "Asks somebody", input });

/** An application whose first refund never ends. */
function application(): { app: Sessions; refunds: () => number; begun: Promise<void> } {
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  let refunds = 0;
  const refund = defineTool({
    name: "refund",
    description: "Refunds",
    input,
    needsApproval: true,
    ifCrashed: "rerun",
    async execute() {
      refunds += 1;
      resolve();
      if (refunds === 1) await new Promise(() => undefined);
      return "refunded";
    },
  });
  const agent = defineAgent({ name: "a", instructions: "", tools: [refund, ask] });
  const agents = [{ agent, provider: local({ model: scriptedModel }) }];
  return { app: sessions({ store: memoryStore(), agents }), refunds: () => refunds, begun };
}

it("goes on with the call that was approved when its worker is gone, though the other still waits", async () => {
  const { app, refunds, begun } = application();
  await using _ = app;
  const worker = await app.work();
  const chat = await app.create("a");
  await chat.send("call refund {} ask {}");
  expect(await chat.result()).toMatchObject({ terminal: "requires_action" });
  await chat.approve("call_1_0");
  await begun;
  expect(await chat.summary()).toMatchObject({ status: "running", waiting: ["call_1_1"] });
  await worker.drain({ graceMs: 0 });
  await app.work();
  const types: string[] = [];
  for await (const event of chat.follow({ untilIdle: true })) types.push(event.type);
  expect(types.at(-1)).toBe("run.waiting");
  expect(refunds()).toBe(2);
  expect(await chat.summary()).toMatchObject({ status: "waiting", waiting: ["call_1_1"] });
  await chat.answer("call_1_1", "yes");
  expect(await chat.result()).toMatchObject({ text: "done: refunded, yes" });
});
