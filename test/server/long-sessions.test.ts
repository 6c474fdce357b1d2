// Sessions with a long past, and turns of many calls: what a message, and an answer, costs there.

import type { JsonObject, Store } from "loophost";
import { memoryStore } from "loophost/stores/memory";
import { expect, it } from "vitest";

import type { ModelRequest } from "../../src/providers/local/models/function-model.ts";
import { EventLog } from "../../src/server/log/event-log.ts";
import { ConversationCache } from "../../src/server/session/conversation-cache.ts";
import { wireEvent } from "../../src/server/wire/wire-events.ts";
import { answer, call, follow, gate, listed, say, scripted, startHost, stopOf } from "./support.ts";

/** A store that counts the entries that are read from it. */
function counted(store: Store): { readonly store: Store; readonly taken: () => number } {
  let count = 0;
  const log: Store["log"] = {
    ...store.log,
    async read(id, after, limit) {
      const entries = await store.log.read(id, after, limit);
      count += entries.length;
      return entries;
    },
  };
  return {
    store: { ...store, log },
    taken() {
      const before = count;
      count = 0;
      return before;
    },
  };
}

const userMessage = (text: string): JsonObject =>
  wireEvent("user.message", { content: [{ type: "text", text }] });

const noFiles = () => Promise.reject(new Error("no files here"));

it("reads a long past once: the messages after that cost what is new, also when the session left memory between", async () => {
  const kept = memoryStore();
  const { store, taken } = counted(kept);
  const asked: number[] = [];
  await using server = await startHost(
    ({ messages }) => {
      asked.push(messages.length);
      return "ok";
    },
    { store },
  );
  const id = await server.session();
  const past = Array.from({ length: 20_000 }, (_, n) => (n % 20 === 0 ? userMessage(`${n}`) : userSilence()));
  const lease = { owner: "the past", ttlMs: Number.POSITIVE_INFINITY, force: true };
  await kept.log.append(`host/${id}`, await kept.log.claim(`host/${id}`, lease), past);

  const read: number[] = [];
  for (const text of ["one", "two", "three"]) {
    taken();
    await using stream = await follow(server.client, id);
    await say(server.client, id, text);
    await stream.idle("end_turn");
    read.push(taken());
  }
  expect(asked).toEqual([1_001, 1_003, 1_005]);
  expect(read[0]).toBeGreaterThan(20_000);
  for (const later of read.slice(1)) expect(later).toBeLessThan(100);
});

it("reads at its start the sessions that are at work, and none that waits for a client", async () => {
  const store = memoryStore();
  const silence = gate<string>();
  const one = await startHost(
    scripted([call("c1", "a")], () => silence.opened),
    { store },
  );
  const [waiting, atWork] = [await one.session(["a"]), await one.session(["a"])];
  for (const id of [waiting, atWork]) {
    await using stream = await follow(one.client, id);
    await say(one.client, id, "go");
    const idle = await stream.idle("requires_action");
    const [use] = (idle["stop_reason"] as { event_ids: string[] }).event_ids;
    if (id === waiting) continue;
    await one.client.beta.sessions.events.send(id, { events: [answer(use, "42")] });
    await stream.until("span.model_request_start", stream.events.length);
  }
  await one.host.close();

  const read = new Set<string>();
  const log: Store["log"] = {
    ...store.log,
    read(id, ...range) {
      read.add(id);
      return store.log.read(id, ...range);
    },
  };
  await using two = await startHost(scripted("", "done"), { store: { ...store, log } });
  await expect
    .poll(async () => (await two.client.beta.sessions.list({ statuses: ["running"] })).data)
    .toEqual([]);
  expect([...read]).toEqual([`host/${atWork}`]);
  const [use = ""] = (await listed(two.client, waiting)).flatMap(({ type, id }) =>
    type === "agent.custom_tool_use" && id !== undefined ? [id] : [],
  );
  await using stream = await follow(two.client, waiting);
  await two.client.beta.sessions.events.send(waiting, { events: [answer(use, "42")] });
  await stream.idle("end_turn");
});

/** An event no model is told of. */
function userSilence(): JsonObject {
  return wireEvent("session.thread_status_idle");
}

