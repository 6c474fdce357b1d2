// Ids that some store cannot keep: every store refuses them alike, and says which one, what is wrong and the way out.

import { defineAgent, openSession } from "loophost";
import { local } from "loophost/providers/local";
import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { findSession } from "loophost/stores/sessions";
import { sqliteStore } from "loophost/stores/sqlite";
import { expect, it } from "vitest";

import { scriptedModel } from "./scripted-model.ts";

const agent = defineAgent({ name: "a", instructions: "" });
const provider = local({ model: scriptedModel });

const UNFIT: readonly (readonly [id: string, problem: string])[] = [
  ["a\0b", "holds a NUL character"],
  ["s\ud800", "whole characters|half a character"],
  ["x".repeat(1_201), "is longer than 1200 bytes"],
  ["ä".repeat(601), "is longer than 1200 bytes"],
];

it.each(UNFIT)("refuses the id %j wherever one is given, before anything is written", async (id, problem) => {
  const refused = { code: "invalid_options", message: expect.stringMatching(problem) as string };
  const store = memoryStore();
  const app = sessions({ store });
  await expect(app.create("a", { id })).rejects.toMatchObject(refused);
  await expect(app.create("a", { tenant: id })).rejects.toMatchObject(refused);
  expect(() => app.get(id)).toThrow(expect.objectContaining(refused));
  const chat = await app.create("a", { id: "fine" });
  await expect(chat.send("hello", { key: id })).rejects.toMatchObject(refused);
  await expect(chat.interrupt({ key: id })).rejects.toMatchObject(refused);
  expect(await app.list()).toHaveLength(1);
});

it.each(UNFIT)("opens no session %j in any store", async (sessionId, problem) => {
  const refused = { code: "invalid_options", message: expect.stringMatching(problem) as string };
  for (const store of [memoryStore(), sqliteStore(":memory:")]) {
    await expect(openSession(agent, { provider, store, sessionId })).rejects.toMatchObject(refused);
    await expect(findSession(store, sessionId)).rejects.toMatchObject(refused);
    await store.close();
  }
});

it("shows which id it is, and takes one of as many bytes as a store keeps", async () => {
  const app = sessions({});
  await expect(app.create("a", { id: "order\0" + "4".repeat(50) })).rejects.toThrow(
    `id holds a NUL character, which not every store can keep: "order\\u0000${"4".repeat(34)}…". Take another`,
  );
  const longest = "ä".repeat(600);
  expect((await app.create("a", { id: longest })).id).toBe(longest);
});

it("makes no session of the name under which workers agree on who sweeps", async () => {
  await using app = sessions({});
  await expect(app.create("a", { id: "loophost.sweep" })).rejects.toMatchObject({
    code: "invalid_options",
    message: 'create(): the id "loophost.sweep" is taken by the workers. Take another.',
  });
});
