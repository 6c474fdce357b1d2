// The public MCP servers as real processes, over standard input and output and over HTTP.

import { once } from "node:events";
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";

import { defineAgent, run } from "loophost";
import { local } from "loophost/providers/local";
import type { McpToolSet } from "loophost/tools/mcp";
import { mcpTools } from "loophost/tools/mcp";
import { expect, it, onTestFinished, vi } from "vitest";

import { asProcess, EVERYTHING, FILESYSTEM, isAlive, startHttpServer } from "./servers.ts";

/** Runs an agent whose model makes one call and then stops; what the call came to. */
async function callOnce({ tools }: McpToolSet, name: string, input: object, toolTimeoutMs = 10_000) {
  const agent = defineAgent({ name: "caller", instructions: "", tools, limits: { toolTimeoutMs } });
  const provider = local({
    model: ({ messages }) =>
      messages.length > 1 ? "Done." : [{ type: "tool_call" as const, id: "call_1", name, input }],
  });
  const result = await run(agent, { provider, prompt: "Go" });
  const finished = result.events.find((event) => event.type === "tool.finished");
  return finished?.result;
}

const text = (value: unknown) => ({ content: [{ type: "text", text: value }], isError: false });

it("runs the tools of a server that is a process, and leaves no process behind", async () => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "mcp-")));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "note.txt"), "Remember the milk.");
  const { options, pid } = asProcess(FILESYSTEM, folder);
  const files = await mcpTools({ name: "files", ...options, only: ["read_text_file", "write_file"] });

  expect(files.tools.map((tool) => [tool.name, tool.ifCrashed])).toEqual([
    ["files_read_text_file", "rerun"],
    ["files_write_file", "rerun"],
  ]);
  expect(files.tools[0]?.schema.jsonSchema).toMatchObject({
    type: "object",
    properties: { path: { type: "string" } },
    required: ["path"],
  });
  const path = join(folder, "note.txt");
  expect(await callOnce(files, "files_read_text_file", { path })).toEqual(text("Remember the milk."));
  expect(await callOnce(files, "files_read_text_file", { path: "/etc/passwd" })).toMatchObject({
    content: [{ text: expect.stringContaining("Access denied") }],
    isError: true,
  });

  expect(isAlive(await pid)).toBe(true);
  await Promise.all([files.close(), files.close()]);
  await files.close();
  expect(isAlive(await pid)).toBe(false);
});

it("checks input before the server is asked", async () => {
  const { options } = asProcess(EVERYTHING);
  await using all = await mcpTools({ name: "all", ...options });

  expect(await callOnce(all, "all_get-sum", { a: "one" })).toEqual({
    content: [{ type: "text", text: expect.stringContaining("Invalid input for all_get-sum") }],
    isError: true,
  });
  expect(await callOnce(all, "all_get-sum", { a: 1, b: 2 })).toEqual(text("The sum of 1 and 2 is 3."));
});

it("gives the model what it can take: images as they are, resources and the rest in words", async () => {
  const { options } = asProcess(EVERYTHING);
  await using all = await mcpTools({ name: "all", ...options, prefix: "" });

  expect(await callOnce(all, "get-tiny-image", {})).toMatchObject({
    content: [
      { type: "text" },
      { type: "image", mediaType: "image/png", data: expect.any(String) },
      { type: "text" },
    ],
  });
  expect(await callOnce(all, "get-resource-links", { count: 1 })).toMatchObject({
    content: [{ type: "text" }, { type: "text", text: expect.stringMatching(/^\[Resource .+: \S+\]/) }],
  });
  const resource = { resourceType: "Text", resourceId: 1 };
  expect(await callOnce(all, "get-resource-reference", resource)).toMatchObject({
    content: [
      { type: "text" },
      { type: "text", text: expect.stringMatching(/^\[Resource \S+\]\n/) },
      { type: "text" },
    ],
  });
});

