// Lists of tools that are too much, from a server over the official SDK: as a process, and over HTTP as JSON and as a stream.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { HttpServer, StdioServer } from "loophost/tools/mcp";
import { mcpTools } from "loophost/tools/mcp";
import { describe, expect, it, onTestFinished } from "vitest";

import { listServer } from "./list-server.ts";

const PROGRAM = fileURLToPath(new URL("list-server.ts", import.meta.url));

const WAYS: Record<string, (what: string) => Promise<StdioServer | HttpServer>> = {
  "a process": (what) => Promise.resolve({ name: "lists", command: process.execPath, args: [PROGRAM, what] }),
  "HTTP, as JSON": (what) => overHttp(what, true),
  "HTTP, as a stream": (what) => overHttp(what, false),
};

const TOO_MUCH: readonly [what: string, code: string, says: string][] = [
  ["a slow page after the other", "host_protocol", "did not list its tools in 3000 ms"],
  ["a page that never comes", "host_protocol", "did not list its tools in 3000 ms"],
  ["more tools than anybody has", "host_protocol", "lists more than 10000 tools"],
  ["more of them than fits", "host_protocol", "lists more than 20000000 characters"],
  ["cursors that are large", "host_protocol", "lists more than 20000000 characters"],
  ["a page that is large", "reply_too_large", "sent a message of more than "],
];

describe.each(Object.entries(WAYS))("over %s", (_, way) => {
  it.each(TOO_MUCH)("a list is given up: %s [I10]", async (what, code, says) => {
    const server = await way(what);
    const began = performance.now();
    // The process has time to start; what is waited for is the list.
    const connectTimeoutMs = says.includes("3000 ms") ? 3_000 : 20_000;
    await expect(mcpTools({ ...server, connectTimeoutMs })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(`The MCP server "lists" ${says}`),
    });
    expect(performance.now() - began).toBeLessThan(15_000);
  });

  it("a tool that is nested deep is left out", async () => {
    await using set = await mcpTools({ ...(await way("a tool nested deep")), prefix: "" });
    expect(set.tools.map(({ name }) => name)).toEqual(["good"]);
    expect(set.leftOut).toEqual([{ name: "deep", why: expect.stringContaining("nested") }]);
  });
});

/** A server without sessions: each request gets one of its own. */
async function overHttp(what: string, enableJsonResponse: boolean): Promise<HttpServer> {
  const http = createServer((request, response) => {
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse });
    response.once("close", () => void transport.close().catch(() => undefined));
    listServer(what)
      .connect(transport)
      .then(() => transport.handleRequest(request, response))
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  return { name: "lists", url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp` };
}
