/** Where a tool comes from, for observers: kept on the tool under a symbol, so that a copy of it, `{ ...tool }`, has it too. */

import type { Tool } from "./tool.ts";

/** The MCP server that executes a tool. */
export interface ToolOrigin {
  readonly mcpServer: string;
  /** As OpenTelemetry names it: "pipe" for a process, "tcp" over HTTP; undefined for a client that was connected by others. */
  readonly transport: "pipe" | "tcp" | undefined;
}

const ORIGIN: unique symbol = Symbol.for("loophost.tool.origin");

/** The tool, with where it comes from. */
export function withOrigin<T extends Tool>(tool: T, origin: ToolOrigin): T {
  return { ...tool, [ORIGIN]: origin };
}

/** Where a tool comes from; undefined for one of the user's own. */
export function originOf(tool: Tool & { readonly [ORIGIN]?: ToolOrigin }): ToolOrigin | undefined {
  return tool[ORIGIN];
}
