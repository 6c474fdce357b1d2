// What the control plane repeats, and what it never does, over real HTTP that fails on purpose.

import { createServer as createHttpServer } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { createServer } from "node:net";

import { defineAgent, openSession } from "loophost";
import type { ClaudeConnectionOptions } from "loophost/providers/claude";
import { claude, createClient } from "loophost/providers/claude";
import { embeddedHost } from "loophost/server";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

const host = embeddedHost({ model: () => "Done." });
let baseUrl: string;
let requests: string[];

beforeAll(async () => {
  baseUrl = (await host.listen()).url;
});
beforeEach(() => {
  requests = [];
});
afterAll(() => host.close());

const retry = { firstDelayMs: 1 };

/** What happens to the n-th request of a kind: a status in place of the host, or its reply is lost. */
type Accident = number | "reply lost" | undefined;

/** Options of a connection on which accidents happen to requests such as "POST /v1/sessions". */
function accidents(plan: Readonly<Record<string, readonly Accident[]>>): ClaudeConnectionOptions {
  const counts = new Map<string, number>();
  const through: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const kind = `${request.method} ${new URL(request.url).pathname.replaceAll(/(agent|env|sesn)_\w+/g, "$1")}`;
    requests.push(kind);
    const nth = counts.get(kind) ?? 0;
    counts.set(kind, nth + 1);
    const accident = plan[kind]?.[nth];
    if (typeof accident === "number") {
      const error = { type: "api_error", message: "not now" };
      return Response.json({ type: "error", error }, { status: accident });
    }
    const response = await fetch(request);
    if (accident === "reply lost") throw new TypeError("terminated");
    return response;
  };
  return { baseUrl, fetch: through, retry };
}

const times = (kind: string) => requests.filter((request) => request === kind).length;
const all = <T>(items: AsyncIterable<T>): Promise<T[]> => Array.fromAsync(items);

/** The ids a session needs. */
async function ids() {
  const client = createClient({ baseUrl });
  const agent = await client.agents.create({ name: crypto.randomUUID(), model: "m" });
  const environment = await client.environments.create({ name: "dev" });
  return { agent: agent.id, environment_id: environment.id };
}

it("tells before a request is made again, also while a session opens", async () => {
  const told: unknown[] = [];
  const provider = claude({
    ...accidents({ "POST /v1/sessions": [529], "GET /v1/sessions/sesn/events": [500] }),
    onRetry: (attempt, _, { status }) => told.push([attempt, status]),
  });
  const agent = defineAgent({ name: crypto.randomUUID(), instructions: "", model: "m" });
  await using _ = await openSession(agent, { provider });
  expect(told).toContainEqual([1, 529]);
});

/** How many sessions of an agent there are. */
const sessionsOf = async (agentId: string) =>
  (await all(createClient({ baseUrl }).sessions.list({ agent_id: agentId }))).length;

describe("what makes something", () => {
  it.each([429, 503, 529])("is repeated after a %i: nothing was taken [L-29]", async (status) => {
    const parts = await ids();
    const client = createClient(accidents({ "POST /v1/sessions": [status, status] }));
    expect(await client.sessions.create(parts)).toMatchObject({ type: "session" });
    expect(times("POST /v1/sessions")).toBe(3);
    expect(await sessionsOf(parts.agent)).toBe(1);
  });

  it("is found, not repeated, when the reply was lost [L-29] [I5]", async () => {
    const parts = await ids();
    const client = createClient(accidents({ "POST /v1/sessions": ["reply lost"] }));
    const made = await client.sessions.create({ ...parts, metadata: { mine: "1" } });
    expect(made.metadata).toMatchObject({ mine: "1", loophost_request: expect.any(String) });
    expect(times("POST /v1/sessions")).toBe(1);
    expect(await sessionsOf(parts.agent)).toBe(1);
  });

  it.each(["POST /v1/agents", "POST /v1/environments"])("so is a lost %s [L-29]", async (kind) => {
    const client = createClient(accidents({ [kind]: ["reply lost"] }));
    const before = (await all(client.agents.list())).length + (await all(client.environments.list())).length;
    await client.agents.create({ name: "lost", model: "m" });
    await client.environments.create({ name: "lost" });
    const after = (await all(client.agents.list())).length + (await all(client.environments.list())).length;
    expect(after - before).toBe(2);
  });

  it("is repeated after a 500 of a host that then does not have it", async () => {
    const parts = await ids();
    const client = createClient(accidents({ "POST /v1/sessions": [500] }));
    await client.sessions.create(parts);
    expect(times("GET /v1/sessions")).toBeGreaterThan(0);
    expect(await sessionsOf(parts.agent)).toBe(1);
  });

  it("is an error that says how to find out, when a gateway timed out and it is nowhere", async () => {
    const parts = await ids();
    const client = createClient(accidents({ "POST /v1/sessions": [504] }));
    await expect(client.sessions.create(parts)).rejects.toMatchObject({
      code: "host_failed",
      status: 504,
      mayRetry: false,
      message: expect.stringMatching(
        /may have been done all the same\. List \/v1\/sessions .*loophost_request is "/,
      ),
    });
    expect(times("POST /v1/sessions")).toBe(1);
  });

  it("is not marked when its metadata is full", async () => {
    const parts = await ids();
    const metadata = Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`key${index}`, "v"]));
    const client = createClient(accidents({ "POST /v1/sessions": [undefined, "reply lost"] }));
    expect((await client.sessions.create({ ...parts, metadata })).metadata).toEqual(metadata);
    await expect(client.sessions.create({ ...parts, metadata })).rejects.toMatchObject({ mayRetry: false });
    expect(times("POST /v1/sessions")).toBe(2);
  });

  it("is not sent twice when it is events, and says where to look", async () => {
    const { id } = await createClient({ baseUrl }).sessions.create(await ids());
    const client = createClient(accidents({ "POST /v1/sessions/sesn/events": ["reply lost"] }));
    const sent = client.sessions.events.send(id, [
      { type: "user.message", content: [{ type: "text", text: "once" }] },
    ]);
    await expect(sent).rejects.toMatchObject({
      code: "host_unreachable",
      message: expect.stringContaining("List the session's events to see."),
    });
    expect(await client.sessions.events.all(id, { types: ["user.message"] })).toHaveLength(1);
  });

  it("is tried again while nobody listens [L-29]", async () => {
    const parts = await ids();
    const port = await freePort();
    let refusals = 0;
    const client = createClient({
      baseUrl,
      retry,
      fetch: (input, init) => {
        const request = new Request(input, init);
        if (request.method !== "POST" || refusals === 2) return fetch(request);
        refusals += 1;
        return fetch(`http://127.0.0.1:${port}/`, { method: "POST" });
      },
    });
    await client.sessions.create(parts);
    expect(refusals).toBe(2);
    expect(await sessionsOf(parts.agent)).toBe(1);
  });
});

