/**
 * The tools of MCP servers as tools of this library's: they are called from here, whatever loop host the agent runs on.
 *
 *   P1  a server that fails, hangs or dies is an error result for the model, never a crash and never a wait without end
 *   P2  the input schema is the server's own, and a call goes to the server only with input that fits it
 */

import { contained } from "../../core/async/contained.ts";
import type { Check, Checks } from "../../core/check-options.ts";
import {
  checkOptions,
  FUNCTION,
  isString,
  listOf,
  MILLISECONDS,
  must,
  NAME,
  STRING,
  STRINGS_BY_NAME,
  withMethods,
} from "../../core/check-options.ts";
import { MAX_TIMER_MS } from "../../core/clock.ts";
import { LoophostError, messageOf } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";
import type { ToolOrigin } from "../../core/tool-origin.ts";
import { withOrigin } from "../../core/tool-origin.ts";
import type { Tool, ToolContext } from "../../core/tool.ts";
import { defineTool } from "../../core/tool.ts";
import type {
  HttpServer,
  McpClient,
  McpProgress,
  McpRequestOptions,
  McpTool,
  StdioServer,
} from "./connection.ts";
import { connectMcp, keepOpen } from "./connection.ts";
import type { McpElicitAnswer, McpElicitation } from "./elicit.ts";
import type { McpLeftOut, McpList } from "./list.ts";
import { listTools } from "./list.ts";
import { nameTools } from "./names.ts";
import { toToolContent } from "./result.ts";

export type { HttpServer, McpClient, McpProgress, McpRequestOptions, McpTool, StdioServer };
export type { McpElicitAnswer, McpElicitation, McpLeftOut };

/** A client of `@modelcontextprotocol/sdk` that is connected already. Closing it stays with whoever connected it. */
export interface ConnectedServer {
  readonly client: McpClient;
  /** Default: what the server calls itself. */
  readonly name?: string | undefined;
}

/** Where tools come from, and which of them. */
export type McpToolsOptions = (StdioServer | HttpServer | ConnectedServer) & {
  /** Only these, by the server's names. */
  readonly only?: readonly string[] | undefined;
  /** All but these, by the server's names. */
  readonly except?: readonly string[] | undefined;
  /** What the names of the tools begin with. Default: the server's name; "" for none. */
  readonly prefix?: string | undefined;
  /** Milliseconds to connect, and again for the list of tools. Default 30 000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Milliseconds a call may take. Default: the agent's `toolTimeoutMs`. */
  readonly callTimeoutMs?: number | undefined;
  /** Resets the timeout `callTimeoutMs` (then 30 000 by default) at every progress notification, up to this many milliseconds in all. */
  readonly maxCallMs?: number | undefined;
  /**
   * Answers what a server asks of the user in the middle of a call. Without it the server is told that nobody can be
   * asked. What fails, or is no answer, declines. Not for a `client` that is connected already.
   */
  readonly onElicit?: ((asked: McpElicitation) => McpElicitAnswer | Promise<McpElicitAnswer>) | undefined;
  /** Told how far the server says it is with a call. */
  readonly onProgress?: ((progress: McpCallProgress) => void) | undefined;
};

/** How far a call is. */
export interface McpCallProgress extends McpProgress {
  /** The tool's name here. */
  readonly tool: string;
  readonly callId: string;
}

/** The tools of a server, and the connection they are called over. */
export interface McpToolSet extends AsyncDisposable {
  readonly tools: readonly Tool[];
  /** What the server lists and cannot be used, with the reason: a schema that cannot be checked, no name. */
  readonly leftOut: readonly McpLeftOut[];
  /** Ends the connection and the server's process. Calls after it get an error result. Never rejects. */
  close(): Promise<void>;
}

/**
 * Connects to an MCP server and makes tools of its tools. The list is taken once.
 *
 * @throws LoophostError `missing_dependency` without `@modelcontextprotocol/sdk`; `host_unreachable`, `host_rejected` or
 *   `host_protocol` when the server cannot be used; `invalid_options` without a way to one, or for names in `only` it does not have
 */
