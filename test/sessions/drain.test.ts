// A worker that stops, and one whose runs fail: what it still begins, and what it leaves to others.

import { setTimeout } from "node:timers/promises";

import { defineAgent, LoophostError } from "loophost";
import type { ModelFunction } from "loophost/providers/local";
import { local } from "loophost/providers/local";
import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { readLog } from "loophost/stores/sessions";
import { expect, it } from "vitest";

import { aroundStore } from "../../src/testing/faults/around-store.ts";

const agent = defineAgent({ name: "a", instructions: "" });

it("begins no further message once it drains, and finishes the reply under way", async () => {
  const store = memoryStore();
  const asked = Promise.withResolvers<void>();
  const mayAnswer = Promise.withResolvers<void>();
  const model: ModelFunction = async () => {
    asked.resolve();
    await mayAnswer.promise;
    return "done";
  };
  await using app = sessions({ store, agents: [{ agent, provider: local({ model }) }] });
  const chat = await app.create("a");
  await chat.send("one");
  await chat.send("two");
  const worker = await app.work();
  await asked.promise;
  const drained = worker.drain({ graceMs: 10_000 });
  mayAnswer.resolve();
  await drained;
  const entries = await readAll();
  expect(entries.filter((type) => type === "run.started")).toHaveLength(1);
  expect(await store.inbox.read(chat.id, 10)).toHaveLength(1);

  async function readAll(): Promise<readonly string[]> {
    const types: string[] = [];
    for await (const { entry } of readLog(store, chat.id)) types.push((entry as { type: string }).type);
    return types;
  }
});

it("says nothing of a session it was opening when it was told to stop", async () => {
  const errors: string[] = [];
  const opening = Promise.withResolvers<void>();
  const provider = {
    ...local({ model: () => "never" }),
    open: () => {
      opening.resolve();
      return new Promise<never>(() => undefined);
    },
  };
  await using app = sessions({
    agents: [{ agent, provider }],
    onError: (error) => errors.push(error.message),
  });
  const chat = await app.create("a");
  await chat.send("one");
  const worker = await app.work();
  await opening.promise;
  await worker.drain({ graceMs: 10_000 });
  expect(errors).toEqual([]);
});

it("goes on with the next message after a run that its model failed", async () => {
  const errors: string[] = [];
  const model: ModelFunction = ({ messages }) => {
    if (messages.length === 1) throw new Error("no model today");
    return "done";
  };
  await using app = sessions({
    agents: [{ agent, provider: local({ model }) }],
    onError: (error) => errors.push(error.message),
  });
  const chat = await app.create("a");
  await chat.send("one");
  await chat.send("two");
  await app.work();
  expect(await chat.result()).toMatchObject({ text: "done" });
  expect(errors).toEqual([]);
});

it("has let go of a session it was opening by the time it has drained, also over a slow store", async () => {
  const whole = memoryStore();
  let pauseMs = 0;
  const slow = aroundStore(whole, async (_, work) => {
    await setTimeout(pauseMs);
    return work();
  });
  const opening = Promise.withResolvers<void>();
  const provider = {
    ...local({ model: () => "never" }),
    open: () => {
      opening.resolve();
      return new Promise<never>(() => undefined);
    },
  };
  await using app = sessions({
    store: { ...slow, close: () => whole.close() },
    agents: [{ agent, provider }],
  });
  const chat = await app.create("a");
  await chat.send("one");
  const worker = await app.work();
  await opening.promise;
  await expect(whole.log.claim(chat.id, { owner: "another", ttlMs: 60_000 })).rejects.toThrow(LoophostError);
  pauseMs = 30;
  await worker.drain({ graceMs: 1 });
  expect(worker.active).toBe(0);
  expect(await whole.log.claim(chat.id, { owner: "another", ttlMs: 60_000 })).toBeGreaterThan(0);
});