it("after a start reads what came after the last snapshot, whose conversation is that of the log", async () => {
  const kept = memoryStore();
  const seen: string[] = [];
  const model = ({ messages }: ModelRequest) => {
    seen.push(JSON.stringify(messages));
    return messages.at(-1)?.role === "tool" ? "done" : [call(`c${seen.length}`, "a")];
  };
  const { store, taken } = counted(kept);
  let id = "";
  const read: number[] = [];
  for (let start = 0; start < 3; start += 1) {
    await using server = await startHost(model, { store });
    if (id === "") {
      id = await server.session(["a"]);
      const fence = await kept.log.claim(`host/${id}`, { owner: "the past", ttlMs: 1, force: true });
      const past = Array.from({ length: 3_000 }, (_, n) =>
        n % 20 === 0 ? userMessage(`${n}`) : userSilence(),
      );
      await kept.log.append(`host/${id}`, fence, past);
    }
    taken();
    await using stream = await follow(server.client, id);
    await say(server.client, id, `message ${start}`);
    const idle = await stream.idle("requires_action");
    read.push(taken());
    const [use] = (idle["stop_reason"] as { event_ids: string[] }).event_ids;
    await server.client.beta.sessions.events.send(id, { events: [answer(use, "42")] });
    await stream.idle("end_turn");
  }
  expect(read[0]).toBeGreaterThan(3_000);
  for (const later of read.slice(1)) expect(later).toBeLessThan(100);
  const log = new EventLog(kept.log, id, () => undefined);
  const whole = await new ConversationCache(memoryStore().records).read(id, log, noFiles);
  expect(seen.at(-1)).toBe(JSON.stringify(whole.slice(0, -1)));
  await using server = await startHost(model, { store });
  await server.client.beta.sessions.delete(id);
  expect(await kept.records.list("host.conversations", "", 10)).toEqual([]);
});

it("lets timers and leases have their turn while it reads a long log", async () => {
  const { log: store } = memoryStore();
  const fence = await store.claim("host/s", { owner: "o", ttlMs: 1 });
  await store.append("host/s", fence, Array.from({ length: 2_000 }, userSilence));
  let turns = 0;
  const timer = setInterval(() => (turns += 1), 0);
  let events = 0;
  for await (const { seq } of new EventLog(store, "s", () => undefined).readAll(100))
    events += Number(seq > 0);
  clearInterval(timer);
  expect(events).toBe(1_900);
  expect(turns).toBeGreaterThan(0);
});

it("keeps the conversations that were used last, within its room, and reads the others again", async () => {
  const { log: store } = memoryStore();
  const cache = new ConversationCache(memoryStore().records, 2_500);
  const logs = new Map(
    await Promise.all(
      ["a", "b", "c"].map(async (id) => {
        const fence = await store.claim(`host/${id}`, { owner: "o", ttlMs: 1 });
        await store.append(`host/${id}`, fence, [userMessage(id.repeat(1_000))]);
        return [id, new EventLog(store, id, () => undefined)] as const;
      }),
    ),
  );
  for (const id of ["a", "b", "a", "c", "b", "a"]) {
    const log = logs.get(id);
    if (log === undefined) throw new Error("no log");
    // Two at once, as when a run is begun again while it begins: neither hears anything twice.
    const [one, two] = await Promise.all([cache.read(id, log, noFiles), cache.read(id, log, noFiles)]);
    const content = [{ type: "text", text: id.repeat(1_000) }];
    expect([one, two]).toEqual([[{ role: "user", content }], [{ role: "user", content }]]);
    expect(cache.chars).toBeLessThanOrEqual(2_500);
  }
  for (const id of logs.keys()) cache.forget(id);
  expect(cache.chars).toBe(0);
});

it("tells what is missing of many calls rarely, of few each time: the log does not grow with the square", async () => {
  const calls = Array.from({ length: 300 }, (_, n) => call(`c${n}`, "t"));
  await using server = await startHost(scripted(calls, "done"));
  const id = await server.session(["t"]);
  await using stream = await follow(server.client, id);
  await say(server.client, id, "go");
  const idle = await stream.idle("requires_action");
  const { event_ids: ids } = idle["stop_reason"] as { event_ids: string[] };
  for (const one of ids)
    await server.raw("POST", `/v1/sessions/${id}/events`, { events: [answer(one, "done")] });
  await stream.idle("end_turn");
  const idles = stream.events.filter((event) => event.type === "session.status_idle");
  const missing = idles
    .filter((event) => stopOf(event) === "requires_action")
    .map((event) => (event["stop_reason"] as { event_ids: string[] }).event_ids.length);
  expect(missing).toEqual([300, 150, 75, 37, 18, ...Array.from({ length: 16 }, (_, n) => 16 - n)]);
  expect((await listed(server.client, id)).length).toBe(stream.events.length);
});

it("never tells a duration below zero, nor one that shrinks", async () => {
  const store = memoryStore();
  await using server = await startHost(() => "ok", { store });
  const id = await server.session();
  const record = (await store.records.get("host.sessions", id)) as JsonObject;
  const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
  await store.records.put("host.sessions", id, { ...record, created_at: inAnHour });
  await using stream = await follow(server.client, id);
  await say(server.client, id, "hi");
  await stream.idle("end_turn");
  expect((await server.client.beta.sessions.retrieve(id)).stats.duration_seconds).toBe(0);
});

it("contains an onError whose promise rejects", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", note);
  let told = 0;
  const onError = (): unknown => {
    told += 1;
    return Promise.reject(new Error("the logger is down"));
  };
  await using server = await startHost(() => Promise.reject(new Error("no model")), { onError });
  const id = await server.session();
  await using stream = await follow(server.client, id);
  await say(server.client, id, "hi");
  await stream.idle("retries_exhausted");
  // Unhandled rejections are told after the microtasks of their turn.
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", note);
  expect([told, unhandled]).toEqual([1, []]);
});
