// A server, over the official SDK, whose list of tools is too much in some way. Run as a program it speaks over standard input and output.

import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import type { ListToolsResult } from "@modelcontextprotocol/sdk/types.js";
import { ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";

/** A page of a list, by the number that its cursor ends in. */
type Page = (page: number) => unknown;

const tool = (name: string, more: object = {}) => ({ name, inputSchema: { type: "object" }, ...more });

/** A page, and the next after so many milliseconds. */
async function later(ms: number, page: number): Promise<unknown> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return { tools: [tool(`t${page}`)], nextCursor: String(page + 1) };
}

/** Lists, by what is the matter with them. */
export const LISTS: Readonly<Record<string, Page>> = {
  "a slow page after the other": (page) => later(150, page),
  "a page that never comes": () => new Promise<never>(() => {}),
  "more tools than anybody has": (page) => ({
    tools: Array.from({ length: 4_000 }, (_, index) => tool(`t${page}_${index}`)),
    nextCursor: String(page + 1),
  }),
  "more of them than fits": (page) => ({
    tools: [tool(`t${page}`, { description: "x".repeat(900_000) })],
    nextCursor: String(page + 1),
  }),
  "cursors that are large": (page) => ({
    tools: [],
    nextCursor: `${"x".repeat(900_000)} ${page + 1}`,
  }),
  "a page that is large": () => ({ tools: [tool("large", { description: "x".repeat(40_000_000) })] }),
  "a tool nested deep": () => {
    let items: object = {};
    for (let depth = 0; depth < 2_000; depth += 1) items = { items };
    return {
      tools: [tool("good"), { name: "deep", inputSchema: { type: "object", properties: { a: items } } }],
    };
  },
};

/** A server with one of these lists. */
export function listServer(what: string): Server {
  const server = new Server({ name: "lists", version: "1" }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, async ({ params }) => {
    const page = /\d+$/.exec(params?.cursor ?? "0")?.[0];
    return (await LISTS[what]?.(Number(page))) as ListToolsResult;
  });
  return server;
}

if (import.meta.main) await listServer(process.argv[2] ?? "").connect(new StdioServerTransport());
