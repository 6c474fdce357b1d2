/** Ours: the same task through the public entry points, as a user writes it. */

import { run } from "loophost";
import { agentcore } from "loophost/providers/agentcore";

import { benchAgent } from "../agent.ts";
import type { Converse, Setting } from "../task.ts";
import { Orders, PROMPT } from "../task.ts";
import { toHarness } from "./harness.ts";

/** Sets our loop up. */
export function ours({ url, script }: Setting, model: string): Converse {
  const { endpoint: baseUrl, harnessArn } = toHarness(url);
  const provider = agentcore({ harnessArn, baseUrl, tools: "replace" });
  const agent = benchAgent(model);
  return async () => {
    const context = new Orders(script);
    const { turns, text } = await run(agent, { provider, prompt: PROMPT, context });
    const { toolCalls, inputChars } = context;
    return { turns, toolCalls, inputChars, textChars: text.length };
  };
}
