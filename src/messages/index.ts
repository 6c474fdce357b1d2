/** The agent loop over the Messages API: a face over the one loop of this library. */

export { AgentError } from "./agent-error.ts";
export type { ContentBlock, Message, ToolResultBlock, ToolUseBlock } from "./message.ts";
export type { ToolRegistry } from "./registry.ts";
export { createToolRegistry } from "./registry.ts";
export type { AgentConfig, AgentEvent, AgentResult } from "./run-agent.ts";
export { runAgent, runWithEvents, runWithMessages } from "./run-agent.ts";
export { buildToolResultsMessage, extractToolCalls } from "./tool-calls.ts";
