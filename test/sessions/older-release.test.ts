// Sessions as an older release left them.

import type { Json, Store } from "loophost";
import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { readLog } from "loophost/stores/sessions";
import { expect, it } from "vitest";

import { isObject } from "../../src/core/json.ts";
import { served } from "./refunds.ts";

const agents = [served];

/** Writes to a log alone: the older release did not count a call that was stopped as decided, so that its session waited on. */
async function interruptAsBefore(store: Store, id: string): Promise<void> {
  const log: Json[] = await Array.fromAsync(readLog(store, id), ({ entry }) => entry);
  const started = log.find((entry) => isObject(entry) && entry["type"] === "run.started");
  const runId = isObject(started) ? (started["runId"] ?? "") : "";
  const fence = await store.log.claim(id, { owner: "older", ttlMs: 1_000 });
  await store.log.append(id, fence, [
    { type: "interrupted", runId },
    { type: "run.ended", runId, ending: "interrupted", stopReason: null },
  ]);
  await store.log.release(id, fence);
}

it("goes on with a message that denies what waits, where a call that was stopped seems to wait", async () => {
  const store = memoryStore();
  await using app = sessions({ store, agents });
  const worker = await app.work();
  const chat = await app.create("a");
  await chat.send("call refund {}");
  expect(await chat.result()).toMatchObject({ terminal: "requires_action" });
  await worker.drain();
  await interruptAsBefore(store, chat.id);
  await chat.send("say hello");
  expect(await chat.summary()).toMatchObject({ status: "waiting", waiting: ["call_1_0"] });
  await app.work();
  await chat.send("say again", { ifOpen: "deny" });
  await expect.poll(() => chat.summary()).toMatchObject({ status: "idle", runs: 3, waiting: [] });
  expect(await chat.result()).toMatchObject({ text: "again" });
  const told = await Array.fromAsync(chat.follow({ untilIdle: true }));
  const said = told.flatMap((event) => (event.type === "message" ? [event.text] : []));
  expect(said.slice(-2)).toEqual(["hello", "again"]);
});
