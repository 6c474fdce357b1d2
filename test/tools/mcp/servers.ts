// MCP servers for tests: the public ones as real processes, and scripted ones in this process.

import { spawn } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { CallToolResult, ListToolsResult } from "@modelcontextprotocol/sdk/types.js";
import { CallToolRequestSchema, ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import type { StdioServer } from "loophost/tools/mcp";
import { onTestFinished } from "vitest";

/** The public test server that has one tool of every kind. */
export const EVERYTHING: string = import.meta
  .resolve("@modelcontextprotocol/server-everything/dist/index.js");

/** The public server for files. */
export const FILESYSTEM: string = import.meta
  .resolve("@modelcontextprotocol/server-filesystem/dist/index.js");

/** A server that is started as a process. */
export interface Process {
  readonly options: Pick<StdioServer, "command" | "args" | "onStderr">;
  /** Its process id, once it runs. */
  readonly pid: Promise<number>;
}

/** Options that start a program as a server. */
export function asProcess(program: string, ...args: readonly string[]): Process {
  const started = Promise.withResolvers<number>();
  return {
    options: {
      command: process.execPath,
      args: ["--input-type=module", "-e", TELL_PID_AND_RUN, program, ...args],
      onStderr: (text: string) => {
        const pid = /^pid (\d+)/.exec(text)?.[1];
        if (pid !== undefined) started.resolve(Number(pid));
      },
    },
    pid: started.promise,
  };
}

// Processes are told apart by what they say themselves: nothing else is ever killed.
const TELL_PID_AND_RUN = "process.stderr.write(`pid ${process.pid}\\n`); await import(process.argv[1]);";

/** Whether a process is there. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** A server that listens. */
export interface HttpServer {
  readonly url: string;
  readonly kill: () => Promise<void>;
  /** What it wrote to its standard output so far. */
  readonly said: () => string;
}

/** Starts the public test server over HTTP. */
export async function startHttpServer(): Promise<HttpServer> {
  const port = await findFreePort();
  const args = ["--input-type=module", "-e", TELL_PID_AND_RUN, EVERYTHING, "streamableHttp"];
  const child = spawn(process.execPath, args, { env: { ...process.env, PORT: String(port) } });
  const exited = once(child, "exit");
  const kill = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  onTestFinished(kill);
  let said = "";
  child.stdout.on("data", (chunk) => (said += String(chunk)));
  for await (const chunk of child.stderr) if (String(chunk).includes("listening")) break;
  return { url: `http://127.0.0.1:${port}/mcp`, kill, said: () => said };
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** What a scripted server answers. */
export interface Script {
  readonly list: (cursor: string | undefined) => ListToolsResult;
  readonly call?: (
    name: string,
    signal: AbortSignal,
    progress: (progress: number) => Promise<void>,
    meta: unknown,
  ) => CallToolResult | Promise<CallToolResult>;
}

/** A tool of a scripted server. */
export function tool(
  name: string,
  more: Partial<ListToolsResult["tools"][number]> = {},
): ListToolsResult["tools"][number] {
  return { name, inputSchema: { type: "object" }, ...more };
}

/** Connects a client to a scripted server in this process. */
export async function connectScripted({ list, call }: Script): Promise<Client> {
  const server = new Server({ name: "scripted server", version: "1" }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, ({ params }) => list(params?.cursor));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal, _meta, sendNotification }) => {
    const progressToken = _meta?.progressToken ?? "";
    const tell = (progress: number) =>
      sendNotification({ method: "notifications/progress", params: { progressToken, progress } });
    const answered = await call?.(params.name, signal, tell, _meta);
    return answered ?? { content: [] };
  });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: "test", version: "1" });
  await Promise.all([server.connect(theirs), client.connect(ours)]);
  onTestFinished(() => client.close());
  return client;
}
