// Who gets in, what a refusal looks like, and what protects the host from its callers.

import { request } from "node:http";

import Anthropic, { AuthenticationError } from "@anthropic-ai/sdk";
import { LoophostError } from "loophost";
import { embeddedHost } from "loophost/server";
import { describe, expect, it } from "vitest";

import { follow, message, say, scripted, startHost } from "./support.ts";

/** A request with headers fetch would not let us set. */
function statusWith(url: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    request({ hostname, port, path: "/v1/agents", headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end();
  });
}

describe("a key", () => {
  it("is asked for as Bearer or as x-api-key [S7-1] [F3-auth]", async () => {
    await using server = await startHost(scripted(), { apiKey: "k-1" });
    const status = async (headers: Record<string, string>) =>
      (await server.raw("GET", "/v1/agents", undefined, headers)).status;
    expect(await status({ authorization: "Bearer k-1" })).toBe(200);
    expect(await status({ "x-api-key": "k-1" })).toBe(200);
    expect(await status({})).toBe(401);
    expect(await status({ "x-api-key": "k-2" })).toBe(401);
    expect(await status({ authorization: "Bearer k-1-and-more" })).toBe(401);
    expect(await status({ authorization: "Basic k-1" })).toBe(401);
    await expect(
      new Anthropic({ baseURL: server.url, apiKey: "no", maxRetries: 0 }).beta.agents.list(),
    ).rejects.toThrow(AuthenticationError);
  });

  it("that was wrong is not told back [I11]", async () => {
    await using server = await startHost(scripted(), { apiKey: "k-1" });
    const { body, headers } = await server.raw("GET", "/v1/agents", undefined, { "x-api-key": "guess-7" });
    expect(body).toEqual({
      type: "error",
      error: { type: "authentication_error", message: expect.any(String) },
      request_id: headers.get("request-id"),
    });
    expect(JSON.stringify(body)).not.toMatch(/guess-7|k-1/);
  });

  it("must be set to listen beyond this machine", async () => {
    const host = embeddedHost({ model: () => "ok" });
    await expect(host.listen({ hostname: "0.0.0.0" })).rejects.toThrow(LoophostError);
    await expect(host.listen({ hostname: "0.0.0.0" })).rejects.toMatchObject({ code: "invalid_options" });
    await host.close();
  });
});

describe("on this machine alone", () => {
  it("only names of this machine are answered, so no other name can be made to lead here", async () => {
    await using server = await startHost(scripted());
    const { port } = new URL(server.url);
    expect(await statusWith(server.url, { host: `127.0.0.1:${port}` })).toBe(200);
    expect(await statusWith(server.url, { host: `localhost:${port}` })).toBe(200);
    expect(await statusWith(server.url, { host: `[::1]:${port}` })).toBe(200);
    expect(await statusWith(server.url, { host: `evil.example:${port}` })).toBe(403);
    expect(await statusWith(server.url, { host: "127.0.0.1.evil.example" })).toBe(403);
  });

  it("web pages of other sites are not answered", async () => {
    await using server = await startHost(scripted());
    const { host } = new URL(server.url);
    expect(await statusWith(server.url, { host, origin: "https://evil.example" })).toBe(403);
    expect(await statusWith(server.url, { host, origin: "null" })).toBe(403);
    expect(await statusWith(server.url, { host, origin: "http://localhost:5173" })).toBe(200);
    const site = (name: string) => ({ host, "sec-fetch-site": name });
    expect(await statusWith(server.url, site("cross-site"))).toBe(403);
    expect(await statusWith(server.url, site("none"))).toBe(200);
    const ours = { ...site("cross-site"), origin: "http://localhost:5173" };
    expect(await statusWith(server.url, ours)).toBe(200);
  });
});

describe("a refusal", () => {
  it("has the wire's form and an id to ask about [S7-10]", async () => {
    await using server = await startHost(scripted());
    const missing = await server.raw("GET", "/v1/vaults");
    expect(missing.status).toBe(404);
    expect(missing.body).toEqual({
      type: "error",
      error: { type: "not_found_error", message: "GET /v1/vaults was not found." },
      request_id: missing.headers.get("request-id"),
    });
    expect(missing.headers.get("request-id")).toMatch(/^req_/);
    const good = await server.raw("GET", "/v1/agents");
    expect(good.headers.get("request-id")).toMatch(/^req_/);
    const broken = await server.raw("POST", "/v1/agents", "{");
    expect([broken.status, broken.body.error.type]).toEqual([400, "invalid_request_error"]);
    const list = await server.raw("POST", "/v1/agents", "[]");
    expect([list.status, list.body.error.message]).toEqual([400, "The body must be a JSON object."]);
  });

  it("for a conflict tells clients not to try again by themselves [S7-10]", async () => {
    await using server = await startHost(scripted());
    const agent = await server.raw("POST", "/v1/agents", { name: "helper", model: "m" });
    const stale = await server.raw("POST", `/v1/agents/${agent.body.id}`, { version: 7 });
    expect([stale.status, stale.headers.get("x-should-retry")]).toEqual([409, "false"]);
  });

  it("of a body that is too large comes before the body is read [I10]", async () => {
    await using server = await startHost(scripted());
    const id = await server.session();
    const big = JSON.stringify({ events: [message("x".repeat(33 * 1024 * 1024))] });
    const direct = (body: string | ReadableStream) =>
      server.host.fetch(
        new Request(`http://host/v1/sessions/${id}/events`, {
          method: "POST",
          body,
          duplex: "half",
        }),
      );
    const response = await direct(big);
    expect([response.status, await response.json()]).toMatchObject([
      413,
      { error: { type: "request_too_large" } },
    ]);
    const overHttp = await server.raw("POST", `/v1/sessions/${id}/events`, big);
    expect([overHttp.status, overHttp.body.error.type]).toEqual([413, "request_too_large"]);
    const chunked = await direct(new Blob([big]).stream());
    expect(chunked.status).toBe(413);
  });

  it("keeps what went wrong inside to itself [I11]", async () => {
    const { memoryStore } = await import("loophost/stores/memory");
    const store = memoryStore();
    const broken = { ...store.records, get: () => Promise.reject(new Error("password=hunter2 at /srv/db")) };
    await using server = await startHost(scripted(), { store: { ...store, records: broken } });
    const { status, body } = await server.raw("GET", "/v1/sessions/sesn_1");
    expect([status, body.error.type]).toEqual([500, "api_error"]);
    expect(JSON.stringify(body)).not.toContain("hunter2");
  });
});

