// What is asked of a session and cannot be done: it leaves nothing behind that keeps the next one from being done.

import type { Provider } from "loophost";
import { defineAgent, defineTool } from "loophost";
import { local } from "loophost/providers/local";
import type { Sessions } from "loophost/sessions";
import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { scriptedProvider } from "loophost/testing";
import { expect, it } from "vitest";

import { done } from "../support/host-events.ts";
import { refund } from "./refunds.ts";
import { scriptedModel } from "./scripted-model.ts";

const input = { type: "object" } as const;
const tools = [refund, defineTool({ name: "ask", description: "Asks somebody", input })];
const served = {
  agent: defineAgent({ name: "a", instructions: "", tools }),
  provider: local({ model: scriptedModel }),
};

function application(): Sessions {
  return sessions({ store: memoryStore(), agents: [served] });
}

it("takes a decision about a call that an earlier one came too soon for", async () => {
  const store = memoryStore();
  await using app = sessions({ store, agents: [served] });
  await app.work();
  const chat = await app.create("a");
  await store.inbox.post(chat.id, {
    key: "call:call_3_0",
    body: { ask: "decide", callId: "call_3_0", allow: true },
  });
  await chat.send("say hello");
  expect(await chat.result()).toMatchObject({ text: "hello" });
  await chat.send("call refund {}");
  expect(await chat.result()).toMatchObject({ terminal: "requires_action" });
  expect((await chat.summary())?.waiting).toEqual(["call_3_0"]);
  expect(await chat.approve("call_3_0")).toMatchObject({ isNew: true, applied: true });
  expect(await chat.deny("call_3_0")).toMatchObject({ applied: false, decision: { allow: true } });
  expect(await chat.result()).toMatchObject({ text: "done: refunded" });
  expect(await chat.deny("call_3_0")).toMatchObject({ applied: false, decision: { allow: true } });
});

it.each([
  null,
  undefined,
  5,
  { content: "text" },
  { content: [{ type: "text" }] },
  { content: [{ type: "text", text: 1n }] },
])("refuses %o for an answer before it is posted, so that the call can be answered", async (wrong) => {
  await using app = application();
  await app.work();
  const chat = await app.create("a");
  await chat.send("call ask {}");
  expect(await chat.result()).toMatchObject({ terminal: "requires_action" });
  await expect(chat.answer("call_1_0", wrong as never)).rejects.toMatchObject({ code: "invalid_options" });
  expect(await chat.answer("call_1_0", "blue")).toMatchObject({ applied: true });
  expect(await chat.result()).toMatchObject({ text: "done: blue" });
});

it("makes no session about what cannot be kept", async () => {
  await using app = application();
  const circular: { me?: unknown } = {};
  circular.me = circular;
  for (const about of [{ big: 1n }, circular])
    await expect(app.create("a", { about: about as never })).rejects.toMatchObject({
      code: "invalid_options",
    });
});

it.each([{ a: 0 }, { a: -1 }, { a: NaN }, { a: "many" }])("has no limits such as %o", async (maxPerAgent) => {
  await using app = application();
  await expect(app.work({ maxPerAgent: maxPerAgent as never })).rejects.toMatchObject({
    code: "invalid_options",
  });
});

it("refuses a message that must find no run open, but not its own again", async () => {
  await using app = application();
  const chat = await app.create("a");
  const how = { key: "1", ifOpen: "refuse" } as const;
  expect(await chat.send("call refund {}", how)).toMatchObject({ item: 1, isNew: true });
  // It waits for a worker, then its run is open, then it waits for somebody.
  const again = async () => {
    expect(await chat.send("call refund {}", how)).toEqual({ item: 1, isNew: false });
    await expect(chat.send("say more", { ...how, key: "2" })).rejects.toMatchObject({ code: "session_busy" });
  };
  await again();
  await app.work();
  for await (const event of chat.follow()) if (event.type === "run.started") break;
  await again();
  expect(await chat.result()).toMatchObject({ terminal: "requires_action" });
  await again();
  await chat.approve("call_1_0");
  expect(await chat.result()).toMatchObject({ text: "done: refunded" });
  expect(await chat.send("say more", { ...how, key: "2" })).toMatchObject({ item: 3, isNew: true });
  expect(await chat.result()).toMatchObject({ text: "more" });
});

it("tells whoever sends to a session that its host has ended, and those who follow", async () => {
  const scripted = scriptedProvider({ turns: [[{ type: "message", text: "hi" }, done]] });
  let opened = 0;
  const provider: Provider = {
    ...scripted,
    async open(request) {
      const connection = await scripted.open(request);
      opened += 1;
      if (opened > 1) request.emit({ type: "session.over", ending: "terminated", stopReason: null });
      return connection;
    },
  };
  await using app = sessions({ agents: [{ ...served, provider }] });
  await app.work();
  const chat = await app.create("a");
  await chat.send("Hello");
  expect(await chat.result()).toMatchObject({ text: "hi" });
  await chat.send("And now?");
  await expect(chat.result()).rejects.toMatchObject({ code: "session_closed", result: { text: "" } });
  const events = await Array.fromAsync(chat.follow({ untilIdle: true }));
  expect(events.at(-1)).toMatchObject({ type: "run.failed", code: "session_closed" });
});
