// Sessions talked to through their inboxes, in one process: over memory and SQLite.

import { defineAgent, defineTool } from "loophost";
import { local } from "loophost/providers/local";
import type { Engine, Sessions } from "loophost/sessions";
import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { readLog } from "loophost/stores/sessions";
import { describe, expect, it } from "vitest";

import { newStorePath, openedStore } from "../stores/sqlite/files.ts";
import { scriptedModel } from "./scripted-model.ts";

const stores = { memory: () => memoryStore(), SQLite: () => openedStore(newStorePath()) };

function support(runs: string[] = []) {
  const refund = defineTool({
    name: "refund",
    description: "Refunds an order",
    input: { type: "object", properties: { order: { type: "string" } } },
    needsApproval: true,
    execute: ({ order }: { readonly order?: string }) => {
      runs.push(order ?? "");
      return "refunded";
    },
  });
  return defineAgent({ name: "support", instructions: "Help.", tools: [refund] });
}

async function setUp(store: ReturnType<(typeof stores)["memory"]>, runs: string[] = []): Promise<Sessions> {
  const app = sessions({
    store,
    agents: [{ agent: support(runs), provider: local({ model: scriptedModel }) }],
    onError: (error) => expect.unreachable(error.message),
  });
  await app.work();
  return app;
}

it("takes what is posted while the engine cannot be reached; the sweep of a worker finds it", async () => {
  const store = memoryStore();
  const broken: Engine = {
    wake: () => Promise.reject(new Error("out of reach")),
    work: () => Promise.reject(new Error("out of reach")),
    close: () => Promise.resolve(),
  };
  await using poster = sessions({ store, engine: broken });
  const chat = await poster.create("support");
  expect(await chat.send("say hello")).toMatchObject({ isNew: true });
  await using _ = await setUp(store);
  expect(await chat.result()).toMatchObject({ text: "hello" });
});

