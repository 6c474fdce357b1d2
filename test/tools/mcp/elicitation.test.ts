// A server of the official SDK asks the user in the middle of a call, over HTTP, as in the protocol's own scenarios.

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { ElicitRequestFormParams } from "@modelcontextprotocol/sdk/types.js";
import { CallToolRequestSchema, ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import type { McpToolsOptions } from "loophost/tools/mcp";
import { mcpTools } from "loophost/tools/mcp";
import { expect, it, onTestFinished } from "vitest";

import { resultText } from "../../../src/core/results.ts";
import { runIt } from "../../core/execution/tool-calls.ts";
import { tool } from "./servers.ts";

const SCHEMA = {
  type: "object",
  properties: {
    name: { type: "string", default: "Ada" },
    age: { type: "integer", default: 30 },
    score: { type: "number", default: 9.5 },
    isMember: { type: "boolean", default: true },
    colour: { type: "string", enum: ["red", "green"], default: "red" },
    size: {
      type: "string",
      oneOf: [
        { const: "s", title: "Small" },
        { const: "l", title: "Large" },
      ],
    },
    tags: { type: "array", items: { type: "string", enum: ["a", "b"] } },
  },
  required: ["name"],
} as const;

/** What the server is answered, as JSON, or the error it gets. */
async function asked(onElicit: McpToolsOptions["onElicit"]): Promise<unknown> {
  const server = new Server({ name: "asks", version: "1" }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [tool("ask")] }));
  server.setRequestHandler(CallToolRequestSchema, async () => {
    const requestedSchema = SCHEMA as unknown as ElicitRequestFormParams["requestedSchema"];
    const text = await server.elicitInput({ message: "Who are you?", requestedSchema }).then(
      (answer) => JSON.stringify(answer),
      (error: unknown) => JSON.stringify(String(error)),
    );
    return { content: [{ type: "text", text }] };
  });
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => randomUUID() });
  await server.connect(transport);
  const http = createServer((request, response) => {
    transport.handleRequest(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    await server.close();
    http.closeAllConnections();
    http.close();
  });
  const { port } = http.address() as AddressInfo;
  await using set = await mcpTools({ name: "s", url: `http://127.0.0.1:${port}/mcp`, onElicit });
  const [ask] = set.tools;
  if (ask === undefined) throw new Error("no tool");
  return JSON.parse(resultText(await runIt(ask, { name: ask.name }, { tools: new Map([[ask.name, ask]]) })));
}

it("is answered with what the user says, of every kind, and with defaults where nothing is said", async () => {
  const said = { name: "Bo", age: 4, colour: "green", size: "l", tags: ["a"] } as const;
  const answer = await asked((question) => {
    expect(question).toMatchObject({ server: "s", message: "Who are you?", schema: { required: ["name"] } });
    return { action: "accept", content: said };
  });
  expect(answer).toEqual({ action: "accept", content: { ...said, score: 9.5, isMember: true } });
});

it.each(["decline", "cancel"] as const)("is told of a %s", async (action) => {
  expect(await asked(() => ({ action }))).toEqual({ action });
});

it.each<readonly [how: string, onElicit: () => unknown]>([
  ["fails", () => Promise.reject(new Error("no terminal"))],
  ["says nothing", () => undefined],
  ["says something else", () => ({ action: "yes" })],
  ["accepts without content", () => ({ action: "accept" })],
  ["accepts with what was not asked for", () => ({ action: "accept", content: { age: "old" } })],
])("is declined when whoever is asked %s", async (_, onElicit) => {
  expect(await asked(onElicit as McpToolsOptions["onElicit"])).toEqual({ action: "decline" });
});

it("is told that nobody can be asked, where nobody can", async () => {
  expect(await asked(undefined)).toMatch(/does not support/);
});
