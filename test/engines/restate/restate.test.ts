// What restateEngine() refuses, and what it says when Restate does not do as asked. The rest needs the server, and more time.

import { once } from "node:events";
import type { RequestListener } from "node:http";
import { createServer } from "node:http";
import { connect } from "node:http2";

import { restateEngine } from "loophost/engines/restate";
import { expect, it, onTestFinished } from "vitest";

async function played(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}

const INGRESS = "http://127.0.0.1:1";

it.each([
  [{ ingress: "restate:8080" }, "ingress must be an http or https address"],
  [{ ingress: "http://me:k3y-of-mine@restate:8080" }, "ingress must be an http or https address without"],
  [{ ingress: INGRESS, admin: "https://k3y-of-mine@restate:9070" }, "admin must be an http"],
  [
    { ingress: INGRESS, listen: { port: 0, url: "http://me:k3y-of-mine@w:9080" } },
    "listen.url must be an http",
  ],
  [{ ingress: INGRESS, headers: { authorization: "k3y-of-mine\n" } }, 'The value of header "authorization"'],
  [{ ingress: INGRESS, listen: {} }, "listen needs a port"],
  [{ ingress: INGRESS, listen: { port: 70_000 } }, "listen.port must be a port"],
  [
    { ingress: INGRESS, listen: { port: 0, identityKeys: ["secret"] } },
    "listen.identityKeys must be a list of keys",
  ],
  [{ ingress: INGRESS, name: "a/b" }, "name must be letters"],
  [{ ingress: INGRESS, timeoutMs: 0 }, "timeoutMs must be a number of at least 1"],
  [{ ingres: INGRESS }, 'the nearest is "ingress"'],
])("refuses %j", (options, why) => {
  expect(() => restateEngine(options as never)).toThrow(why);
  expect(() => restateEngine(options as never)).not.toThrow("k3y-of-mine");
});

it("needs a port for work(), and none to wake", async () => {
  const engine = restateEngine({ ingress: INGRESS });
  const host = { activate: () => Promise.resolve({ now: "parked" } as const) };
  await expect(engine.work(host)).rejects.toThrow("work() needs restateEngine({ listen: { port } })");
  await expect(engine.wake("s", { at: new Date(Number.NaN) })).rejects.toMatchObject({
    code: "invalid_options",
  });
});

it("sends a wake for a session of any name, and its headers", async () => {
  const seen: unknown[] = [];
  const ingress = await played(({ url, headers }, response) => {
    seen.push([url, headers.authorization, headers["idempotency-key"]]);
    response.writeHead(202).end("{}");
  });
  const engine = restateEngine({
    ingress: `${ingress}/below`,
    headers: { authorization: "Bearer t" },
    name: "app",
  });
  for (const id of ["order-42", "a/b", "..", "\\x"]) await engine.wake(id, { key: "item 7" });
  expect(seen).toEqual(
    ["order-42", "a%2Fb", "%5C..", "%5C%5Cx"].map((key) => [
      `/below/app/${key}/activate/send`,
      "Bearer t",
      "item 7",
    ]),
  );
});

it.each([401, 500])(
  "says what Restate refused with %i, without the secrets that went along, in a header or in a path",
  async (status) => {
    const ingress = await played(({ headers, url }, response) => {
      response.writeHead(status).end(`no entry for ${url} with ${headers.authorization}`);
    });
    const engine = restateEngine({
      ingress: `${ingress}/an-address-nobody-knows`,
      headers: { authorization: "Bearer k3y-of-mine" },
    });
    const refused = engine.wake("a-session-of-a-long-name");
    await expect(refused).rejects.toMatchObject({ status });
    await expect(refused).rejects.not.toThrow("k3y-of-mine");
    await expect(refused).rejects.toThrow("no entry for /[key]/loophost/a-session-of-a-long-name");
  },
);

it("says how the workers become known where Restate knows none", async () => {
  const ingress = await played((_, response) => {
    response.writeHead(404).end("service not found");
  });
  await expect(restateEngine({ ingress }).wake("s")).rejects.toThrow("restate deployments register");
});

it("follows no redirect, and waits no longer than it was told to", async () => {
  const elsewhere = await played((_, response) => {
    response.writeHead(307, { location: "http://127.0.0.1:1/" }).end();
  });
  await expect(restateEngine({ ingress: elsewhere }).wake("s")).rejects.toThrow("Restate answered 307");
  const silent = await played(() => undefined);
  await expect(restateEngine({ ingress: silent, timeoutMs: 50 }).wake("s")).rejects.toMatchObject({
    code: "host_unreachable",
  });
});

it("sends a thousand wakes over as few connections as are of use, each within its time", async () => {
  const connections = new Set<unknown>();
  const ingress = await played(({ socket }, response) => {
    connections.add(socket);
    response.writeHead(202).end("{}");
  });
  const engine = restateEngine({ ingress });
  await Promise.all(Array.from({ length: 1_000 }, (_, index) => engine.wake(`s${index}`)));
  expect(connections.size).toBeLessThanOrEqual(32);

  const silent = restateEngine({ ingress: await played(() => undefined), timeoutMs: 50 });
  const asked = await Promise.allSettled(Array.from({ length: 100 }, () => silent.wake("s")));
  expect(asked.map(({ status }) => status)).toEqual(Array.from({ length: 100 }, () => "rejected"));
});

it("takes a wake as accepted whose answer does not end", async () => {
  const endless = await played((_, response) => {
    response.writeHead(202).write("{");
  });
  await expect(restateEngine({ ingress: endless, timeoutMs: 200 }).wake("s")).resolves.toBeUndefined();
});

it("answers to the Restate whose key it was told, and to nobody else", async () => {
  let uri = "";
  const admin = await played((request, response) => {
    request.on("data", (data) => (uri = JSON.parse(String(data)).uri));
    request.on("end", () => response.writeHead(201).end("{}"));
  });
  const identityKeys = ["publickeyv1_2G8dCQhArfvGpzPw5Vx2ALciR4xCLHfS5YaT93XjNxX9"];
  const host = { activate: () => Promise.reject(new Error("let in")) };
  for (const [listen, status] of [
    [{ port: 0, identityKeys }, 401],
    [{ port: 0 }, 200],
  ] as const) {
    const engine = restateEngine({ ingress: INGRESS, admin, listen });
    await engine.work(host);
    expect(await statusOf(uri, "/discover"), JSON.stringify(listen)).toBe(status);
    await engine.close();
  }
});

/** What a path of a server that speaks HTTP/2 alone is answered with. */
async function statusOf(origin: string, path: string): Promise<unknown> {
  const connection = connect(origin);
  const request = connection.request({
    ":path": path,
    accept: "application/vnd.restate.endpointmanifest.v4+json",
  });
  const [headers] = await once(request, "response");
  connection.destroy();
  return headers[":status"];
}

it("lets go of its port when it cannot be registered", async () => {
  const admin = await played((_, response) => {
    response.writeHead(500).end("no");
  });
  const taken = await played(() => undefined);
  const host = { activate: () => Promise.resolve({ now: "parked" } as const) };
  const engine = restateEngine({ ingress: INGRESS, admin, listen: { port: 0 } });
  await expect(engine.work(host)).rejects.toMatchObject({ code: "host_failed" });
  const port = Number(new URL(taken).port);
  await expect(restateEngine({ ingress: INGRESS, listen: { port } }).work(host)).rejects.toThrow(
    "Could not listen for Restate on 127.0.0.1",
  );
});
