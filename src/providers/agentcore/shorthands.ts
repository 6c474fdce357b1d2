/** An agent in a harness in one call: `run` with the provider made on the way. */

import type { Agent } from "../../core/agent.ts";
import type { SessionResult } from "../../core/results.ts";
import type { NeedsContext } from "../../core/session.ts";
import type { RunOnceOptions } from "../../core/session/run-once.ts";
import { run } from "../../core/session/run-once.ts";
import type { AgentCoreOptions } from "./agentcore.ts";
import { agentcore } from "./agentcore.ts";

/** How an agent is run once: as `run`, with the options of `agentcore()` in place of a provider. */
export interface InvokeToCompletionOptions extends Omit<RunOnceOptions, "provider"> {
  readonly agentcore: AgentCoreOptions;
}

/**
 * Runs an agent in a harness once, to a terminal: `run(agent, { provider: agentcore(…), … })`.
 *
 * @throws LoophostError as `run` and `agentcore` do
 */
export async function invokeToCompletion<Output, Context>(
  agent: Agent<Output, Context>,
  { agentcore: how, ...options }: InvokeToCompletionOptions & NeedsContext<Context>,
): Promise<SessionResult<Output>> {
  const whole: RunOnceOptions = { ...options, provider: agentcore(how) };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the context is among the options, as the caller had to give it
  return run(agent, whole as RunOnceOptions & NeedsContext<Context>);
}
