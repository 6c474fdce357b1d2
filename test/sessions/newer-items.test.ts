// What only a newer release knows how to do, asked of a session that workers of this one run: it is left to newer workers, and nothing else waits for it.

import type { Json, Store } from "loophost";
import type { Sessions } from "loophost/sessions";
import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { readLog } from "loophost/stores/sessions";
import { manualClock } from "loophost/testing";
import { expect, it } from "vitest";

import { isObject } from "../../src/core/json.ts";
import { served } from "./refunds.ts";

const agents = [served];

/** A worker of this release by a clock of its own, and what it told of. */
async function olderWorker(store: Store) {
  const clock = manualClock();
  const told: string[] = [];
  const onError = ({ code, message }: Error & { code: string }) => told.push(`${code}: ${message}`);
  const app = sessions({ store, clock, agents, onError, pollMs: 1_000 });
  await app.work();
  return { app, clock, told };
}

/** The application as the newer release runs it: it knows what the item asks for. */
function newer(store: Store): Sessions {
  const read: Store["inbox"]["read"] = async (...how) => {
    const items = await store.inbox.read(...how);
    return items.map((item) => ({ ...item, body: translated(item.body) }));
  };
  return sessions({ store: { ...store, inbox: { ...store.inbox, read } }, agents });
}

function translated(body: Json): Json {
  const isNewer = isObject(body) && (body["ask"] === "whisper" || body["needs"] === 99);
  return isNewer ? { ask: "message", prompt: "say newer" } : body;
}

async function refusals(store: Store): Promise<number> {
  const entries = await Array.fromAsync(readLog(store, "s"), ({ entry }) => JSON.stringify(entry));
  return entries.filter((entry) => entry.includes("item.refused")).length;
}

it.each<Json>([
  { ask: "whisper", words: "psst" },
  { ask: "message", prompt: "say nonsense", needs: 99 },
])("leaves %j to newer workers, does what it knows, and says so once", async (body) => {
  const store = memoryStore();
  const { app, clock, told } = await olderWorker(store);
  await using _ = app;
  const chat = await app.create("a", { id: "s" });
  await store.inbox.post("s", { key: "newer", body });
  for (const [index, word] of ["one", "two"].entries()) {
    await chat.send(`say ${word}`);
    await expect.poll(async () => (await chat.summary())?.runs).toBe(index + 1);
    for (let look = 0; look < 6; look += 1) await clock.advance(1_000);
  }
  expect((await store.inbox.read("s", 10)).map(({ key }) => key)).toEqual(["newer"]);
  expect(await refusals(store)).toBe(0);
  expect(told).toEqual([expect.stringMatching(/^store_failed: .*session s.*newer/)]);
  const result = chat.result();
  await using other = newer(store);
  await other.work();
  await expect.poll(async () => (await chat.summary())?.runs).toBe(3);
  await clock.advance(1_000);
  expect(await result).toMatchObject({ text: "newer" });
  expect(await store.inbox.read("s", 10)).toEqual([]);
});

it("decides about a call behind such an item", async () => {
  const store = memoryStore();
  const { app, clock } = await olderWorker(store);
  await using _ = app;
  const chat = await app.create("a", { id: "s" });
  await chat.send("call refund {}");
  await expect.poll(async () => (await chat.summary())?.waiting).toEqual(["call_1_0"]);
  await store.inbox.post("s", { key: "newer", body: { ask: "whisper" } });
  for (let look = 0; look < 6; look += 1) await clock.advance(1_000);
  expect(await chat.approve("call_1_0")).toMatchObject({ applied: true });
  await expect.poll(async () => (await chat.summary())?.status).toBe("idle");
  expect(await store.inbox.read("s", 10)).toHaveLength(1);
});
