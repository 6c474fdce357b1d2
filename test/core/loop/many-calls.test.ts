// Turns with more calls than anybody means: stopped at a limit, before their cost stops the process.

import { defineAgent, defineTool, run } from "loophost";
import { scriptedProvider } from "loophost/testing";
import { expect, it } from "vitest";

import { anything, call, done, needs } from "../../support/host-events.ts";

const note = defineTool({ name: "note", description: "Notes", input: anything, execute: () => "noted" });
const agent = defineAgent({ name: "tester", instructions: "", tools: [note] });

function turnsOf(count: number) {
  const ids = Array.from({ length: count }, (_, index) => `call_${index}`);
  return [[...ids.map((id) => call(id, "note")), needs(...ids)], [done]];
}

it.each(["each", "together"] as const)("runs a thousand calls of a turn, answers %s", async (answers) => {
  const provider = scriptedProvider({ answers, turns: turnsOf(1_000) });
  const result = await run(agent, { provider, prompt: "go", keepEvents: "none" });
  expect(result.toolCalls).toHaveLength(1_000);
  expect(result.ending).toBe("completed");
});

it("fails a run whose host calls more in one turn, and says so", async () => {
  const provider = scriptedProvider({ turns: turnsOf(1_001) });
  await expect(run(agent, { provider, prompt: "go" })).rejects.toMatchObject({
    code: "host_protocol",
    message: "The host called more than 1000 tools in one turn.",
  });
});
