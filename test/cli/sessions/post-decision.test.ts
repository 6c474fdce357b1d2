// What is decided from a shell about a call of a session that workers run.

import { defineAgent, defineTool } from "loophost";
import { local } from "loophost/providers/local";
import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { expect, it } from "vitest";

import { talkTo } from "../../../src/cli/sessions/created.ts";
import { postDecision } from "../../../src/cli/sessions/post-decision.ts";
import { readWaitingCalls } from "../../../src/cli/stored/waiting-calls.ts";
import { scriptedModel } from "../../sessions/scripted-model.ts";

it("refuses a decision about a call that was stopped with its run, and posts nothing", async () => {
  const store = memoryStore();
  const execute = () => "refunded";
  const refund = defineTool({
    name: "refund",
    description: "Refunds",
    input: { type: "object" },
    needsApproval: true,
    execute,
  });
  const agent = defineAgent({ name: "a", instructions: "", tools: [refund] });
  await using app = sessions({ store, agents: [{ agent, provider: local({ model: scriptedModel }) }] });
  await app.work();
  const chat = await app.create("a");
  await chat.send("call refund {}");
  await chat.result();
  expect(await readWaitingCalls(store, chat.id)).toMatchObject([{ id: "call_1_0" }]);
  await chat.interrupt();
  await chat.result();
  expect(await readWaitingCalls(store, chat.id)).toEqual([]);
  const kept = { store, file: "app.db", [Symbol.asyncDispose]: () => Promise.resolve() };
  await using session = talkTo(kept, chat.id, { engine: undefined, bus: undefined, pollMs: undefined });
  await expect(postDecision(session, "call_1_0", { is: "allow" }, false)).rejects.toThrow(
    'Call "call_1_0" was stopped when its run',
  );
  expect(await store.inbox.read(chat.id, 10)).toEqual([]);
});
