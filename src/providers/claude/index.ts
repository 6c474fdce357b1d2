/** The provider for Claude Managed Agents. */

export type { ClaudeOptions } from "./claude.ts";
export { claude } from "./claude.ts";
export type { ClaudeClient, ClaudeConnectionOptions } from "./client.ts";
