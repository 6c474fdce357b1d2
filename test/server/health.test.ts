// What an operator sees of a host: health checks, and a line for each request.

import type { RequestLine } from "loophost/server";
import { embeddedHost } from "loophost/server";
import { memoryStore } from "loophost/stores/memory";
import { faultyStore } from "loophost/testing";
import { expect, it } from "vitest";

import { startHost } from "./support.ts";

it("tells a supervisor without a key that it is well, and no longer once it was closed", async () => {
  const host = embeddedHost({ model: () => "ok", apiKey: "secret" });
  const statusOf = async (path: string) => (await host.fetch(new Request(`http://localhost${path}`))).status;
  expect([await statusOf("/healthz"), await statusOf("/readyz")]).toEqual([200, 200]);
  expect(await statusOf("/v1/agents")).toBe(401);
  await host.close();
  expect([await statusOf("/healthz"), await statusOf("/readyz")]).toEqual([503, 503]);
});

it("is alive and not ready while its store cannot be read, or is another host's", async () => {
  const store = memoryStore();
  const broken = faultyStore(store, [{ on: "records.get", nth: 1, how: "fail" }]);
  await using first = await startHost(() => "ok", { store: broken });
  expect((await first.raw("GET", "/readyz")).status).toBe(503);
  expect((await first.raw("GET", "/readyz")).status).toBe(200);
  await using second = embeddedHost({ model: () => "ok", store });
  const statusOf = async (path: string) =>
    (await second.fetch(new Request(`http://localhost${path}`))).status;
  expect([await statusOf("/healthz"), await statusOf("/readyz")]).toEqual([200, 503]);
});

it("gives its operator a line for each request, without ids, and is not disturbed by what becomes of it", async () => {
  const lines: RequestLine[] = [];
  const onRequest = (line: RequestLine): never => {
    lines.push(line);
    throw new Error("the log is full");
  };
  await using server = await startHost(() => "ok", { onRequest });
  const id = await server.session();
  lines.length = 0;
  const replies = [
    await server.raw("GET", `/v1/sessions/${id}?secret=1`),
    await server.raw("GET", "/v1/sessions/sesn_none"),
    await server.raw("GET", "/nowhere"),
  ];
  expect(lines.map(({ method, path, status }) => [method, path, status])).toEqual([
    ["GET", "/v1/sessions/:id", 200],
    ["GET", "/v1/sessions/:id", 404],
    ["GET", "*", 404],
  ]);
  expect(lines.map(({ requestId }) => requestId)).toEqual(
    replies.map(({ headers }) => headers.get("request-id")),
  );
  for (const { ms } of lines) expect(ms).toBeGreaterThanOrEqual(0);
});
