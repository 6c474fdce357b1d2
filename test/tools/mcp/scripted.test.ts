// A client that is connected already, to servers that answer as told: pages, names, cancellation, bad results.

import { McpError } from "@modelcontextprotocol/sdk/types.js";
import type { McpClient, McpToolsOptions } from "loophost/tools/mcp";
import { mcpTools } from "loophost/tools/mcp";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { ToolContext } from "../../../src/core/tool.ts";
import type { Script } from "./servers.ts";
import { connectScripted, tool } from "./servers.ts";

async function toolsOf(script: Script, options: Partial<McpToolsOptions> = {}) {
  return (await mcpTools({ client: await connectScripted(script), ...options })).tools;
}

function context(signal: AbortSignal = new AbortController().signal): ToolContext {
  return {
    signal,
    callId: "call_1",
    sessionId: "s",
    idempotencyKey: "k",
    context: undefined,
    metadata: {},
    traceContext: {},
    progress: () => undefined,
  };
}

it("reads every page of the list", async () => {
  const pages = [["one", "two"], ["three"], ["four"]];
  const tools = await toolsOf({
    list: (cursor = "0") => {
      const page = Number(cursor);
      const names = pages[page] ?? [];
      return { tools: names.map((name) => tool(name)), ...(page < 2 && { nextCursor: String(page + 1) }) };
    },
  });

  expect(tools.map(({ name }) => name)).toEqual([
    "scripted_server_one",
    "scripted_server_two",
    "scripted_server_three",
    "scripted_server_four",
  ]);
});

it.each([
  { how: "a cursor that does not move", next: () => "again" },
  { how: "a new cursor on every page", next: (cursor = "") => `${cursor}x` },
])("gives up on a list without end: $how [I10]", async ({ next }) => {
  const list = (cursor?: string) => ({ tools: [tool("one")], nextCursor: next(cursor) });
  await expect(toolsOf({ list })).rejects.toMatchObject({ code: "host_protocol" });
});

it("takes the tools it is told to, by the server's names, under a prefix", async () => {
  const script: Script = { list: () => ({ tools: ["read", "write", "erase"].map((name) => tool(name)) }) };
  const named = async (options: Partial<McpToolsOptions>) =>
    (await toolsOf(script, options)).map(({ name }) => name);

  expect(await named({ only: ["read", "write"], except: ["write"], prefix: "db" })).toEqual(["db_read"]);
  expect(await named({ except: ["erase"], prefix: "" })).toEqual(["read", "write"]);
});

it("shows the server's schema and description as they are, and a name where there is no description", async () => {
  const inputSchema = {
    type: "object" as const,
    $schema: "http://json-schema.org/draft-07/schema#",
    properties: { a: { $ref: "#/$defs/a" } },
    $defs: { a: { type: "string" } },
    additionalProperties: false,
  };
  const tools = await toolsOf({
    list: () => ({
      tools: [
        tool("a", { inputSchema, description: "Does a", annotations: { readOnlyHint: true } }),
        tool("b", { title: "Does b", annotations: { idempotentHint: true } }),
        tool("c", { description: "" }),
      ],
    }),
  });

  expect(tools[0]?.schema.jsonSchema).toEqual(inputSchema);
  expect(tools.map(({ description, ifCrashed }) => [description, ifCrashed])).toEqual([
    ["Does a", "rerun"],
    ["Does b", "rerun"],
    ["c", "fail"],
  ]);
});

it("tells the server to stop when a call is cancelled [I12]", async () => {
  const stopped = Promise.withResolvers<unknown>();
  const begun = Promise.withResolvers<void>();
  const [wait] = await toolsOf({
    list: () => ({ tools: [tool("wait")] }),
    call: (_, signal) => {
      begun.resolve();
      signal.addEventListener("abort", () => stopped.resolve(signal.reason));
      return new Promise(() => undefined);
    },
  });
  const abort = new AbortController();
  const called = Promise.resolve(wait?.execute?.({}, context(abort.signal)));
  await begun.promise;
  abort.abort(new Error("no longer wanted"));

  await expect(called).rejects.toThrow(/MCP server "scripted server"/);
  expect(await stopped.promise).toContain("no longer wanted");
});

