// Sessions that are deleted: nothing of them stays, and nothing said to one reaches another that gets its id.

import { setTimeout } from "node:timers/promises";

import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { expect, it } from "vitest";

import { prune } from "../../src/cli/sessions/prune.ts";
import { served } from "./refunds.ts";

it("leaves no mark of a session that waited", async () => {
  const store = memoryStore();
  await using app = sessions({ store, agents: [served] });
  const worker = await app.work();
  const chat = await app.create("a");
  await chat.send("call refund {}");
  expect(await chat.result()).toMatchObject({ terminal: "requires_action" });
  expect(await store.records.list("sessions.waiting", "", 10)).toHaveLength(1);
  await worker.drain();
  await chat.delete();
  for (const collection of ["sessions", "sessions.waiting", "sessions.running", "sessions.failed"])
    expect(await store.records.list(collection, "", 10), collection).toEqual([]);
});

it("gives a new session nothing that was said to the one before of its id, as that was deleted", async () => {
  const store = memoryStore();
  await using app = sessions({ store, agents: [served] });
  const before = await app.create("a", { id: "s" });
  await before.delete();
  await store.inbox.post("s", { key: "late", body: { ask: "message", prompt: "say secret" } });
  const after = await app.create("a", { id: "s" });
  await after.send("say hello");
  await app.work();
  expect(await after.result()).toMatchObject({ text: "hello" });
  const texts: string[] = [];
  for await (const event of after.follow({ untilIdle: true }))
    if (event.type === "message") texts.push(event.text);
  expect(texts).toEqual(["hello"]);
});

it("prunes no session that somebody spoke to since it was listed", async () => {
  const store = memoryStore();
  await using app = sessions({ store, agents: [served] });
  const chats = await Promise.all(["one", "two", "three"].map((id) => app.create("a", { id })));
  const kept = { store, file: "app.db", [Symbol.asyncDispose]: () => Promise.resolve() };
  const pruning = prune(kept, Date.now() + 60_000, false);
  const first = await pruning.next();
  const rest = chats.filter(({ id }) => !String(first.value).startsWith(id));
  await app.work();
  for (const chat of rest) await chat.send("call refund {}");
  for (const chat of rest) await chat.result();
  expect(await Array.fromAsync(pruning)).toEqual([]);
  for (const chat of rest) expect(await chat.summary()).toMatchObject({ status: "waiting" });
});

it("says to whoever waits for a session that it was deleted, though one of its id was made at once", async () => {
  await using app = sessions({ store: memoryStore(), agents: [served] });
  const worker = await app.work();
  const chat = await app.create("a", { id: "s" });
  await chat.send("say one");
  await chat.result();
  await worker.drain();
  await chat.send("say two");
  const texts: string[] = [];
  const followed = (async () => {
    for await (const event of chat.follow()) if (event.type === "message") texts.push(event.text);
  })();
  const result = chat.result();
  result.catch(() => undefined);
  await setTimeout(50);
  await chat.delete();
  await app.create("a", { id: "s" });
  await expect(result).rejects.toMatchObject({ code: "session_not_found" });
  await followed;
  expect(texts).toEqual(["one"]);
});
