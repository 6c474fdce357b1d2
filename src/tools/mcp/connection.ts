/**
 * Connections to MCP servers through the official SDK.
 *
 *   C1  a connection that cannot be made leaves nothing behind: no process, no session on the server
 *   C2  closing waits until the server's process is gone, but not for ever, and never rejects
 */

import type { Client } from "@modelcontextprotocol/sdk/client/index.js";

import { MAX_TIMER_MS } from "../../core/clock.ts";
import { LoophostError, messageOf } from "../../core/errors.ts";
import type { JsonSchema } from "../../core/json.ts";
import { isObject } from "../../core/json.ts";
import type { McpElicitAnswer, McpElicitation } from "./elicit.ts";
import { elicit } from "./elicit.ts";
import type { Line } from "./transport.ts";
import { load, overHttp, overStdio } from "./transport.ts";

/** What is used of a connected `Client` of `@modelcontextprotocol/sdk`. */
export interface McpClient {
  listTools(
    params?: { cursor?: string },
    options?: McpRequestOptions,
  ): Promise<{ readonly tools: readonly McpTool[]; readonly nextCursor?: string | undefined }>;
  callTool(
    params: { name: string; arguments?: Record<string, unknown>; _meta?: Record<string, unknown> },
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
  /** What requests are sent with, such as one that logs in as the server asks. Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** A connection, and how to end it. */
export interface McpConnection {
  readonly client: McpClient;
  close(): Promise<void>;
}

/**
 * Connects to a server. Over HTTP, a session that the server no longer knows is begun anew, and the request made again:
 * a 404 says that it was not looked at.
 */
export async function connectMcp(
  server: StdioServer | HttpServer,
  timeoutMs: number,
  onElicit: OnElicit | undefined,
): Promise<McpConnection> {
  let current = await open(server, timeoutMs, onElicit);
  let reopening: Promise<void> | undefined;
  let isClosed = false;
  const reopen = async (): Promise<void> => {
    const gone = current;
    current = await open(server, timeoutMs, onElicit);
    await gone.close();
    if (isClosed) await current.close();
  };
  const inSession = async <T>(request: (client: Client) => Promise<T>): Promise<T> => {
    const used = current;
    try {
      return await request(used.client);
    } catch (thrown) {
      if (isClosed || !used.isGone(thrown)) throw used.tooMuch(thrown) ?? used.withoutSecrets(thrown);
      if (used === current) await (reopening ??= reopen().finally(() => (reopening = undefined)));
      return await request(current.client);
    }
  };
  return {
    client: {
      listTools: (params = {}, options) => inSession((client) => listLoosely(client, params, options)),
      callTool: (params, resultSchema, options) =>
        inSession((client) => client.callTool(params, resultSchema, options)),
      getServerVersion: () => current.client.getServerVersion(),
    },
    close: async () => {
      isClosed = true;
      await current.close();
    },
  };
}

/** A client that is connected already, and is closed by whoever connected it. */
export async function keepOpen(client: McpClient): Promise<McpConnection> {
  // Whatever else answers like a client needs no SDK.
  const sdk = await import("@modelcontextprotocol/sdk/client/index.js").catch(() => undefined);
  const loosely: McpClient =
    sdk !== undefined && client instanceof sdk.Client
      ? {
          listTools: (params = {}, options) => listLoosely(client, params, options),
          callTool: (params, resultSchema, options) => client.callTool(params, resultSchema, options),
          getServerVersion: () => client.getServerVersion(),
        }
      : client;
  return { client: loosely, close: () => Promise.resolve() };
}

/**
 * Asks for tools, and leaves it to us to look at each. By `listTools()` one odd tool fails the whole list, and results that
 * are not as the last page of tools promised are refused.
 */
async function listLoosely(
  client: Client,
  params: { cursor?: string },
  options: McpRequestOptions | undefined,
): Promise<Awaited<ReturnType<McpClient["listTools"]>>> {
  const { ResultSchema } = await load(import("@modelcontextprotocol/sdk/types.js"));
  const listed: unknown = await client.request({ method: "tools/list", params }, ResultSchema, options);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- looked at by list.ts, part by part
  return listed as Awaited<ReturnType<McpClient["listTools"]>>;
}

type OnElicit = (asked: McpElicitation) => McpElicitAnswer | Promise<McpElicitAnswer>;

interface Opened extends Pick<Line, "isGone" | "tooMuch" | "withoutSecrets"> {
  readonly client: Client;
  readonly close: () => Promise<void>;
}

async function open(
  server: StdioServer | HttpServer,
  timeoutMs: number,
  onElicit: OnElicit | undefined,
): Promise<Opened> {
  const [{ Client }, { ElicitRequestSchema }] = await load(
    Promise.all([
      import("@modelcontextprotocol/sdk/client/index.js"),
      import("@modelcontextprotocol/sdk/types.js"),
    ]),
  );
  const capabilities = onElicit === undefined ? {} : { elicitation: { form: {} } };
  const client = new Client({ name: "loophost", version: "0" }, { capabilities });
  if (onElicit !== undefined)
    client.setRequestHandler(ElicitRequestSchema, ({ params }, { signal }) => {
      if (!("requestedSchema" in params)) return { action: "decline" };
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it came as JSON, and is compiled before it is used
      const schema = params.requestedSchema as unknown as JsonSchema;
      return elicit(onElicit, { server: server.name, message: params.message, schema, signal });
    });
  const line = "command" in server ? await overStdio(server) : await overHttp(server);
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= line.close(client).catch(() => undefined));
  try {
    await client.connect(line.transport, { timeout: Math.min(timeoutMs, MAX_TIMER_MS) });
  } catch (thrown) {
    await close();
    throw line.tooMuch(thrown) ?? toConnectError(thrown, server, line);
  }
  return { ...line, client, close };
}

function toConnectError(thrown: unknown, server: StdioServer | HttpServer, line: Line): LoophostError {
  const status =
    isObject(thrown) && typeof thrown["code"] === "number" && thrown["code"] >= 400
      ? thrown["code"]
      : undefined;
  const doing =
    "command" in server ? `be started by ${server.command}` : `be reached at ${new URL(server.url).host}`;
  const cause = line.withoutSecrets(thrown);
  const lastWords = line.lastWords();
  const advice =
    "command" in server
      ? lastWords === ""
        ? " It wrote nothing to its standard error."
        : ` The last it wrote to its standard error:\n${lastWords}`
      : "";
  return new LoophostError(
    status === undefined ? "host_unreachable" : "host_rejected",
    `The MCP server "${server.name}" could not ${doing}: ${messageOf(cause)}.${advice}`,
    { cause, status },
  );
}
