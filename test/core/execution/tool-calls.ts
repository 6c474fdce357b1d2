// What tests of tool calls share: calls as the machine decides on them, and tools that do as they are told.

import type { ToolRun } from "../../../src/core/execution/run-tool.ts";
import { runTool } from "../../../src/core/execution/run-tool.ts";
import type { Call } from "../../../src/core/loop/state.ts";
import type { ToolResult } from "../../../src/core/results.ts";
import type { Tool, ToolContext, ToolDefinition } from "../../../src/core/tool.ts";
import { defineTool } from "../../../src/core/tool.ts";
import { manualClock } from "../../../src/testing/manual-clock.ts";

const ANYTHING = { type: "object" } as const;

/** A call of "t", as the machine decided on it. */
export function callOf(id: string, changes: Partial<Call> = {}): Call {
  const call = {
    name: "t",
    input: {},
    problem: undefined,
    kind: "tool",
    status: "running",
    thread: undefined,
  } as const;
  return { id, ...call, approved: false, answer: undefined, raw: undefined, ...changes };
}

/** A tool named "t" that takes anything. */
export function toolThat(
  execute: (context: ToolContext) => unknown,
  options: Partial<ToolDefinition<typeof ANYTHING>> = {},
): Tool<Record<string, unknown>> {
  return defineTool({
    name: "t",
    description: "d",
    input: ANYTHING,
    execute: (_, context) => execute(context),
    ...options,
  });
}

/** A tool whose calls are let go one by one, by id. */
export function gatedTool(): { tool: Tool; started: readonly string[]; finish: (id: string) => void } {
  const started: string[] = [];
  const gates = new Map<string, () => void>();
  const tool = toolThat(({ callId }) => {
    started.push(callId);
    return new Promise((resolve) => gates.set(callId, () => resolve(callId)));
  });
  return { tool, started, finish: (id: string) => gates.get(id)?.() };
}

/** What the tool of `runIt` is told about its call. */
export const context: ToolRun["context"] = {
  callId: "call_1",
  sessionId: "session_1",
  idempotencyKey: "key_1",
  context: { tenant: "a" },
  metadata: {},
  traceContext: {},
  progress: () => undefined,
};

/** Runs a call of a tool. */
export function runIt(tool: Tool, call: Partial<Call> = {}, run: Partial<ToolRun> = {}): Promise<ToolResult> {
  return runTool(callOf("call_1", call), {
    tools: new Map([[tool.name, tool]]),
    context,
    signal: new AbortController().signal,
    timeoutMs: 1_000,
    maxResultChars: 1_000,
    clock: manualClock(),
    ...run,
  });
}
