/**
 * Structured output: the run ends with a value of a given schema. Built on the terminal tool, so that it works on every
 * loop host: the model hands in its answer by calling a tool, and is asked again until it does.
 */

import type { Agent } from "../agent.ts";
import { OUTPUT_TOOL } from "../agent.ts";
import { LoophostError } from "../errors.ts";
import type { Tool } from "../tool.ts";

/** The agent as a host gets to see it: with the output tool among its tools. */
export function withOutputTool(agent: Agent): Agent {
  if (agent.output === undefined) return agent;
  const tool: Tool = {
    name: OUTPUT_TOOL,
    description: "Hands in your final result. Call it once, when you are done; then end your turn.",
    schema: agent.output.schema,
    // The value is taken from the call itself when the run ends; what is checked here is that it is valid.
    execute: () => "Received.",
    timeoutMs: undefined,
    // Handing in a result has no effect outside: after a crash it is simply done again.
    ifCrashed: "rerun",
  };
  const terminalTool = { name: OUTPUT_TOOL, maxReprompts: agent.output.maxReprompts };
  return { ...agent, tools: [...agent.tools, tool], terminalTool };
}

/** The error of a run whose output never came. */
export function noOutput(): LoophostError {
  return new LoophostError(
    "no_output",
    `The model ended without a valid call of ${OUTPUT_TOOL}, though it was asked for one.`,
  );
}