describe("what may be repeated", () => {
  it("is: reading, listing, archiving", async () => {
    const { id } = await createClient({ baseUrl }).sessions.create(await ids());
    const client = createClient(
      accidents({
        "GET /v1/sessions/sesn": [500, "reply lost"],
        "GET /v1/sessions": [529],
        "POST /v1/sessions/sesn/archive": ["reply lost", 500],
      }),
    );
    expect((await client.sessions.get(id)).id).toBe(id);
    expect((await all(client.sessions.list())).map((session) => session.id)).toContain(id);
    expect((await client.sessions.archive(id)).archived_at).not.toBeNull();
  });

  it("takes what is gone for deleted, when the reply to the delete was lost", async () => {
    const { id } = await createClient({ baseUrl }).sessions.create(await ids());
    const client = createClient(accidents({ "DELETE /v1/sessions/sesn": ["reply lost"] }));
    await client.sessions.delete(id);
    expect(times("DELETE /v1/sessions/sesn")).toBe(2);
    await expect(client.environments.delete("env_nobody")).rejects.toMatchObject({ status: 404 });
  });

  it.each(["POST", "GET"])("is given up when the caller gives up a %s", async (method) => {
    const abort = new AbortController();
    const kind = method === "POST" ? "POST /v1/agents" : "GET /v1/agents/agent";
    const { agents } = createClient({ ...accidents({ [kind]: [429, 429, 429, 429] }), retry: {} });
    const asked =
      method === "POST"
        ? agents.create({ name: "never", model: "m" }, { signal: abort.signal })
        : agents.get("agent_x", { signal: abort.signal });
    await expect.poll(() => times(kind)).toBe(1);
    abort.abort();
    await expect(asked).rejects.toMatchObject({ code: "aborted" });
  });

  it.each(["no reply comes", "a reply stops in the middle"])(
    "is given up after a while when %s",
    async (how) => {
      const silent = createHttpServer((_, response) => {
        if (how === "no reply comes") return;
        response.writeHead(200, { "content-type": "application/json" });
        response.write('{"id":');
      });
      await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
      const client = createClient({ baseUrl: `http://127.0.0.1:${portOf(silent)}`, retry, timeoutMs: 20 });
      await expect(client.agents.get("agent_x")).rejects.toMatchObject({
        code: "host_unreachable",
        message: expect.stringContaining("20 ms"),
      });
      silent.closeAllConnections();
      silent.close();
    },
  );
});

describe("a session opened by claude()", () => {
  const agent = defineAgent({ name: "resilient", instructions: "Talk.", model: "m" });

  it("is made once, with one agent and one environment, whatever is lost on the way [L-29]", async () => {
    const options = accidents({
      "GET /v1/agents": [529],
      "POST /v1/agents": [503, "reply lost"],
      "POST /v1/environments": ["reply lost"],
      "POST /v1/sessions": [429, "reply lost"],
    });
    await using session = await openSession(agent, { provider: claude(options) });
    expect((await session.send("Hi").result()).text).toBe("Done.");
    const client = createClient({ baseUrl });
    const agents = (await all(client.agents.list())).filter(({ name }) => name.startsWith("resilient_"));
    expect(agents).toHaveLength(1);
    expect(await sessionsOf(agents[0]?.id ?? "")).toBe(1);
  });

  it("is deleted again when it cannot be attached to", async () => {
    const options = accidents({ "GET /v1/sessions/sesn/events/stream": Array(50).fill(403) });
    const before = (await all(createClient({ baseUrl }).sessions.list())).length;
    await expect(openSession(agent, { provider: claude(options) })).rejects.toMatchObject({ status: 403 });
    expect(times("DELETE /v1/sessions/sesn")).toBe(1);
    expect(await all(createClient({ baseUrl }).sessions.list())).toHaveLength(before);
  });
});

/** A port nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const port = portOf(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
