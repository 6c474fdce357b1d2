/**
 * Connections to MCP servers through the official SDK.
 *
 *   C1  a connection that cannot be made leaves nothing behind: no process, no session on the server
 *   C2  closing waits until the server's process is gone, but not for ever, and never rejects
 */

import type { Client } from "@modelcontextprotocol/sdk/client/index.js";

import { systemClock } from "../../core/clock.ts";
import { LoophostError, messageOf } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";

/** What is used of a connected `Client` of `@modelcontextprotocol/sdk`. */
export interface McpClient {
  listTools(
    params?: { cursor?: string },
    options?: McpRequestOptions,
  ): Promise<{ readonly tools: readonly McpTool[]; readonly nextCursor?: string | undefined }>;
  callTool(
    params: { name: string; arguments?: Record<string, unknown> },
    resultSchema?: undefined,
    options?: McpRequestOptions,
  ): Promise<unknown>;
  getServerVersion(): { readonly name: string } | undefined;
}

/** How long a request may take, and who hears of it meanwhile. */
export interface McpRequestOptions {
  signal?: AbortSignal;
  timeout?: number;
  resetTimeoutOnProgress?: boolean;
  onprogress?: (progress: McpProgress) => void;
}

/** How far a server says it is with a call. */
export interface McpProgress {
  readonly progress: number;
  readonly total?: number | undefined;
  readonly message?: string | undefined;
}

/** A tool as a server describes it. */
export interface McpTool {
  readonly name: string;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly inputSchema: object;
  readonly annotations?:
    | { readonly readOnlyHint?: boolean | undefined; readonly idempotentHint?: boolean | undefined }
    | undefined;
}

/** A server that is started as a process and spoken to over its standard input and output. */
export interface StdioServer {
  /** What the server is called in errors and, unless there is a `prefix`, in the names of its tools. */
  readonly name: string;
  readonly command: string;
  readonly args?: readonly string[] | undefined;
  /** Added to the few variables every process needs, such as PATH; the others of this process stay here. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly cwd?: string | undefined;
  /** Takes what the server writes to its standard error, which nobody sees otherwise. */
  readonly onStderr?: ((text: string) => void) | undefined;
}

/** A server that is spoken to over HTTP, by the transport called streamable HTTP. */
export interface HttpServer {
  /** What the server is called in errors and, unless there is a `prefix`, in the names of its tools. */
  readonly name: string;
  readonly url: string;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** A connection, and how to end it. */
export interface McpConnection {
  readonly client: McpClient;
  close(): Promise<void>;
}

/** Connects to a server. */
export async function connectMcp(
  server: StdioServer | HttpServer,
  timeoutMs: number,
): Promise<McpConnection> {
  const [{ Client }, { ListToolsResultSchema }] = await load(
    Promise.all([
      import("@modelcontextprotocol/sdk/client/index.js"),
      import("@modelcontextprotocol/sdk/types.js"),
    ]),
  );
  const client = new Client({ name: "loophost", version: "0" });
  const { transport, close } = "command" in server ? await overStdio(server) : await overHttp(server);
  let closing: Promise<void> | undefined;
  const closeOnce = () => (closing ??= close(client).catch(() => undefined));
  try {
    await client.connect(transport, { timeout: timeoutMs });
  } catch (thrown) {
    await closeOnce();
    throw toConnectError(thrown, server);
  }
  return {
    client: {
      // Not by listTools(): the client would then refuse results that are not as the last page of tools promised.
      listTools: (params = {}, options) =>
        client.request({ method: "tools/list", params }, ListToolsResultSchema, options),
      callTool: (params, resultSchema, options) => client.callTool(params, resultSchema, options),
      getServerVersion: () => client.getServerVersion(),
    },
    close: closeOnce,
  };
}

/** How a server that has just been told to stop is waited for; the SDK kills it after four seconds. */
const MAX_EXIT_MS = 6_000;
const MAX_GOODBYE_MS = 2_000;

interface Line {
  readonly transport: Parameters<Client["connect"]>[0];
  readonly close: (client: Client) => Promise<void>;
}

async function overStdio({ command, args = [], env = {}, cwd, onStderr }: StdioServer): Promise<Line> {
  const { StdioClientTransport } = await load(import("@modelcontextprotocol/sdk/client/stdio.js"));
  const transport = new StdioClientTransport({
    command,
    args: [...args],
    env: { ...env },
    stderr: onStderr === undefined ? "ignore" : "pipe",
    ...(cwd === undefined ? {} : { cwd }),
  });
  transport.stderr?.on("data", (chunk: unknown) => onStderr?.(String(chunk)));
  const exited = Promise.withResolvers<void>();
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- a transport has no other way to tell
  transport.onclose = exited.resolve;
  return {
    transport,
    close: async (client) => {
      await client.close();
      // The client may have been closing already, and then does not wait.
      await atMost(MAX_EXIT_MS, exited.promise);
    },
  };
}

async function overHttp({ name, url, headers = {} }: HttpServer): Promise<Line> {
  const { StreamableHTTPClientTransport } = await load(
    import("@modelcontextprotocol/sdk/client/streamableHttp.js"),
  );
  const transport = new StreamableHTTPClientTransport(toUrl(url, name), {
    requestInit: { headers: toHeaders(headers, name) },
  });
  return {
    transport,
    close: async (client) => {
      await atMost(MAX_GOODBYE_MS, transport.terminateSession());
      await client.close();
    },
  };
}

async function load<T>(loading: Promise<T>): Promise<T> {
  try {
    return await loading;
  } catch (cause) {
    throw new LoophostError(
      "missing_dependency",
      "mcpTools() needs the package @modelcontextprotocol/sdk: npm install @modelcontextprotocol/sdk",
      { cause },
    );
  }
}

function toUrl(url: string, name: string): URL {
  if (URL.canParse(url)) return new URL(url);
  throw new LoophostError(
    "invalid_options",
    `MCP server "${name}": url is not a URL: ${JSON.stringify(url)}.`,
  );
}

function toHeaders(headers: Readonly<Record<string, string>>, name: string): Headers {
  const checked = new Headers();
  for (const [header, value] of Object.entries(headers)) {
    try {
      checked.set(header, value);
    } catch {
      // The original error quotes the value, which may be a secret.
      throw new LoophostError(
        "invalid_options",
        `MCP server "${name}": the header ${JSON.stringify(header)} has characters that cannot be sent.`,
      );
    }
  }
  return checked;
}

function toConnectError(thrown: unknown, server: StdioServer | HttpServer): LoophostError {
  const status =
    isObject(thrown) && typeof thrown["code"] === "number" && thrown["code"] >= 400
      ? thrown["code"]
      : undefined;
  const doing =
    "command" in server ? `be started by ${server.command}` : `be reached at ${new URL(server.url).host}`;
  const advice = "command" in server ? " What it wrote to its standard error goes to onStderr." : "";
  return new LoophostError(
    status === undefined ? "host_unreachable" : "host_rejected",
    `The MCP server "${server.name}" could not ${doing}: ${messageOf(thrown)}.${advice}`,
    { cause: thrown, status },
  );
}

/** Waits for something, whatever becomes of it, but not for long. */
async function atMost(ms: number, something: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const cancel = systemClock.after(ms, late.resolve);
  await Promise.race([something.catch(() => undefined), late.promise]);
  cancel();
}
