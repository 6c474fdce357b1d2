// What bounds the host: depths, sizes, what a reader may leave unread, and failures that pass.

import type { Store } from "loophost";
import { LoophostError } from "loophost";
import { openAICompatible } from "loophost/providers/local";
import { memoryStore } from "loophost/stores/memory";
import { faultyStore, manualClock, settleMicrotasks } from "loophost/testing";
import { expect, it } from "vitest";

import { EventLog } from "../../src/server/log/event-log.ts";
import { openStream } from "../../src/server/log/event-stream.ts";
import { wireEvent } from "../../src/server/wire/wire-events.ts";
import { chatReply } from "../providers/local/models/replies.ts";
import { startService, streamed } from "../support/model-service.ts";
import { follow, listed, message, say, startHost } from "./support.ts";

/** A list in a list in a list. */
const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;

it.each([201, 5_000, 100_000])(
  "refuses a post nested %i deep, and nobody's stream ends for it",
  async (depth) => {
    await using server = await startHost(() => "ok");
    const id = await server.session();
    await using stream = await follow(server.client, id);
    const body = `{"events":[{"type":"user.message","content":[{"type":"text","text":"x","deep":${nested(depth)}}]}]}`;
    const refused = await server.raw("POST", `/v1/sessions/${id}/events`, body);
    expect([refused.status, refused.body.error.message]).toEqual([400, expect.stringContaining("deep")]);
    await say(server.client, id, "hi");
    await stream.idle("end_turn");
  },
);

it.each(["input", "reasoning_details"])(
  "ends the turn whose reply is nested deep in its %s, and neither its session's log nor anybody's stream",
  async (where) => {
    const deep = `{"x":${nested(50_000)}}`;
    const call = { tool_calls: [{ index: 0, id: "c1", function: { name: "t", arguments: deep } }] };
    const odd = `data: {"choices":[{"delta":{"content":"x","reasoning_details":[${deep}]},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`;
    const reply = chatReply({ content: "Here." });
    await using service = await startService(
      where === "input" ? chatReply(call, "tool_calls") : streamed(odd),
      reply,
    );
    await using server = await startHost(openAICompatible({ baseUrl: service.url }));
    const id = await server.session(["t"]);
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    await expect.poll(async () => (await listed(server.client, id)).at(-1)?.type).toBe("session.status_idle");
    const use = (await listed(server.client, id)).find(({ type }) => type === "agent.custom_tool_use");
    await say(server.client, id, "hi");
    await stream.idle("end_turn");
    expect(use).toBeUndefined();
  },
);

it("refuses an agent too large to be carried along by every session", async () => {
  await using server = await startHost(() => "ok");
  const tool = {
    type: "custom",
    name: "t",
    description: "x".repeat(2_000_000),
    input_schema: { type: "object" },
  };
  const refused = await server.raw("POST", "/v1/agents", { name: "a", model: "m", tools: [tool] });
  expect([refused.status, refused.body.error.type]).toEqual([413, "request_too_large"]);
});

it.each(["asc", "desc"] as const)(
  "ends a page of large events after some megabytes, and lists them all (%s)",
  async (order) => {
    const texts = Array.from({ length: 6 }, (_, n) => `${n}${"x".repeat(1_500_000)}`);
    await using server = await startHost(() => "ok");
    const id = await server.session();
    for (const text of texts) {
      await using stream = await follow(server.client, id);
      await say(server.client, id, text);
      await stream.idle("end_turn");
    }
    let page: string | null = null;
    const seen: string[] = [];
    do {
      const query = `order=${order}&limit=1000${page === null ? "" : `&page=${page}`}`;
      const { body } = await server.raw("GET", `/v1/sessions/${id}/events?${query}`);
      expect(JSON.stringify(body).length).toBeLessThan(6_000_000);
      for (const event of body.data) if (event.type === "user.message") seen.push(event.content[0].text[0]);
      page = body.next_page;
    } while (page !== null);
    expect(order === "asc" ? seen : seen.toReversed()).toEqual(texts.map((text) => text[0]));
  },
);

it("holds no more than its room for a reader who comes back for a long past and does not read", async () => {
  const log = new EventLog(memoryStore().log, "s", () => undefined);
  for (let n = 0; n < 100; n += 1) log.append(wireEvent("agent.message", { n, big: "x".repeat(100_000) }));
  await log.written();
  const stream = openStream(log, {
    previews: new Set(),
    after: 0,
    clock: manualClock(),
    pingIntervalMs: 15_000,
    eventName: "type",
  });
  await settleMicrotasks();
  const reader = stream.getReader();
  // What is there before anybody asked for more: read without giving the stream time to fetch anything.
  let held = 0;
  const seen: number[] = [];
  const decoder = new TextDecoder();
  for (let first = true; seen.length < 100; first = false) {
    const { value } = await reader.read();
    if (first) held = value?.length ?? 0;
    for (const [, n] of decoder.decode(value).matchAll(/"n":(\d+)/g)) seen.push(Number(n));
  }
  expect(held).toBeLessThan(512 * 1024);
  expect(seen).toEqual(Array.from({ length: 100 }, (_, n) => n));
  await reader.cancel();
});

it("forgets a read that failed as it started: the next request has its session", async () => {
  const store = memoryStore();
  const id = await (async () => {
    await using server = await startHost(() => "ok", { store });
    return await server.session();
  })();
  const broken = faultyStore(store, [{ on: "records.list", nth: 1, how: "fail" }]);
  await using server = await startHost(() => "ok", { store: broken });
  const statuses = [];
  for (let times = 0; times < 3; times += 1)
    statuses.push((await server.raw("GET", `/v1/sessions/${id}`)).status);
  expect(statuses.at(-1)).toBe(200);
  expect((await listed(server.client, id)).length).toBe(0);
});

it("can be read while the disk is full: sessions, lists and events; once there is room a post is taken", async () => {
  const kept = memoryStore();
  let isFull = false;
  const refuse = () => {
    if (isFull) throw new LoophostError("store_failed", "the disk is full");
  };
  const store: Store = {
    ...kept,
    log: {
      ...kept.log,
      claim: async (...given) => (refuse(), kept.log.claim(...given)),
      append: async (...given) => (refuse(), kept.log.append(...given)),
    },
    records: { ...kept.records, put: async (...given) => (refuse(), kept.records.put(...given)) },
  };
  await using server = await startHost(() => "ok", { store });
  const id = await server.session();
  const read = () =>
    Promise.all(["", `/${id}`, `/${id}/events`].map((path) => server.raw("GET", `/v1/sessions${path}`)));
  {
    await using stream = await follow(server.client, id);
    await say(server.client, id, "hi");
    await stream.idle("end_turn");
  }
  const before = await read();
  isFull = true;
  expect((await server.raw("POST", `/v1/sessions/${id}/events`, { events: [message("more")] })).status).toBe(
    500,
  );
  const during = await read();
  expect(during.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(during.map(({ body }) => body)).toEqual(before.map(({ body }) => body));
  isFull = false;
  await using stream = await follow(server.client, id);
  await say(server.client, id, "more");
  await stream.idle("end_turn");
});
