// Servers that are not as the protocol says: odd tools, forged names, sessions forgotten, processes that do not start.

import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import type { ListToolsResult } from "@modelcontextprotocol/sdk/types.js";
import { mcpTools } from "loophost/tools/mcp";
import { describe, expect, it, onTestFinished } from "vitest";

import { resultText } from "../../../src/core/results.ts";
import { nameTools } from "../../../src/tools/mcp/names.ts";
import { runIt } from "../../core/execution/tool-calls.ts";
import { connectScripted, tool } from "./servers.ts";

const OBJECT = { type: "object", properties: {} };

const ODD: Record<string, readonly [odd: unknown, why: string | undefined]> = {
  "a schema without a type": [{ name: "odd", inputSchema: { properties: {} } }, undefined],
  "a union": [{ name: "odd", inputSchema: { anyOf: [{ type: "object" }] } }, undefined],
  "no description": [{ name: "odd", description: null, inputSchema: OBJECT }, undefined],
  "an odd output schema": [
    { name: "odd", inputSchema: OBJECT, outputSchema: { description: "x" } },
    undefined,
  ],
  "odd annotations": [{ name: "odd", inputSchema: OBJECT, annotations: 1 }, undefined],
  "no schema": [{ name: "odd", inputSchema: null }, "its input schema is no object"],
  "a keyword of the wrong form": [
    { name: "odd", inputSchema: { ...OBJECT, required: null } },
    "its input schema: required must be a list of names.",
  ],
  "a reference to elsewhere": [
    { name: "odd", inputSchema: { ...OBJECT, properties: { a: { $ref: "https://a.example/s" } } } },
    'its input schema: the reference "https://a.example/s" leads to no part of the schema; nothing is fetched.',
  ],
  "a list for input": [
    { name: "odd", inputSchema: { type: "array" } },
    'its input schema is not of type "object"',
  ],
  "a large description": [
    { name: "odd", description: "x".repeat(1_000_000), inputSchema: OBJECT },
    "it is described in more than 1000000 characters",
  ],
};

describe("one odd tool of a list", () => {
  it.each(Object.entries(ODD))("keeps nobody from the others: %s", async (_, [odd, why]) => {
    const list = () => ({ tools: [tool("good"), odd] }) as ListToolsResult;
    const set = await mcpTools({ client: await connectScripted({ list }), prefix: "" });
    expect(set.tools.map(({ name }) => name)).toEqual(why === undefined ? ["good", "odd"] : ["good"]);
    expect(set.leftOut).toEqual(why === undefined ? [] : [{ name: "odd", why }]);
  });

  it("is an error when it is asked for by name", async () => {
    const list = () => ({ tools: [{ name: "odd", inputSchema: null }] }) as unknown as ListToolsResult;
    const set = mcpTools({ client: await connectScripted({ list }), only: ["odd"] });
    await expect(set).rejects.toMatchObject({
      code: "invalid_tool",
      message: expect.stringContaining("its input schema is no object"),
    });
  });
});

it("gives tools names of their own, whatever they are called to look like others", () => {
  const [dotted = "", spaced = ""] = nameTools("s", ["a.b", "a b"]).values();
  // One that is called like what another becomes, and two with the same hash.
  const forged = ["a.b", "a b", dotted.slice(2), spaced.slice(2)];
  const names = nameTools("s", forged);
  expect(new Set(names.values()).size).toBe(forged.length);
  expect(names.get(dotted.slice(2))).toBe(dotted);
  const colliding = nameTools("p".repeat(70), ["costarring", "liquid"]);
  expect(new Set(colliding.values()).size).toBe(2);
});

describe("a server over HTTP that forgets its sessions", () => {
  it.each<[string, Forgetting]>([
    ["as the protocol has it", { text: SESSION_GONE, headers: JSON_TYPE }],
    ["in other words", { text: '{"error":"Invalid session ID"}', headers: JSON_TYPE }],
    ["in plain text", { text: "Session not found", headers: { "content-type": "text/plain" } }],
    ["with a web page", { text: "<h1>404</h1>", headers: { "content-type": "text/html" } }],
    ["without a word", { text: "" }],
    ["under an id of ours", { text: SESSION_GONE.replace("null", "1"), headers: JSON_TYPE }],
  ])("gets a new one, and the call is made in it: it says so %s", async (_, gone) => {
    const sessions: string[] = [];
    const calls: string[] = [];
    const server = createServer((request, response) => {
      answer(request, response, sessions, calls, gone).catch((error: unknown) =>
        response.destroy(error as Error),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    await using set = await mcpTools({ name: "s", url: `http://127.0.0.1:${port}/mcp` });
    const [only] = set.tools;
    if (only === undefined) throw new Error("no tool");
    const call = async () =>
      resultText(await runIt(only, { name: only.name }, { tools: new Map([[only.name, only]]) }));
    expect(await call()).toBe("1 in s1");
    expect(await call()).toBe("2 in s2");
    expect(await Promise.all([call(), call()])).toEqual(["3 in s3", "4 in s3"]);
    expect(sessions).toEqual(["s1", "s2", "s3"]);
  });
});

const JSON_TYPE = { "content-type": "application/json" };
const SESSION_GONE = '{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}';

/** How a server says with a 404 that it has forgotten a session. */
interface Forgetting {
  readonly text: string;
  readonly headers?: OutgoingHttpHeaders;
}

/** Forgets a session with each second request to call, as a server does that was started anew. */
async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  sessions: string[],
  calls: string[],
  gone: Forgetting,
): Promise<void> {
  if (request.method !== "POST") return void response.writeHead(405).end();
  let body = "";
  for await (const chunk of request) body += String(chunk);
  const { id, method } = JSON.parse(body) as { id?: number; method: string };
  const say = (result: object) =>
    response
      .writeHead(200, { "content-type": "application/json", "mcp-session-id": sessions.at(-1) })
      .end(JSON.stringify({ jsonrpc: "2.0", id, ...result }));
  if (method === "initialize") {
    sessions.push(`s${sessions.length + 1}`);
    const serverInfo = { name: "s", version: "1" };
    return void say({ result: { protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo } });
  }
  const isForgotten = method === "tools/call" && calls.length === sessions.length && sessions.length < 3;
  if (isForgotten || request.headers["mcp-session-id"] !== sessions.at(-1))
    return void response.writeHead(404, gone.headers).end(gone.text);
  if (id === undefined) return void response.writeHead(202).end();
  if (method === "tools/list") return void say({ result: { tools: [tool("one")] } });
  calls.push(method);
  say({ result: { content: [{ type: "text", text: `${calls.length} in ${sessions.at(-1)}` }] } });
}

describe("a server that is a process", () => {
  it("that does not start: the error has its last words", async () => {
    const program = "console.error('first'); console.error('The key DB_URL is not set.'); process.exit(3)";
    const set = mcpTools({ name: "broken", command: process.execPath, args: ["-e", program] });
    await expect(set).rejects.toMatchObject({
      code: "host_unreachable",
      message: expect.stringContaining(
        "The last it wrote to its standard error:\nfirst\nThe key DB_URL is not set.",
      ),
    });
  });

  it("may be listened to by something that throws", async () => {
    const heard: string[] = [];
    const set = mcpTools({
      name: "broken",
      command: process.execPath,
      args: ["-e", "console.error('hello')"],
      onStderr: (text) => {
        heard.push(text);
        throw new Error("a fault of the listener");
      },
    });
    await expect(set).rejects.toMatchObject({ code: "host_unreachable" });
    expect(heard.join("")).toBe("hello\n");
  });
});