it("keeps the secrets of this process, and hands on the variables it is given", async () => {
  process.env["SECRET_OF_THE_HOST"] = "do not tell";
  onTestFinished(() => void delete process.env["SECRET_OF_THE_HOST"]);
  const { options } = asProcess(EVERYTHING);
  await using all = await mcpTools({
    name: "all",
    ...options,
    env: { GIVEN: "told" },
    only: ["get-env"],
    connectTimeoutMs: Infinity,
  });

  const said = JSON.stringify(await callOnce(all, "all_get-env", {}));
  expect(said).toContain("GIVEN");
  expect(said).not.toContain("do not tell");
});

it("tells the model that a server died in the middle of a call, and again at the next [I12]", async () => {
  const { options, pid } = asProcess(EVERYTHING);
  const name = "all_trigger-long-running-operation";
  await using all = await mcpTools({
    name: "all",
    ...options,
    onProgress: ({ progress }) => {
      if (progress === 1) pid.then((id) => process.kill(id, "SIGKILL")).catch(() => undefined);
    },
  });

  const gone = {
    content: [
      {
        type: "text",
        text: `Error: the MCP server "all" is no longer running, so none of its tools can be used`,
      },
    ],
    isError: true,
  };
  expect(await callOnce(all, name, { duration: 30, steps: 3_000 }, 60_000)).toEqual(gone);
  expect(await callOnce(all, "all_echo", { message: "Hello?" })).toEqual(gone);
});

it("hands on what a server says of its progress", async () => {
  const { options } = asProcess(EVERYTHING);
  const name = "all_trigger-long-running-operation";
  const reports: unknown[] = [];
  await using all = await mcpTools({
    name: "all",
    ...options,
    onProgress: (progress) => reports.push(progress),
  });

  expect(await callOnce(all, name, { duration: 0.3, steps: 3 })).toMatchObject({ isError: false });
  // The third comes together with the result, after which the SDK listens no more: it may be told or not.
  expect(reports.slice(0, 2)).toEqual([
    { progress: 1, total: 3, tool: name, callId: "call_1" },
    { progress: 2, total: 3, tool: name, callId: "call_1" },
  ]);
});

it("speaks to a server over HTTP, and ends its session there", async () => {
  const server = await startHttpServer();
  const all = await mcpTools({ name: "all", url: server.url, headers: { "x-team": "blue" }, only: ["echo"] });

  expect(await callOnce(all, "all_echo", { message: "Hello" })).toEqual(text("Echo: Hello"));
  await all.close();
  await expect.poll(server.said).toContain("session termination request");

  const again = await mcpTools({ name: "all", url: server.url, only: ["echo"] });
  await server.kill();
  expect(await callOnce(again, "all_echo", { message: "Hello?" })).toMatchObject({
    content: [{ text: expect.stringMatching(/^Error: the MCP server "all" failed: /) }],
    isError: true,
  });
  await again.close();
});

it("leaves no process behind when it cannot use the server", async () => {
  const silent = asProcess("data:text/javascript,setInterval(() => {}, 1000)");
  await expect(mcpTools({ name: "silent", ...silent.options, connectTimeoutMs: 200 })).rejects.toMatchObject({
    code: "host_unreachable",
    message: expect.stringContaining(`The MCP server "silent" could not be started`),
  });
  expect(isAlive(await silent.pid)).toBe(false);

  const other = asProcess(EVERYTHING);
  await expect(mcpTools({ name: "all", ...other.options, only: ["ecko"] })).rejects.toMatchObject({
    code: "invalid_options",
    message: expect.stringMatching(/has no tool "ecko". Its tools are: echo, /),
  });
  expect(isAlive(await other.pid)).toBe(false);
});

