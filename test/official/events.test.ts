// A session's events, sent, listed, streamed and previewed by each release of the official SDK.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { describe, expect, it } from "vitest";

import type { SeenEvent } from "../server/support.ts";
import { gate, message, scripted } from "../server/support.ts";
import { EVENT_NAMES } from "./event-names.ts";
import { RELEASES } from "./releases.ts";
import { gather, logOf, serve } from "./support.ts";

describe.each(RELEASES)("the official SDK $version", (release) => {
  const isKnown = ({ type }: { readonly type: string }) => !release.drops.includes(type);

  it("sends a message, and streams the turn as it is listed afterwards [S7-sdk]", async () => {
    await using server = await serve(release, scripted("Hello."));
    const id = await server.session();
    await using stream = await server.follow(id);
    const { data } = await server.client.beta.sessions.events.send(id, { events: [message("Hi")] });
    expect(data).toMatchObject([{ type: "user.message", id: expect.any(String) }]);
    await stream.idle("end_turn");
    const log = await logOf(server.client, id);
    expect(log.map(({ type }) => type)).toContain("session.usage");
    expect(stream.events).toEqual(log.filter(isKnown));
  });

  it("streams everything when each event is called a message [S7-sdk]", async () => {
    await using server = await serve(release, scripted("Hello."), { eventName: "message" });
    const id = await server.session();
    await using stream = await server.follow(id);
    await server.client.beta.sessions.events.send(id, { events: [message("Hi")] });
    await stream.idle("end_turn");
    expect(stream.events).toEqual(await logOf(server.client, id));
  });

  it("drops what it has no name for, and nothing else [S7-sdk]", async () => {
    await using server = await oneOfEach("type");
    const client = new release.Anthropic({ baseURL: server.url, apiKey: "any" });
    const seen = await gather(await client.beta.sessions.events.stream("sesn_1"));
    expect(seen.map(({ type }) => type)).toEqual(EVENT_NAMES.filter((type) => isKnown({ type })));
  });

  it("drops nothing that is called a message [S7-sdk]", async () => {
    await using server = await oneOfEach("message");
    const client = new release.Anthropic({ baseURL: server.url, apiKey: "any" });
    const seen = await gather(await client.beta.sessions.events.stream("sesn_1"));
    expect(seen.map(({ type }) => type)).toEqual(EVENT_NAMES);
  });

  it("lists events in either order, page by page, and by type [S7-sdk]", async () => {
    await using server = await serve(release, scripted("Hello.", "Hello again."));
    const id = await server.session();
    const { events } = server.client.beta.sessions;
    await using stream = await server.follow(id);
    await events.send(id, { events: [message("Hi")] });
    await stream.idle("end_turn");
    await events.send(id, { events: [message("Hi again")] });
    await stream.idle("end_turn", stream.events.length);

    const up = await gather(events.list(id, { limit: 4 }));
    const down = await gather(events.list(id, { limit: 4, order: "desc" }));
    expect(up).toHaveLength(18);
    expect(down).toEqual(up.toReversed());
    const types = ["agent.message", "user.message"] as const;
    const some = await gather(events.list(id, { limit: 1, types: [...types] }));
    expect(some.map(({ type }) => type)).toEqual([...types, ...types].toReversed());
  });

  it("reads the one thread of a session as it reads the session [S7-sdk]", async () => {
    await using server = await serve(release, scripted("Hello."));
    const id = await server.session();
    const { events, threads } = server.client.beta.sessions;
    await using stream = await server.follow(id);
    const [thread] = await gather(threads.list(id));
    const ofThread = await threads.events.stream(thread?.id ?? "", { session_id: id });
    await events.send(id, { events: [message("Hi")] });
    await stream.idle("end_turn");
    for await (const event of ofThread) if (event.type === "session.status_idle") break;
    const known = await threads.retrieve(thread?.id ?? "", { session_id: id });
    expect(known).toMatchObject({ type: "session_thread", session_id: id, status: "idle" });
    const listed = await gather(threads.events.list(thread?.id ?? "", { session_id: id, limit: 4 }));
    expect(listed).toEqual(await logOf(server.client, id));
  });

  it("puts previews together to the message that follows [S7-sdk]", async () => {
    await using server = await serve(
      release,
      scripted(async function* () {
        yield { type: "text", text: "It " };
        yield { type: "text", text: "is " };
        yield { type: "text", text: "5." };
      }),
    );
    const id = await server.session();
    const stream = await server.client.beta.sessions.events.stream(id, { event_deltas: ["agent.message"] });
    await server.client.beta.sessions.events.send(id, { events: [message("2+3?")] });
    const previews: string[] = [];
    let whole: ReturnType<typeof release.accumulate>;
    for await (const event of stream) {
      whole = release.accumulate(whole, event);
      if (event.type === "event_delta") previews.push(JSON.stringify(whole?.content));
      if (event.type === "session.status_idle") break;
    }
    expect(previews).toHaveLength(3);
    expect(previews.at(-1)).toBe(JSON.stringify([{ type: "text", text: "It is 5." }]));
    const log = await logOf(server.client, id);
    expect(whole).toEqual(log.find(({ type }) => type === "agent.message"));
  });

  it("lets go of a stream by abort or break, and the session goes on [S7-sdk]", async () => {
    const asked = gate();
    const reply = gate();
    await using server = await serve(release, async () => {
      asked.open();
      await reply.opened;
      return "Here I am.";
    });
    const id = await server.session();
    const { events } = server.client.beta.sessions;
    const aborted = await events.stream(id);
    await events.send(id, { events: [message("Hi")] });
    await asked.opened;
    const seen: string[] = [];
    for await (const event of aborted) {
      seen.push(event.type);
      aborted.controller.abort();
    }
    expect(seen).not.toContain("session.status_idle");
    const left = await events.stream(id);
    reply.open();
    for await (const event of left) if (event.type === "agent.message") break;
    await using late = await server.follow(id);
    await events.send(id, { events: [message("Still there?")] });
    expect(await late.idle("end_turn")).toBeDefined();
  });
});

/** A server whose streams tell one event of each name, and end. */
async function oneOfEach(eventName: "type" | "message"): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const [index, type] of EVENT_NAMES.entries()) {
      const event: SeenEvent = { id: `sevt_${index}`, type };
      const name = eventName === "type" ? type : "message";
      response.write(`event: ${name}\ndata: ${JSON.stringify(event)}\n\n`);
    }
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