export async function mcpTools(options: McpToolsOptions): Promise<McpToolSet> {
  check(options);
  const { connectTimeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const connection =
    "client" in options
      ? await keepOpen(options.client)
      : await connectMcp(options, connectTimeoutMs, options.onElicit);
  const { client } = connection;
  const close = () => connection.close();
  try {
    const name = options.name ?? client.getServerVersion()?.name ?? "mcp";
    const { tools, leftOut } = await listTools(client, connectTimeoutMs, name);
    const chosen = choose(tools, leftOut, options, name);
    const theirs = chosen.map((tool) => tool.name);
    const ours = nameTools(options.prefix ?? name, theirs);
    const transport = "client" in options ? undefined : "url" in options ? "tcp" : "pipe";
    const calling = { client, server: name, transport, options } as const;
    return {
      leftOut,
      tools: chosen.map((tool) => toTool(tool, ours.get(tool.name) ?? tool.name, calling)),
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

const DEFAULT_TIMEOUT_MS = 30_000;

const STRINGS: Check = listOf("strings", isString);

const OPTIONS: Checks<StdioServer & HttpServer & ConnectedServer & McpToolsOptions> = {
  name: STRING,
  command: NAME,
  args: STRINGS,
  // A variable that is not set is none.
  env: must(
    "an object of strings",
    (value) => isObject(value) && Object.values(value).every((one) => one === undefined || isString(one)),
  ),
  cwd: STRING,
  onStderr: FUNCTION,
  url: STRING,
  headers: STRINGS_BY_NAME,
  fetch: FUNCTION,
  client: withMethods("listTools", "callTool"),
  only: STRINGS,
  except: STRINGS,
  prefix: STRING,
  connectTimeoutMs: MILLISECONDS,
  callTimeoutMs: MILLISECONDS,
  maxCallMs: MILLISECONDS,
  onProgress: FUNCTION,
  onElicit: FUNCTION,
};

function check(options: object | undefined): void {
  const given = isObject(options) ? options : {};
  checkOptions("mcpTools()", given, OPTIONS);
  const ways = ["command", "url", "client"].filter((way) => given[way] !== undefined);
  if (ways.length !== 1)
    throw new LoophostError(
      "invalid_options",
      "mcpTools() needs one way to a server: a `command` to start, the `url` it is at, or a connected `client`.",
    );
  if (ways[0] !== "client" && given["name"] === undefined)
    throw new LoophostError("invalid_options", 'mcpTools() needs a `name` for the server, such as "files".');
}

function choose(
  tools: McpList["tools"],
  leftOut: readonly McpLeftOut[],
  { only, except = [] }: McpToolsOptions,
  server: string,
): McpList["tools"] {
  const known = tools.map(({ name }) => name);
  const missing = only?.find((name) => !known.includes(name));
  const why = leftOut.find(({ name }) => name === missing)?.why;
  if (why !== undefined)
    throw new LoophostError(
      "invalid_tool",
      `The tool "${missing}" of the MCP server "${server}" cannot be used: ${why}`,
    );
  if (missing !== undefined)
    throw new LoophostError(
      "invalid_options",
      `The MCP server "${server}" has no tool "${missing}". Its tools are: ${known.join(", ") || "none"}.`,
    );
  return tools.filter(({ name }) => (only?.includes(name) ?? true) && !except.includes(name));
}

/** What calls are made with. */
interface Calling {
  readonly client: McpClient;
  readonly server: string;
  readonly transport: ToolOrigin["transport"];
  readonly options: McpToolsOptions;
}

function toTool(tool: McpList["tools"][number], name: string, calling: Calling): Tool {
  const { title, description, inputSchema, annotations } = tool;
  const { callTimeoutMs, maxCallMs } = calling.options;
  const isRepeatable = annotations?.readOnlyHint === true || annotations?.idempotentHint === true;
  const made = defineTool({
    name,
    description:
      [description, title, tool.name].find((text) => text !== undefined && text.trim() !== "") ?? name,
    input: inputSchema,
    timeoutMs: maxCallMs ?? callTimeoutMs,
    ifCrashed: isRepeatable ? "rerun" : "fail",
    execute: async (input, context) => {
      const request = toRequestOptions(name, context, calling.options);
      try {
        return toToolContent(
          await calling.client.callTool(
            { name: tool.name, arguments: input, ...metaOf(context) },
            undefined,
            request,
          ),
        );
      } catch (thrown) {
        throw new Error(describeFailure(thrown, calling.server), { cause: thrown });
      }
    },
  });
  return withOrigin(made, { mcpServer: calling.server, transport: calling.transport });
}

function toRequestOptions(
  tool: string,
  { signal, callId, progress: tell }: ToolContext,
  options: McpToolsOptions,
): McpRequestOptions {
  const { callTimeoutMs = DEFAULT_TIMEOUT_MS, maxCallMs, onProgress } = options;
  const isExtended = maxCallMs !== undefined;
  return {
    signal,
    // Unless progress moves it, the deadline is kept by whoever runs the tool.
    timeout: isExtended ? Math.min(callTimeoutMs, MAX_TIMER_MS) : MAX_TIMER_MS,
    resetTimeoutOnProgress: isExtended,
    onprogress(progress) {
      tell(progress);
      contained(() => onProgress?.({ ...progress, tool, callId }));
    },
  };
}

/** What continues the call's trace at the server, as the protocol has it: W3C trace context among the `_meta`. */
function metaOf({ traceContext }: ToolContext): { readonly _meta?: Record<string, unknown> } {
  return Object.keys(traceContext).length === 0 ? {} : { _meta: { ...traceContext } };
}

/** What the SDK says of itself. By the words, because servers use the same numbers for errors of their own. */
const GONE: RegExp = /^Not connected$|: Connection closed$/;
const LATE: RegExp = /: Request timed out$/;

function describeFailure(thrown: unknown, server: string): string {
  const message = messageOf(thrown);
  if (GONE.test(message))
    return `the MCP server "${server}" is no longer running, so none of its tools can be used`;
  if (LATE.test(message)) return `the MCP server "${server}" did not answer in time`;
  return `the MCP server "${server}" failed: ${message}`;
}
