// A process for a test to stop and continue: one run with a deadline that waits for an answer over HTTP, by its model or by its
// tool. Arguments: who waits, and the address. Writes what became of the run.

import { defineAgent, defineTool, run } from "loophost";
import { local, openAICompatible } from "loophost/providers/local";

const [, , waits = "model", url = ""] = process.argv;

const ask = defineTool({
  name: "ask",
  description: "Asks",
  input: { type: "object" },
  execute: async (_, { signal }) => (await fetch(url, { method: "POST", signal })).text(),
});
const limits = waits === "model" ? { runTimeoutMs: 3_000 } : { toolTimeoutMs: 3_000 };
const call = { type: "tool_call" as const, id: "c1", name: "ask", input: {} };
const provider = local({
  model:
    waits === "model"
      ? openAICompatible({ baseUrl: url, retry: { attempts: 1 } })
      : ({ messages }) => (messages.length === 1 ? [call] : JSON.stringify(messages.at(-1))),
});
const agent = defineAgent({ name: "a", instructions: "", model: "m", tools: [ask], limits });
const came = await run(agent, { provider, prompt: "go" }).then(
  ({ text }) => text,
  (error: unknown) => String(error),
);
process.stdout.write(came, () => process.exit());
