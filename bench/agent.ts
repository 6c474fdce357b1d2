/** The agent of the bench, as a user of ours defines it: the tool finds its counts in the run's context. */

import type { Agent } from "loophost";
import { defineAgent, defineTool } from "loophost";

import { INSTRUCTIONS, LOOK_UP, Orders } from "./task.ts";

/** Defines the agent; `model` where the loop host is to be told which script to play. */
export function benchAgent(model?: string): Agent {
  const lookUp = defineTool({
    name: LOOK_UP.name,
    description: LOOK_UP.description,
    input: LOOK_UP.inputSchema,
    execute: (input, { context }) => {
      // A parse boundary: what run() was given as context comes back as it was.
      if (!(context instanceof Orders) || typeof input["query"] !== "string") throw new TypeError("not ours");
      return context.lookUp(input["query"]);
    },
  });
  return defineAgent({
    name: "bench",
    instructions: INSTRUCTIONS,
    model,
    tools: [lookUp],
    limits: { maxTurns: Infinity },
  });
}
