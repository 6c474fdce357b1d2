// Replies of servers that are no servers of this wire, or that lose and damage what they send.

import { defineAgent, openSession, run } from "loophost";
import { claude } from "loophost/providers/claude";
import { expect, it } from "vitest";

import { startOtherServer } from "./other-server.ts";

const agent = defineAgent({ name: "a", instructions: "", model: "m", limits: { runTimeoutMs: 5_000 } });

/** A server of which some requests are answered otherwise. */
async function answering(
  other: (request: Request, count: number) => Response | undefined | Promise<Response>,
) {
  const server = await startOtherServer();
  const asked: string[] = [];
  const through: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const { pathname, search } = new URL(request.url);
    asked.push(`${request.method} ${pathname}${search}`);
    return (await other(request, asked.length)) ?? fetch(request);
  };
  const provider = claude({ baseUrl: server.url, apiKey: "key", fetch: through, retry: { firstDelayMs: 1 } });
  return { server, asked, provider };
}

const isStream = ({ url }: Request) => url.includes("/events/stream");

it.each([
  ["garbage", "data: ~~~\n\n", "text/event-stream"],
  ["a web page", "<!doctype html>\n\n", "text/html; charset=utf-8"],
])("a stream of %s is no event stream, and is not opened until the deadline", async (_what, body, type) => {
  const { server, asked, provider } = await answering((request) =>
    isStream(request) ? new Response(body, { headers: { "content-type": type } }) : undefined,
  );
  await using _ = server;
  await expect(run(agent, { provider, prompt: "wait" })).rejects.toMatchObject({ code: "host_protocol" });
  expect(asked.filter((line) => line.includes("/events/stream")).length).toBeLessThan(6);
});

it("one damaged frame is a damaged frame", async () => {
  let damaged = 0;
  const { server, provider } = await answering((request) =>
    isStream(request) && (damaged += 1) === 1 ? new Response('data: {"type":"agen\n\n') : undefined,
  );
  await using _ = server;
  expect((await run(agent, { provider, prompt: "hello" })).text).toBe("You said hello.");
});

it.each([
  ["an item without an id", { data: [{ type: "agent.message", content: [] }] }],
  ["an item that is no event", { data: ["hello"] }],
])("%s in a list is host_protocol with what was seen", async (_what, list) => {
  const { server, provider } = await answering((request) =>
    request.method === "GET" && /\/events(\?|$)/.test(request.url) ? Response.json(list) : undefined,
  );
  await using _ = server;
  await expect(openSession(agent, { provider, sessionId: "sess_1" })).rejects.toMatchObject({
    code: "host_protocol",
    message: expect.stringContaining("no event with a type and an id"),
  });
});

it("a web page in place of the API is said to be one, at once", async () => {
  const { server, asked, provider } = await answering(() =>
    Promise.resolve(new Response("<html>Sign in</html>", { headers: { "content-type": "text/html" } })),
  );
  await using _ = server;
  await expect(run(agent, { provider, prompt: "hello" })).rejects.toMatchObject({
    code: "host_protocol",
    message: expect.stringMatching(/a web page, not the API. Check baseUrl/),
  });
  expect(asked.length).toBeLessThan(3);
});

it("a session whose creation was answered into nowhere is found in small pages", async () => {
  const made: Record<string, unknown>[] = [];
  const { server, asked, provider } = await answering(async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== "/v1/sessions") return undefined as unknown as Response;
    if (request.method === "POST") {
      made.push({ ...(JSON.parse(await request.text()) as object), id: "sess_9" });
      throw new TypeError("fetch failed");
    }
    // A bad line: only short replies come through.
    if (Number(searchParams.get("limit")) > 5) throw new TypeError("terminated");
    return Response.json({ data: made, has_more: false });
  });
  await using _ = server;
  const session = await openSession(agent, { provider });
  expect(session.id).toBe("sess_9");
  await session.close();
  expect(asked.filter((line) => line === "POST /v1/sessions").length).toBe(1);
});

it("a message whose post is answered without end was taken, once", async () => {
  const { server, provider } = await answering((request) => {
    if (request.method !== "POST" || !request.url.endsWith("/events")) return undefined;
    return fetch(request).then((reply) => {
      const endless = new ReadableStream({ pull: (to) => to.enqueue(new Uint8Array(2 ** 20).fill(32)) });
      return new Response(endless, reply);
    });
  });
  await using _ = server;
  expect((await run(agent, { provider, prompt: "hello" })).text).toBe("You said hello.");
  expect(server.heard).toEqual(["hello"]);
});

it("an abort while a session opens ends its requests, too", async () => {
  const underWay: AbortSignal[] = [];
  const { server, provider } = await answering((request) => {
    underWay.push(request.signal);
    return new Promise<Response>((_, reject) =>
      request.signal.addEventListener("abort", () => reject(request.signal.reason)),
    );
  });
  await using _ = server;
  const stop = new AbortController();
  const opening = openSession(agent, { provider, signal: stop.signal });
  while (underWay.length === 0) await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  await expect(opening).rejects.toMatchObject({ code: "aborted" });
  expect(underWay.every(({ aborted }) => aborted)).toBe(true);
});