describe("an Idempotency-Key", () => {
  it("gets the reply that was given, and does nothing again [S7-11]", async () => {
    await using server = await startHost(scripted("ok"));
    const id = await server.session();
    await using stream = await follow(server.client, id);
    const path = `/v1/sessions/${id}/events`;
    const headers = { "idempotency-key": "a-1" };
    const both = await Promise.all(
      [1, 2].map(() => server.raw("POST", path, { events: [message("hi")] }, headers)),
    );
    const again = await server.raw("POST", path, { events: [message("hi")] }, headers);
    expect(both.map(({ body }) => body)).toEqual([again.body, again.body]);
    await stream.idle("end_turn");
    expect(stream.types().filter((type) => type === "user.message")).toHaveLength(1);
    for (const [where, text] of [
      [path, "else"],
      [`${path}?beta=true`, "hi"],
    ] as const)
      expect((await server.raw("POST", where, { events: [message(text)] }, headers)).status).toBe(400);
  });
});

describe("the host", () => {
  it("works in process, without a socket, as a client's fetch", async () => {
    const host = embeddedHost({ model: () => "Hello." });
    const client = new Anthropic({
      apiKey: "any",
      baseURL: "http://host",
      fetch: (input, init) => host.fetch(new Request(input, init)),
    });
    const agent = await client.beta.agents.create({ name: "helper", model: "m" });
    const environment = await client.beta.environments.create({ name: "dev" });
    const session = await client.beta.sessions.create({ agent: agent.id, environment_id: environment.id });
    await using stream = await follow(client, session.id);
    await say(client, session.id, "hi");
    expect(await stream.until("agent.message")).toMatchObject({ content: [{ text: "Hello." }] });
    await host.close();
    await stream.ended;
  });

  it("chooses the model by its id, and says which it has not", async () => {
    const host = embeddedHost({ models: { small: () => "I am small." } });
    const { url } = await host.listen();
    const client = new Anthropic({ baseURL: url, apiKey: "any", maxRetries: 0 });
    const environment = await client.beta.environments.create({ name: "dev" });
    const start = async (model: string) => {
      const agent = await client.beta.agents.create({ name: "helper", model });
      return client.beta.sessions.create({ agent: agent.id, environment_id: environment.id });
    };
    const { id } = await start("small");
    await using stream = await follow(client, id);
    await say(client, id, "hi");
    expect(await stream.until("agent.message")).toMatchObject({ content: [{ text: "I am small." }] });
    await expect(start("large")).rejects.toThrow("This host has no model");
    expect(() => embeddedHost({})).toThrow("needs a model");
    expect(() => embeddedHost({ model: () => "ok", apiKey: "" })).toThrow("apiKey is empty");
    await host.close();
  });

  const model = () => "ok";
  it.each<[string, unknown]>([
    ["takes an object", undefined],
    ["apiKey must be a string; got a number", { model, apiKey: 5 }],
    ["model must be a model, or a function", { model: "x" }],
    ["models must be an object of models", { models: { small: "x" } }],
    ["store must be a store, such as sqliteStore", { model, store: "x.db" }],
    ["prices must be", { model, prices: { m: 3 } }],
    ['eventName must be "type" or "message"', { model, eventName: "x" }],
    ["pingIntervalMs must be a number of at least 1; got -1", { model, pingIntervalMs: -1 }],
    ['ifOwned must be "fail", "wait" or "take"', { model, ifOwned: "steal" }],
    ["onError must be a function", { model, onError: "log" }],
  ])("is refused by its name: %s", (problem, options) => {
    expect(() => embeddedHost(options as never)).toThrow(
      expect.objectContaining({
        code: "invalid_options",
        message: expect.stringContaining(
          `embeddedHost()${problem.startsWith("takes") ? " " : ": "}${problem}`,
        ),
      }),
    );
  });

  it.each([{ port: 70_000 }, { port: "80" }, { port: 1.5 }, { hostname: "" }])(
    "to listen with %j is refused by its name",
    async (options) => {
      await using host = embeddedHost({ model });
      const [name = ""] = Object.keys(options);
      await expect(host.listen(options as never)).rejects.toMatchObject({
        code: "invalid_options",
        message: expect.stringContaining(`listen(): ${name} must be`),
      });
    },
  );

  it("says which port it could not have", async () => {
    await using server = await startHost(scripted());
    await using second = embeddedHost({ model: () => "ok" });
    const port = Number(new URL(server.url).port);
    await expect(second.listen({ port })).rejects.toMatchObject({
      code: "host_failed",
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });

  it("ends its streams and its runs when it closes [I12]", async () => {
    const server = await startHost(scripted(() => new Promise(() => undefined)));
    const id = await server.session();
    await using stream = await follow(server.client, id);
    await say(server.client, id, "hi");
    await stream.until("span.model_request_start");
    await server.host.close();
    await stream.ended;
    await expect(fetch(server.url)).rejects.toThrow("fetch failed");
  });
});
