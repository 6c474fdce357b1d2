// Following from a place, and making a session that is there: what is shown, and that nobody is waited for.

import { defineAgent } from "loophost";
import { local } from "loophost/providers/local";
import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { manualClock } from "loophost/testing";
import { expect, it } from "vitest";

/** Places an entry has for its events. */
const PLACES = 4_096;

const agent = defineAgent({ name: "a", instructions: "" });
const served = { agent, provider: local({ model: () => "done" }) };

it("goes on after any event, also in the middle of an entry that holds several", async () => {
  const store = memoryStore();
  await using app = sessions({ store, agents: [served] });
  const chat = await app.create("a");
  const entries = await store.log.read(chat.id, 0, 10);
  const fence = await store.log.claim(chat.id, { owner: "me", ttlMs: 60_000 });
  const message = (text: string) => ({ type: "message", text });
  const told = { type: "told", first: 0, events: [message("one"), message("two"), message("three")] };
  await store.log.append(chat.id, fence, [told], { release: true });
  const all = await Array.fromAsync(chat.follow({ untilIdle: true }));
  expect(entries).toHaveLength(1);
  expect(all.map((event) => event.type === "message" && event.text)).toEqual(["one", "two", "three"]);
  for (const [index, { seq }] of all.entries())
    expect(await Array.fromAsync(chat.follow({ after: seq, untilIdle: true }))).toEqual(all.slice(index + 1));
});

it("goes on behind entries so large that a page of the store ends with each", async () => {
  const store = memoryStore();
  await using app = sessions({ store, agents: [served] });
  const chat = await app.create("a");
  const fence = await store.log.claim(chat.id, { owner: "me", ttlMs: 60_000 });
  const told = (text: string, first: number) => ({
    type: "told",
    first,
    events: [{ type: "message", text }],
  });
  const large = "a".repeat(1_000_000);
  const texts = [large, "between", large, large, "last"];
  await store.log.append(chat.id, fence, texts.map(told), { release: true });
  const all = await Array.fromAsync(chat.follow({ untilIdle: true }));
  expect(all.map((event) => event.type === "message" && event.text.length)).toEqual(
    texts.map(({ length }) => length),
  );
});

it("waits at the end of a session that is there, and shows what comes", async () => {
  const store = memoryStore();
  await using app = sessions({ store, agents: [served] });
  const chat = await app.create("a");
  await chat.send("Hi");
  await app.work();
  await chat.result();
  const last = (await store.log.read(chat.id, 0, 1_000)).at(-1)?.seq ?? 0;
  const shown: string[] = [];
  const following = (async () => {
    for await (const { type } of chat.follow({ after: (last + 1) * PLACES, deltas: false })) {
      shown.push(type);
      if (type === "run.ended") return;
    }
  })();
  await chat.send("And?");
  await following;
  expect(shown).toEqual(expect.arrayContaining(["turn.started", "message", "run.ended"]));
});

it("finds a session that a worker has open, and waits for nobody", async () => {
  const store = memoryStore();
  await using app = sessions({ store, agents: [served], clock: manualClock() });
  const { id } = await app.create("a");
  await store.log.claim(id, { owner: "a worker", ttlMs: 60_000 });
  expect((await app.create("a", { id })).id).toBe(id);
  await expect(app.create("b", { id })).rejects.toMatchObject({ code: "invalid_options" });
});
