// What a receipt for a decision says is so: about a call that never was, has its result, or was decided by somebody else, nobody is told "applied".

import type { OnApproval } from "loophost";
import { defineAgent, defineTool } from "loophost";
import { local } from "loophost/providers/local";
import type { SessionRef, Sessions, SessionsOptions } from "loophost/sessions";
import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { readLog } from "loophost/stores/sessions";
import { expect, it } from "vitest";

import { refund } from "./refunds.ts";
import { scriptedModel } from "./scripted-model.ts";

const input = { type: "object" } as const;
const free = defineTool({ name: "free", description: "Runs", input, execute: () => "ran" });
const ask = defineTool({ name: "ask", description: "Asks somebody", input });
const agent = defineAgent({ name: "a", instructions: "", tools: [free, refund, ask] });

interface SetUp extends AsyncDisposable {
  readonly app: Sessions;
  readonly chat: SessionRef;
  /** Items that stand in the inbox, or were refused. */
  readonly left: () => Promise<number>;
}

async function setUp(
  options: Pick<SessionsOptions, "onEvent"> & { readonly onApproval?: OnApproval } = {},
): Promise<SetUp> {
  const { onApproval, onEvent } = options;
  const store = memoryStore();
  const agents = [{ agent, provider: local({ model: scriptedModel }), onApproval }];
  const app = sessions({ store, agents, onEvent });
  await app.work();
  const chat = await app.create("a", { id: "s" });
  const left = async () => {
    const entries = await Array.fromAsync(readLog(store, "s"), ({ entry }) => JSON.stringify(entry));
    const refused = entries.filter((entry) => entry.includes("item.refused"));
    return refused.length + (await store.inbox.read("s", 10)).length;
  };
  return { app, chat, left, [Symbol.asyncDispose]: () => app.close() };
}

const refusedWith = (words: string) => ({
  code: "invalid_options",
  message: expect.stringContaining(words) as string,
});

it("refuses a decision about a call that never was, and posts nothing", async () => {
  await using set = await setUp();
  const nobodys = () => [set.chat.approve("nope"), set.chat.deny("nope"), set.chat.answer("nope", "x")];
  for (const made of nobodys())
    await expect(made).rejects.toMatchObject(refusedWith('no call "nope" in session s'));
  await set.chat.send("call refund {}");
  await set.chat.result();
  for (const made of nobodys())
    await expect(made).rejects.toMatchObject(refusedWith("Those that wait: call_1_0"));
  expect(await set.left()).toBe(0);
});

it("refuses a decision about a call that has its result, waits for something else, or was stopped", async () => {
  await using set = await setUp();
  await set.chat.send("call free {}");
  await set.chat.result();
  await expect(set.chat.approve("call_1_0")).rejects.toMatchObject(refusedWith("has its result"));
  await set.chat.send("call refund {} ask {}");
  await set.chat.result();
  await expect(set.chat.answer("call_5_0", "x")).rejects.toMatchObject(refusedWith("waits for approval"));
  await expect(set.chat.approve("call_5_1")).rejects.toMatchObject(refusedWith("waits for an answer"));
  await set.chat.interrupt();
  await set.chat.result();
  await expect(set.chat.approve("call_5_0")).rejects.toMatchObject(refusedWith("was stopped"));
  expect(await set.left()).toBe(0);
});

it("says which decision counts when it was not made in the inbox", async () => {
  await using asked = await setUp({ onApproval: () => ({ allow: false, why: "policy" }) });
  await asked.chat.send("call refund {}");
  await asked.chat.result();
  expect(await asked.chat.approve("call_1_0")).toEqual({
    item: 0,
    isNew: false,
    applied: false,
    decision: { allow: false, why: "policy" },
  });
  expect(await asked.left()).toBe(0);
  await using set = await setUp();
  await set.chat.send("call refund {} ask {}");
  await set.chat.result();
  await set.chat.send("say instead", { ifOpen: "deny" });
  expect(await set.chat.result()).toMatchObject({ text: "instead" });
  expect(await set.chat.approve("call_1_0")).toMatchObject({ applied: false, decision: { allow: false } });
  expect(await set.chat.answer("call_1_1", "x")).toMatchObject({ applied: false, decision: { allow: true } });
});

it("lets one of several decisions count, made at once under keys of their own", async () => {
  await using set = await setUp();
  await set.chat.send("call refund {}");
  await set.chat.result();
  const made = await Promise.all([
    set.chat.deny("call_1_0", { key: "1", why: "first" }),
    set.chat.approve("call_1_0", { key: "2" }),
    set.chat.approve("call_1_0"),
  ]);
  expect(made.map(({ applied }) => applied)).toEqual([true, false, false]);
  for (const { decision } of made) expect(decision).toEqual({ allow: false, why: "first" });
  expect((await set.chat.result()).text).toContain("first");
  const late = await set.chat.approve("call_1_0", { key: "3" });
  expect(late).toMatchObject({ applied: false, decision: { allow: false, why: "first" } });
});

it("keeps a decision about a call that is heard of before it is on record", async () => {
  const made = Promise.withResolvers<unknown>();
  await using set = await setUp({
    onEvent: (event, { sessionId }) => {
      if (event.type === "approval.requested") made.resolve(set.app.get(sessionId).approve(event.id));
    },
  });
  await set.chat.send("call refund {}");
  expect(await made.promise).toMatchObject({ applied: true, decision: { allow: true } });
  await expect.poll(async () => (await set.chat.result()).text).toBe("done: refunded");
});

it("takes a decision about a call whose id is longer than a key may be", async () => {
  const id = "thought_".repeat(500);
  const app = sessions({
    agents: [
      {
        agent,
        provider: local({
          model: ({ messages }) =>
            messages.length > 1 ? "done" : [{ type: "tool_call", id, name: "refund", input: {} }],
        }),
      },
    ],
  });
  await using _ = app;
  await app.work();
  const chat = await app.create("a");
  await chat.send("go");
  expect((await chat.result()).terminal).toBe("requires_action");
  const both = await Promise.all([chat.approve(id), chat.deny(id)]);
  expect(both.filter(({ applied }) => applied)).toHaveLength(1);
  expect(await chat.result()).toMatchObject({ text: "done" });
});
