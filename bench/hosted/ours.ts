/** Ours: a hosted session through the public entry points, as a user writes it. */

import { run } from "loophost";
import { claude } from "loophost/providers/claude";

import { benchAgent } from "../agent.ts";
import { toModelName } from "../script.ts";
import { Orders, PROMPT } from "../task.ts";
import type { HostedSetting, HoldSession } from "./setting.ts";

/** Sets our client up. */
export async function ours({ url, script }: HostedSetting): Promise<HoldSession> {
  const provider = claude({ baseUrl: url });
  const agent = benchAgent(toModelName(script));
  return async () => {
    const context = new Orders(script);
    await run(agent, { provider, prompt: PROMPT, context });
    return context;
  };
}
