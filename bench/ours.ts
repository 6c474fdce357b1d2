/** Ours: the same task through the public entry points, as a user writes it. */

import type { SessionResult } from "loophost";
import { isDelta, openSession, run } from "loophost";
import { anthropicMessages, local } from "loophost/providers/local";

import { benchAgent } from "./agent.ts";
import type { Converse, Outcome, Setting } from "./task.ts";
import { Orders, PROMPT } from "./task.ts";

/** Sets our loop up. */
export function ours({ url, script, threads, read }: Setting, model: string): Converse {
  const provider = local({ model: anthropicMessages({ model, apiKey: "bench", baseUrl: url, threads }) });
  const agent = benchAgent();
  if (read === "result")
    return async () => {
      const context = new Orders(script);
      return outcome(context, await run(agent, { provider, prompt: PROMPT, context }));
    };
  return async (onText) => {
    const context = new Orders(script);
    await using session = await openSession(agent, { provider, context });
    const reading = session.send(PROMPT);
    for await (const event of reading) if (isDelta(event)) onText?.(event.text);
    return outcome(context, await reading.result());
  };
}

function outcome({ toolCalls, inputChars }: Orders, { turns, text }: SessionResult): Outcome {
  return { turns, toolCalls, inputChars, textChars: text.length };
}
