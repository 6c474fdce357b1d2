/** A registry of tools that can change while a program runs, and dispatches calls by name. */

import { DEFAULT_LIMITS } from "../core/agent.ts";
import { systemClock } from "../core/clock.ts";
import { runTool } from "../core/execution/run-tool.ts";
import type { JsonSchema } from "../core/json.ts";
import type { ToolResult } from "../core/results.ts";
import type { Tool } from "../core/tool.ts";

/** Tools by name, in the order they were registered. */
export interface ToolRegistry {
  /** Adds a tool; one of the same name is replaced. */
  register(tool: Tool): ToolRegistry;
  unregister(name: string): ToolRegistry;
  isEmpty(): boolean;
  tools(): readonly Tool[];
  /** The tools as the Messages API takes them. */
  toJson(): readonly {
    readonly name: string;
    readonly description: string;
    readonly input_schema: JsonSchema;
  }[];
  /** Runs a tool on some input, as parsed JSON or as its text. Never rejects: an unknown name and bad input are error results. */
  dispatch(
    name: string,
    input: unknown,
    options?: { readonly signal?: AbortSignal; readonly timeoutMs?: number; readonly context?: unknown },
  ): Promise<ToolResult>;
}

/** Makes a registry. */
export function createToolRegistry(initial: readonly Tool[] = []): ToolRegistry {
  const byName = new Map(initial.map((tool) => [tool.name, tool]));
  const registry: ToolRegistry = {
    register(tool) {
      byName.set(tool.name, tool);
      return registry;
    },
    unregister(name) {
      byName.delete(name);
      return registry;
    },
    isEmpty: () => byName.size === 0,
    tools: () => [...byName.values()],
    toJson: () =>
      [...byName.values()].map(({ name, description, schema }) => ({
        name,
        description,
        input_schema: schema.jsonSchema,
      })),
    dispatch(
      name,
      input,
      { signal = new AbortController().signal, timeoutMs = DEFAULT_LIMITS.toolTimeoutMs, context } = {},
    ) {
      const id = `dispatch_${crypto.randomUUID()}`;
      const { value, problem } = typeof input === "string" ? readJson(input) : { value: input };
      return runTool(
        { name, input: value, problem },
        {
          tools: byName,
          context: {
            callId: id,
            sessionId: "",
            idempotencyKey: id,
            context,
            metadata: {},
            traceContext: {},
            progress: () => undefined,
          },
          signal,
          timeoutMs,
          maxResultChars: DEFAULT_LIMITS.maxResultChars,
          clock: systemClock,
        },
      );
    },
  };
  return registry;
}

function readJson(text: string): { readonly value: unknown; readonly problem?: string } {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return { value: text, problem: "the input is not valid JSON" };
  }
}
