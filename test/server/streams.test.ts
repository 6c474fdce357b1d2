// The event stream: previews, signs of life, coming back, slow readers, and what stands on the wire itself.

import { memoryStore } from "loophost/stores/memory";
import { manualClock, settleMicrotasks } from "loophost/testing";
import { describe, expect, it } from "vitest";

import { EventLog } from "../../src/server/log/event-log.ts";
import { openStream } from "../../src/server/log/event-stream.ts";
import { wireEvent } from "../../src/server/wire/wire-events.ts";
import type { SeenEvent } from "./support.ts";
import { follow, gate, say, scripted, startHost } from "./support.ts";

function isDelta(frame: string): boolean {
  return frame.startsWith("event: event_delta");
}

/** Reads frames of a response until there are as many as wanted, or it ends. */
async function frames(response: Response | ReadableStream<Uint8Array>, wanted: number): Promise<string[]> {
  const body = response instanceof Response ? response.body : response;
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of body ?? []) {
    text += decoder.decode(bytes, { stream: true });
    if (text.split("\n\n").length > wanted) break;
  }
  return text.split("\n\n").slice(0, wanted);
}

describe("previews", () => {
  const thoughtful = scripted(async function* () {
    yield { type: "thinking", text: "hm" };
    yield { type: "text", text: "It " };
    yield { type: "text", text: "is 5." };
  });

  it("go to the streams that asked, under the id of the whole event [S7-deltas]", async () => {
    await using server = await startHost(thoughtful);
    const id = await server.session();
    await using plain = await follow(server.client, id);
    await using eager = await follow(server.client, id, {
      event_deltas: ["agent.message", "agent.thinking"],
    });
    await say(server.client, id, "go");
    await Promise.all([plain.idle("end_turn"), eager.idle("end_turn")]);

    expect(plain.types()).not.toContain("event_delta");
    expect(eager.types().slice(4, 10)).toEqual([
      "event_start",
      "agent.thinking",
      "event_start",
      "event_delta",
      "event_delta",
      "agent.message",
    ]);
    const whole = await eager.until("agent.message");
    const started = eager.events
      .filter(({ type }) => type === "event_start")
      .map(({ event }) => (event as SeenEvent).id);
    expect(started).toEqual([(await eager.until("agent.thinking")).id, whole.id]);
    const deltas = eager.events.filter(({ type }) => type === "event_delta");
    expect(deltas.map((delta) => delta["event_id"])).toEqual([whole.id, whole.id]);
    expect(deltas[1]).toMatchObject({
      delta: { type: "content_delta", content: { type: "text", text: "is 5." } },
    });
    // Kept nowhere.
    const kept = await server.client.beta.sessions.events.list(id);
    expect(kept.data.map(({ type }) => type as string)).not.toContain("event_delta");
  });

  it("never begin in the middle: a stream that opens late waits for the whole event", async () => {
    const [opened, release] = [gate(), gate()];
    await using server = await startHost(
      scripted(async function* () {
        yield { type: "text", text: "early " };
        opened.open();
        await release.opened;
        yield { type: "text", text: "late" };
      }),
    );
    const id = await server.session();
    await say(server.client, id, "go");
    await opened.opened;
    await using late = await follow(server.client, id, { event_deltas: ["agent.message"] });
    release.open();
    await late.idle("end_turn");
    expect(late.types()).not.toContain("event_delta");
    expect(await late.until("agent.message")).toMatchObject({ content: [{ text: "early late" }] });
  });

  it("of what is not previewed are refused", async () => {
    await using server = await startHost(scripted());
    const id = await server.session();
    const { status, body } = await server.raw(
      "GET",
      `/v1/sessions/${id}/events/stream?event_deltas[]=agent.tool_use`,
    );
    expect([status, body.error.type]).toEqual([400, "invalid_request_error"]);
  });
});