describe.each(Object.entries(stores))("over %s", (_, newStore) => {
  it("delivers a message, and gives the result from the log", async () => {
    await using app = await setUp(newStore());
    const chat = await app.create("support", { id: "order-42", tenant: "acme", about: { customer: 7 } });
    expect(await chat.send("say hello", { key: "k" })).toEqual({ item: expect.any(Number), isNew: true });
    const result = await chat.result();
    expect(result).toMatchObject({ sessionId: "order-42", terminal: "end_turn", text: "hello" });
    expect(await chat.send("say hello", { key: "k" })).toMatchObject({ isNew: false });
    expect(await chat.summary()).toMatchObject({ agent: "support", status: "idle", runs: 1, tenant: "acme" });
  });

  it("delivers messages in the order they were sent, each in a run of its own", async () => {
    await using app = await setUp(newStore());
    const chat = await app.create("support");
    await Promise.all(["one", "two", "three"].map((word) => chat.send(`say ${word}`, { key: word })));
    await chat.result();
    const said: string[] = [];
    for await (const event of chat.follow()) {
      if (event.type === "message") said.push(event.text);
      if (said.length === 3) break;
    }
    expect(said).toEqual(["one", "two", "three"]);
    expect(await chat.summary()).toMatchObject({ runs: 3 });
  });

  it("parks a session that waits, and goes on once somebody decides; the first decision holds", async () => {
    const runs: string[] = [];
    await using app = await setUp(newStore(), runs);
    const chat = await app.create("support");
    await chat.send('call refund {"order":"7"}');
    expect(await chat.result()).toMatchObject({ terminal: "requires_action" });
    const { waiting } = (await chat.summary()) ?? { waiting: [] };
    expect(waiting).toHaveLength(1);
    expect(await app.list({ status: "waiting" })).toHaveLength(1);
    const [id = ""] = waiting;
    const yes = await chat.approve(id);
    const no = await chat.deny(id, { why: "too late" });
    expect([yes.applied, no.applied]).toEqual([true, false]);
    expect(no.decision).toEqual(yes.decision);
    expect(await chat.result()).toMatchObject({ terminal: "end_turn", text: "done: refunded" });
    expect(runs).toEqual(["7"]);
    expect(await app.list({ status: "waiting" })).toEqual([]);
  });

  it("keeps a message back while a decision is waited for, and with ifOpen deny takes it as a no", async () => {
    await using app = await setUp(newStore());
    const chat = await app.create("support");
    await chat.send('call refund {"order":"7"}');
    await chat.result();
    await chat.send("say later");
    expect(await chat.result()).toMatchObject({ terminal: "requires_action" });
    await chat.send("say now", { ifOpen: "deny" });
    const texts: string[] = [];
    for await (const event of chat.follow()) {
      if (event.type === "message") texts.push(event.text);
      if (event.type === "run.ended" && texts.includes("later") && texts.includes("now")) break;
    }
    expect(texts.slice(-2)).toEqual(["later", "now"]);
  });

  it("interrupts a run, wherever it is; with none open it is on record that it came to nothing", async () => {
    const store = newStore();
    await using app = await setUp(store);
    const chat = await app.create("support");
    await chat.interrupt({ key: "idle" });
    await chat.send("wait");
    for await (const event of chat.follow()) if (event.type === "turn.started") break;
    await chat.interrupt();
    expect(await chat.result()).toMatchObject({ ending: "interrupted" });
    const types: unknown[] = [];
    for await (const { entry } of readLog(store, chat.id)) types.push(Object(entry)["type"]);
    expect(types).toContain("item.refused");
    expect(types).toContain("interrupted");
  });

  it("leaves nothing to decide of a run that was interrupted while it waited: what is said next is delivered", async () => {
    const runs: string[] = [];
    const store = newStore();
    await using app = await setUp(store, runs);
    const chat = await app.create("support");
    await chat.send('call refund {"order":"42"}');
    expect(await chat.result()).toMatchObject({ terminal: "requires_action" });
    await chat.interrupt();
    expect(await chat.result()).toMatchObject({ ending: "interrupted" });
    expect(await chat.summary()).toMatchObject({ status: "idle", waiting: [] });
    await expect(chat.approve("call_1_0")).rejects.toMatchObject({ code: "invalid_options" });
    await chat.send("say next");
    expect(await chat.result()).toMatchObject({ text: "next" });
    expect(runs).toEqual([]);
  });

  it("shows a follower each whole event once, from any place, and deltas between", async () => {
    await using app = await setUp(newStore());
    const chat = await app.create("support");
    const seen: { readonly seq: number; readonly type: string }[] = [];
    const ended = (async () => {
      for await (const event of chat.follow()) {
        seen.push(event);
        if (event.type === "run.ended") return;
      }
    })();
    await chat.send("stream some words");
    await ended;
    const whole = seen.filter(({ type }) => type !== "text.delta");
    expect(whole.map(({ type }) => type)).toEqual(
      expect.arrayContaining(["run.started", "message", "run.ended"]),
    );
    expect(new Set(whole.map(({ seq }) => seq)).size).toBe(whole.length);
    expect(seen.some(({ type }) => type === "text.delta")).toBe(true);
    // From each place on the rest, and nothing else.
    for (const [index, { seq }] of whole.entries()) {
      if (index === whole.length - 1) break;
      const rest: string[] = [];
      for await (const event of chat.follow({ after: seq, deltas: false })) {
        rest.push(event.type);
        if (event.type === "run.ended") break;
      }
      expect(rest).toEqual(whole.slice(index + 1).map(({ type }) => type));
    }
  });

  it("ends a following once nothing is left to be done, from any place", async () => {
    await using app = await setUp(newStore());
    const chat = await app.create("support");
    const types = async (after?: number) => {
      const events = await Array.fromAsync(chat.follow({ after, deltas: false, untilIdle: true }));
      return events.map(({ type }) => type);
    };
    expect(await types()).toEqual([]);
    await chat.send("say one");
    await chat.send("say two");
    expect((await types()).filter((type) => type === "run.ended")).toHaveLength(2);
    const [last] = (await Array.fromAsync(chat.follow({ untilIdle: true }))).slice(-1);
    expect(await types(last?.seq)).toEqual([]);
    await chat.send('call refund {"order":"7"}');
    expect((await types(last?.seq)).at(-1)).toBe("run.waiting");
    const [callId = ""] = (await chat.summary())?.waiting ?? [];
    await chat.approve(callId);
    expect((await types(last?.seq)).at(-1)).toBe("run.ended");
  });

  it("says what is not there", async () => {
    await using app = await setUp(newStore());
    await expect(app.get("nobody").send("hi")).rejects.toMatchObject({ code: "session_not_found" });
    await expect(app.create("other")).rejects.toThrow('There is no agent "other" here');
    const chat = await app.create("support", { id: "s" });
    expect((await app.create("support", { id: "s" })).id).toBe(chat.id);
    await expect(chat.result()).rejects.toThrow("Nothing was asked");
    await chat.delete();
    expect(await chat.summary()).toBeUndefined();
    expect(await Array.fromAsync(chat.follow())).toEqual([]);
  });
});