it.each([
  {
    what: "a command that is not there",
    options: { name: "nobody", command: "/nowhere/at/all" },
    code: "host_unreachable",
    says: "ENOENT",
  },
  {
    what: "an address nobody listens at",
    options: { name: "nobody", url: "http://127.0.0.1:9/mcp" },
    code: "host_unreachable",
    says: "could not be reached at 127.0.0.1:9",
  },
  {
    what: "nothing at all",
    options: undefined as never,
    code: "invalid_options",
    says: "one way to a server",
  },
  {
    what: "no way to a server",
    options: { name: "nobody" } as never,
    code: "invalid_options",
    says: "one way to a server",
  },
  ...[
    { args: "--root /srv" },
    { env: ["A=1"] },
    { only: "read" },
    { except: null },
    { cwd: 1 },
    { connectTimeoutMs: Number.NaN },
    { callTimeoutMs: "5s" },
    { onStderr: {} },
  ].map((odd) => ({
    what: `an option of the wrong kind: ${JSON.stringify(odd)}`,
    options: { name: "nobody", command: "true", ...odd } as never,
    code: "invalid_options",
    says: `${Object.keys(odd)[0]} must be`,
  })),
  {
    what: "a server without a name",
    options: { url: "http://127.0.0.1:9/mcp" } as never,
    code: "invalid_options",
    says: "needs a `name`",
  },
  {
    what: "an address that is none",
    options: { name: "nobody", url: "127.0.0.1" },
    code: "invalid_options",
    says: "url must be an http or https address",
  },
  {
    what: "an address without its scheme",
    options: { name: "nobody", url: "localhost:3000/mcp" },
    code: "invalid_options",
    says: "url must be an http or https address",
  },
  {
    what: "an address with a password",
    options: { name: "nobody", url: "http://me:s3cret@127.0.0.1:9/" },
    code: "invalid_options",
    says: "without credentials",
  },
  {
    what: "a header that cannot be sent",
    options: { name: "nobody", url: "http://127.0.0.1:9/", headers: { authorization: "Bearer s3cret\nx" } },
    code: "invalid_options",
    says: `the header "authorization" has characters that cannot be sent`,
  },
])("says what is wrong with $what [I11]", async ({ options, code, says }) => {
  const error: unknown = await mcpTools(options).catch((thrown: unknown) => thrown);

  expect(error).toMatchObject({ code, message: expect.stringContaining(says) });
  expect(inspect(error)).not.toContain("s3cret");
});

it("says that a server refuses us, and with what status", async () => {
  const server = createServer((_, response) => response.writeHead(401).end("Who are you?"));
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;

  await expect(mcpTools({ name: "closed", url: `http://127.0.0.1:${port}/` })).rejects.toMatchObject({
    code: "host_rejected",
    status: 401,
  });
});

it("says of a server that quotes what it was sent no header and no key in the address [I11]", async () => {
  const refuse = (request: IncomingMessage, response: ServerResponse) =>
    response.writeHead(401).end([...request.rawHeaders, request.url].join(" "));
  const server = createServer(refuse);
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;

  const error: unknown = await mcpTools({
    name: "echo",
    url: `http://127.0.0.1:${port}/s3cret-in-the-path/?key=s3cret-in-the-query`,
    headers: { authorization: "Bearer s3cret-token", "x-team": "s3cret-team" },
  }).catch((thrown: unknown) => thrown);

  expect(error).toMatchObject({ status: 401, message: expect.stringContaining("[key]") });
  expect(inspect(error, { depth: 9 })).not.toContain("s3cret");
});

it("says of a process that quotes its environment no credentials [I11]", async () => {
  const error: unknown = await mcpTools({
    name: "echo",
    command: process.execPath,
    args: ["-e", "console.error(process.env.API_KEY, process.env.STAGE); process.exit(1)"],
    env: { API_KEY: "s3cret-key", STAGE: "production" },
  }).catch((thrown: unknown) => thrown);

  expect(error).toMatchObject({ message: expect.stringContaining("[key] production") });
  expect(inspect(error, { depth: 9 })).not.toContain("s3cret");
});

it("says which package is missing", async () => {
  vi.doMock("@modelcontextprotocol/sdk/client/index.js", () => Promise.reject(new Error("not found")));
  onTestFinished(() => {
    vi.doUnmock("@modelcontextprotocol/sdk/client/index.js");
  });

  await expect(mcpTools({ name: "any", command: "true" })).rejects.toMatchObject({
    code: "missing_dependency",
    message: expect.stringContaining("npm install @modelcontextprotocol/sdk"),
  });
});