describe("the wire", () => {
  it("names each event, numbers it and puts its data on one line [F3-event-lines] [S7-2]", async () => {
    await using server = await startHost(scripted("two\nlines"));
    const id = await server.session();
    const response = await fetch(`${server.url}/v1/sessions/${id}/events/stream`);
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    await say(server.client, id, "go");
    const seen = await frames(response, 9);
    for (const [index, frame] of seen.entries()) {
      const [number, name, data, ...rest] = frame.split("\n");
      expect(number).toBe(`id: ${index + 1}`);
      expect(name).toBe(`event: ${JSON.parse((data ?? "").slice(6)).type}`);
      expect(rest).toEqual([]);
    }
    expect(seen.at(-1)).toContain("session.status_idle");
  });

  it("can call every event a message, for clients that filter by name [S7-2]", async () => {
    await using server = await startHost(scripted("ok"), { eventName: "message" });
    const id = await server.session();
    const response = await fetch(`${server.url}/v1/sessions/${id}/events/stream`);
    await say(server.client, id, "go");
    expect(new Set((await frames(response, 9)).map((frame) => frame.split("\n")[1]))).toEqual(
      new Set(["event: message"]),
    );
  });

  it("comes back with what was missed, and then goes on live, when Last-Event-ID is sent [S7-2]", async () => {
    await using server = await startHost(() => "ok");
    const id = await server.session();
    await using stream = await follow(server.client, id);
    await say(server.client, id, "one");
    await stream.idle("end_turn");
    const response = await fetch(`${server.url}/v1/sessions/${id}/events/stream`, {
      headers: { "last-event-id": "4" },
    });
    await say(server.client, id, "two");
    const seen = await frames(response, 14);
    expect(seen.map((frame) => frame.split("\n")[0])).toEqual(
      Array.from({ length: 14 }, (_, index) => `id: ${index + 5}`),
    );
  });

  it("shows only what happens after it opened, when it is not [F3-live-tail]", async () => {
    await using server = await startHost(() => "ok");
    const id = await server.session();
    await using first = await follow(server.client, id);
    await say(server.client, id, "one");
    await first.idle("end_turn");
    await using second = await follow(server.client, id);
    await say(server.client, id, "two");
    await second.idle("end_turn");
    expect(second.events).toHaveLength(9);
  });

  it("gives a sign of life while nothing happens, and stops when the reader leaves [S7-2] [I10]", async () => {
    const clock = manualClock();
    const log = new EventLog(memoryStore().log, "s", () => undefined);
    const stream = openStream(log, {
      previews: new Set(),
      after: undefined,
      clock,
      pingIntervalMs: 15_000,
      eventName: "type",
    });
    const reader = stream.getReader();
    await clock.advance(30_000);
    for (let count = 0; count < 2; count += 1) {
      const { value } = await reader.read();
      expect(new TextDecoder().decode(value)).toBe('event: ping\ndata: {"type":"ping"}\n\n');
    }
    await reader.cancel();
    expect(clock.waiting).toBe(0);
    expect(log.isQuiet).toBe(true);
  });
});

describe("a slow reader", () => {
  const big = "x".repeat(50_000);

  it("costs no more than its room, and misses nothing in the end [I10]", async () => {
    const log = new EventLog(memoryStore().log, "s", () => undefined);
    const stream = openStream(log, {
      previews: new Set(["agent.message"]),
      after: undefined,
      clock: manualClock(),
      pingIntervalMs: 15_000,
      eventName: "type",
    });
    log.preview({ type: "event_start", event: { type: "agent.message", id: "m" } });
    const delta = {
      type: "event_delta",
      event_id: "m",
      delta: { type: "content_delta", index: 0, content: { type: "text", text: big } },
    } as const;
    for (let count = 0; count < 20; count += 1) log.preview(delta);
    for (let count = 0; count < 200; count += 1) log.append(wireEvent("agent.message", { count, big }));
    await log.written();
    await settleMicrotasks();

    const reader = stream.getReader();
    const next = async () => new TextDecoder().decode((await reader.read()).value);
    const seen: string[] = [];
    while (seen.filter((frame) => frame.includes('"count"')).length < 200)
      seen.push((await next()).slice(0, 200));
    const counts = seen.flatMap((frame) => /"count":(\d+)/.exec(frame)?.[1] ?? []);
    expect(counts).toEqual(Array.from({ length: 200 }, (_, count) => String(count)));
    const deltas = seen.filter(isDelta).length;
    expect(deltas).toBeGreaterThan(0);
    expect(deltas).toBeLessThan(20);
    // The first ones, right after the start, and none after a gap.
    expect(seen.findLastIndex(isDelta)).toBe(deltas);

    // And it is live again.
    log.append(wireEvent("session.status_idle"));
    expect(await next()).toContain("session.status_idle");
  });
});
