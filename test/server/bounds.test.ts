// What bounds the host: depths, sizes, what a reader may leave unread, and failures that pass.

import { memoryStore } from "loophost/stores/memory";
import { faultyStore, manualClock, settleMicrotasks } from "loophost/testing";
import { expect, it } from "vitest";

import { EventLog } from "../../src/server/log/event-log.ts";
import { openStream } from "../../src/server/log/event-stream.ts";
import { wireEvent } from "../../src/server/wire/wire-events.ts";
import { follow, listed, say, startHost } from "./support.ts";

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
