// Inboxes with many messages: what has to be decided is not stuck behind them.

import type { Clock, Store } from "loophost";
import type { SessionRef, Sessions } from "loophost/sessions";
import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { manualClock } from "loophost/testing";
import { expect, it } from "vitest";

import { served } from "./refunds.ts";

function application(store: Store = memoryStore(), clock?: Clock): Sessions {
  return sessions({ store, clock, agents: [served] });
}

/** A session that waits for a decision, with so many messages behind that. */
async function waiting(app: Sessions, messages: number): Promise<SessionRef> {
  const chat = await app.create("a");
  await chat.send("call refund {}");
  await chat.result();
  for (let n = 0; n < messages; n += 1) await chat.send(`say ${n}`);
  return chat;
}

async function firstEnding(chat: SessionRef): Promise<string | undefined> {
  for await (const event of chat.follow({ deltas: false }))
    if (event.type === "run.ended") return event.ending;
  return undefined;
}

it("acts on a decision behind more messages than a page has, and then on them", async () => {
  await using app = application();
  const worker = await app.work();
  const chat = await waiting(app, 120);
  expect(await chat.approve("call_1_0")).toMatchObject({ applied: true });
  for await (const event of chat.follow({ deltas: false }))
    if (event.type === "message" && event.text === "2") break;
  await worker.drain({ graceMs: 0 });
});

it("takes a decision, and an interrupt, of a session with as many messages as may wait", async () => {
  const store = memoryStore();
  await using app = application(store);
  const worker = await app.work();
  const chat = await waiting(app, 1);
  await worker.drain({ graceMs: 0 });
  const body = { ask: "message", prompt: "say more" } as const;
  for (let n = 1; n < 1_000; n += 1) await store.inbox.post(chat.id, { key: `m${n}`, body });
  await expect(chat.send("say more")).rejects.toMatchObject({ code: "inbox_full" });
  expect(await chat.approve("call_1_0")).toMatchObject({ applied: true });
  expect(await chat.interrupt()).toMatchObject({ isNew: true });
});

it("interrupts a run that goes on, with messages behind it", async () => {
  await using app = application();
  await app.work();
  const chat = await app.create("a");
  await chat.send("wait");
  for await (const event of chat.follow()) if (event.type === "turn.started") break;
  for (let n = 0; n < 120; n += 1) await chat.send("wait");
  await chat.interrupt();
  expect(await firstEnding(chat)).toBe("interrupted");
});

it("interrupts a run that waits, with messages behind it", async () => {
  await using app = application();
  await app.work();
  const chat = await waiting(app, 120);
  await chat.interrupt();
  expect(await firstEnding(chat)).toBe("interrupted");
});

it("lets a message that denies what waits say nothing about the calls of its own run", async () => {
  await using app = application();
  await app.work();
  const chat = await waiting(app, 0);
  await chat.send("call refund {}", { ifOpen: "deny" });
  for await (const event of chat.follow({ deltas: false }))
    if (event.type === "run.waiting" && event.on.some(({ id }) => id !== "call_1_0")) break;
  const [callId = ""] = (await chat.summary())?.waiting ?? [];
  await chat.send("say behind it");
  expect(await chat.approve(callId)).toMatchObject({ applied: true });
  expect(await chat.result()).toMatchObject({ text: "behind it" });
  const log: string[] = [];
  for await (const event of chat.follow({ untilIdle: true }))
    if (event.type === "message") log.push(event.text);
  expect(log).toContain("done: refunded");
});

it("reads messages that stand behind a decision once, not each time it looks", async () => {
  const store = memoryStore();
  const clock = manualClock();
  let read = 0;
  const counted = {
    ...store,
    inbox: {
      ...store.inbox,
      async read(...how: Parameters<typeof store.inbox.read>) {
        const items = await store.inbox.read(...how);
        read += items.length;
        return items;
      },
    },
  };
  await using app = application(counted, clock);
  const poster = application(store);
  await app.work();
  const chat = await waiting(app, 120);
  await clock.advance(2_000);
  read = 0;
  for (let look = 0; look < 10; look += 1) await clock.advance(500);
  // The first of the inbox, each time: with the others it would be a hundred times as many.
  expect(read).toBeLessThan(120);
  await poster.get(chat.id).approve("call_1_0");
  for (let look = 0; look < 10; look += 1) await clock.advance(500);
  expect(await chat.summary()).toMatchObject({ waiting: [] });
});

it("waits for the result while something stands in the inbox that only a newer release knows", async () => {
  const store = memoryStore();
  await using app = application(store);
  const chat = await app.create("a");
  await chat.send("say hello");
  const { n } = await store.inbox.post(chat.id, { key: "newer", body: { ask: "of a newer release" } });
  let isOver = false;
  const result = chat.result().finally(() => (isOver = true));
  await app.work();
  await expect.poll(async () => (await chat.summary())?.runs).toBe(1);
  for await (const event of chat.follow()) if (event.type === "run.ended") break;
  expect(isOver).toBe(false);
  const fence = await store.log.claim(chat.id, { owner: "a newer worker", ttlMs: 1_000, force: true });
  await store.log.append(chat.id, fence, [], { takes: [n], release: true });
  expect(await result).toMatchObject({ text: "hello" });
});