describe("a call that takes its time", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** A server whose tool shows progress every 200 ms, a thousand times. */
  const slow: Script = {
    list: () => ({ tools: [tool("slow")] }),
    async call(_, __, progress) {
      for (let step = 1; step <= 1_000; step += 1) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        await progress(step);
      }
      return { content: [] };
    },
  };

  it.each([
    {
      options: { maxCallMs: 60_000, callTimeoutMs: 300 },
      endsAfterMs: undefined,
      reports: 15,
      timeoutMs: 60_000,
    },
    { options: { maxCallMs: 60_000, callTimeoutMs: 100 }, endsAfterMs: 100, reports: 0, timeoutMs: 60_000 },
    {
      options: { maxCallMs: Infinity, callTimeoutMs: Infinity },
      endsAfterMs: undefined,
      reports: 15,
      timeoutMs: Infinity,
    },
    { options: { callTimeoutMs: 300 }, endsAfterMs: undefined, reports: 15, timeoutMs: 300 },
    { options: {}, endsAfterMs: undefined, reports: 15, timeoutMs: undefined },
  ])("has the time it is given: $options [I8]", async ({ options, endsAfterMs, reports, timeoutMs }) => {
    const told: unknown[] = [];
    const [one] = await toolsOf(slow, { ...options, onProgress: (progress) => told.push(progress) });
    let endedAfterMs: number | undefined;
    const began = Date.now();
    const called = Promise.resolve(one?.execute?.({}, context())).catch((thrown: unknown) => {
      endedAfterMs = Date.now() - began;
      return thrown;
    });
    await vi.advanceTimersByTimeAsync(3_000);

    expect(told).toHaveLength(reports);
    expect(endedAfterMs).toBe(endsAfterMs);
    // Where it goes on, its deadline is kept by whoever runs the tool.
    expect(one?.timeoutMs).toBe(timeoutMs);
    if (endsAfterMs !== undefined) await called;
  });
});

it("sends the trace of the call along, and tells its progress as that of the call", async () => {
  const params: unknown[] = [];
  const told: unknown[] = [];
  const [one] = await toolsOf({
    list: () => ({ tools: [tool("one")] }),
    async call(_, __, progress, meta) {
      params.push(meta);
      await progress(1);
      return { content: [] };
    },
  });
  const traceContext = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
  await one?.execute?.({}, { ...context(), traceContext, progress: (progress) => told.push(progress) });
  expect(params).toMatchObject([traceContext]);
  expect(told).toEqual([{ progress: 1 }]);
});

it("tells the model of an error the server reports", async () => {
  const [broken] = await toolsOf({
    list: () => ({ tools: [tool("broken")] }),
    call: () => {
      throw new McpError(-32_000, "out of paper"); // the number the SDK has for a closed connection
    },
  });

  await expect(Promise.resolve(broken?.execute?.({}, context()))).rejects.toThrow(
    /^the MCP server "scripted server" failed: .*out of paper/,
  );
});

it("leaves a client that was given to it open", async () => {
  const client = await connectScripted({ list: () => ({ tools: [tool("one")] }) });
  const set = await mcpTools({ client, name: "mine" });
  await set.close();

  expect(set.tools.map(({ name }) => name)).toEqual(["mine_one"]);
  expect(await client.listTools()).toMatchObject({ tools: [{ name: "one" }] });
});

describe("a result", () => {
  const resource = { uri: "file:///a" };
  it.each([
    { of: "nothing", result: { content: [] }, content: [] },
    {
      of: "structured content alone",
      result: { content: [], structuredContent: { a: 1 } },
      content: [{ type: "text", text: `{"a":1}` }],
    },
    {
      of: "structured content that is put into words as well",
      result: { content: [{ type: "text" as const, text: "One." }], structuredContent: { a: 1 } },
      content: [{ type: "text", text: "One." }],
    },
    {
      of: "sound",
      result: { content: [{ type: "audio" as const, mimeType: "audio/wav", data: "AAAA" }] },
      content: [{ type: "text", text: "[audio: audio/wav, about 3 bytes, cannot be shown]" }],
    },
    {
      of: "resources with bytes",
      result: {
        content: [
          { type: "resource" as const, resource: { ...resource, mimeType: "image/png", blob: "AAAA" } },
          { type: "resource" as const, resource: { ...resource, mimeType: "application/pdf", blob: "AAAA" } },
          { type: "resource" as const, resource: { ...resource, blob: "AAAA" } },
        ],
      },
      content: [
        { type: "image", mediaType: "image/png", data: "AAAA" },
        { type: "document", mediaType: "application/pdf", data: "AAAA" },
        {
          type: "text",
          text: "[resource file:///a: application/octet-stream, about 3 bytes, cannot be shown]",
        },
      ],
    },
    {
      of: "a link",
      result: {
        content: [{ type: "resource_link" as const, uri: "file:///a", name: "A", description: "The letter" }],
      },
      content: [{ type: "text", text: "[Resource A: file:///a] The letter" }],
    },
  ])("of $of", async ({ result, content }) => {
    const [one] = await toolsOf({ list: () => ({ tools: [tool("one")] }), call: () => result });
    expect(await one?.execute?.({}, context())).toMatchObject({ content, isError: false });
  });
});

it("gives a list up in time, whatever client is asked", async () => {
  const client: McpClient = {
    listTools: () => new Promise(() => undefined),
    callTool: () => Promise.resolve({}),
    getServerVersion: () => ({ name: "silent" }),
  };
  await expect(mcpTools({ client, connectTimeoutMs: 20 })).rejects.toMatchObject({
    code: "host_protocol",
    message: 'The MCP server "silent" did not list its tools in 20 ms.',
  });
});
