/**
 * Reads the list of tools of an MCP server tool by tool: one that is odd is left out, with the reason, and the others are there.
 *
 *   L1  one deadline for the whole list, also when the client that asks heeds none, and a bound in characters for it and for each tool
 */

import { deadline } from "../../core/async/deadline.ts";
import { MAX_TIMER_MS, systemClock } from "../../core/clock.ts";
import { LoophostError, messageOf, toLoophostError } from "../../core/errors.ts";
import { compileJsonSchema } from "../../core/json-schema/check.ts";
import type { JsonSchema } from "../../core/json.ts";
import { isKeepable, isObject } from "../../core/json.ts";
import type { McpClient, McpTool } from "./connection.ts";

/** A tool of a server's that cannot be used, and why. */
export interface McpLeftOut {
  /** The server's name for it; its place in the list when it has none. */
  readonly name: string;
  readonly why: string;
}

/** A list, read. */
export interface McpList {
  readonly tools: readonly (McpTool & { readonly inputSchema: JsonSchema })[];
  readonly leftOut: readonly McpLeftOut[];
}

/** Above what any server needs; they are there for a server that lists without end. */
const MAX_PAGES = 1_000;
const MAX_TOOLS = 10_000;
const MAX_TOOL_CHARS = 1_000_000;
const MAX_LIST_CHARS = 20_000_000;

/**
 * Reads a server's list.
 *
 * @param timeoutMs milliseconds for all of its pages
 * @throws LoophostError `host_protocol` for what is no list, has no end, is too large or late; `reply_too_large` for a page that is
 */
export async function listTools(client: McpClient, timeoutMs: number, server: string): Promise<McpList> {
  const late = Promise.withResolvers<never>();
  const end = systemClock.now() + timeoutMs;
  const cancel = deadline(systemClock, timeoutMs, () =>
    late.reject(odd(server, `did not list its tools in ${timeoutMs} ms`)),
  );
  // What is asked of the client ends a little later, so that it is this deadline that tells.
  const ask = (cursor: string | undefined) =>
    client.listTools(cursor === undefined ? {} : { cursor }, {
      timeout: Math.min(end - systemClock.now() + 1_000, MAX_TIMER_MS),
    });
  try {
    return await Promise.race([readPages(ask, server), late.promise]);
  } finally {
    cancel();
  }
}

async function readPages(
  ask: (cursor: string | undefined) => Promise<unknown>,
  server: string,
): Promise<McpList> {
  const tools = new Map<string, McpList["tools"][number]>();
  const leftOut: McpLeftOut[] = [];
  const cursors = new Set<string>();
  let cursor: string | undefined;
  let count = 0;
  let chars = 0;
  const weigh = (more: number) => {
    chars += more;
    if (chars > MAX_LIST_CHARS) throw odd(server, `lists more than ${MAX_LIST_CHARS} characters of tools`);
  };
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const listed: unknown = await ask(cursor).catch((thrown: unknown) => {
      throw toLoophostError(thrown, "host_protocol", `The MCP server "${server}" did not list its tools`);
    });
    const { tools: given, nextCursor } = isObject(listed) ? listed : {};
    if (!Array.isArray(given)) throw odd(server, "answered with something that is no list of tools");
    count += given.length;
    if (count > MAX_TOOLS) throw odd(server, `lists more than ${MAX_TOOLS} tools`);
    for (const [index, tool] of given.entries()) {
      const size = isKeepable(tool) ? JSON.stringify(tool).length : undefined;
      weigh(size ?? 0);
      const read = readTool(tool, size);
      if (typeof read !== "string") tools.set(read.name, read);
      else leftOut.push({ name: nameOf(tool) ?? `tool ${index + 1} of page ${page}`, why: read });
    }
    if (typeof nextCursor !== "string") return { tools: [...tools.values()], leftOut };
    weigh(nextCursor.length);
    if (cursors.has(nextCursor)) break;
    cursors.add((cursor = nextCursor));
  }
  throw odd(server, "lists its tools without end");
}

/** A tool as it can be used; otherwise why it cannot. One without a size is nested too deep to be written down. */
function readTool(tool: unknown, size: number | undefined): McpList["tools"][number] | string {
  const name = nameOf(tool);
  if (!isObject(tool) || name === undefined) return "it has no name";
  if (size === undefined) return "its description is nested more than 200 deep";
  if (size > MAX_TOOL_CHARS) return `it is described in more than ${MAX_TOOL_CHARS} characters`;
  const { title, description, inputSchema, annotations } = tool;
  if (!isObject(inputSchema)) return "its input schema is no object";
  // What is called with is always an object, so a schema that leaves that out means the same.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: it came as JSON
  const schema = (
    inputSchema["type"] === undefined ? { type: "object", ...inputSchema } : inputSchema
  ) as JsonSchema;
  if (schema["type"] !== "object") return 'its input schema is not of type "object"';
  try {
    compileJsonSchema(schema, "its input schema");
  } catch (thrown) {
    return messageOf(thrown);
  }
  const { readOnlyHint, idempotentHint } = isObject(annotations) ? annotations : {};
  return {
    name,
    title: textOf(title),
    description: textOf(description),
    inputSchema: schema,
    annotations: { readOnlyHint: readOnlyHint === true, idempotentHint: idempotentHint === true },
  };
}

function nameOf(tool: unknown): string | undefined {
  const name = isObject(tool) ? textOf(tool["name"]) : undefined;
  return name === "" ? undefined : name?.slice(0, 1_000);
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function odd(server: string, what: string): LoophostError {
  return new LoophostError("host_protocol", `The MCP server "${server}" ${what}.`);
}
