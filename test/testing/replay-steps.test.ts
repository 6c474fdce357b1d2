import { defineAgent, defineTool, type LoopStep, openSession } from "loophost";
import { local } from "loophost/providers/local";
import { replaySteps } from "loophost/testing";
import { expect, it } from "vitest";

const double = defineTool({
  name: "double",
  description: "Doubles",
  input: { type: "object" },
  execute: ({ n }) => Number(n) * 2,
});

async function steps(onStep: (step: LoopStep) => void): Promise<void> {
  const agent = defineAgent({ name: "a", instructions: "", tools: [double], limits: { maxTurns: Infinity } });
  const provider = local({
    model: ({ messages }) =>
      messages.at(-1)?.role === "user"
        ? [{ type: "tool_call", id: "k1", name: "double", input: { n: 2 } }]
        : "four",
  });
  await using session = await openSession(agent, { provider, onStep });
  await session.send("double 2").result();
}

it("tells every input of the loop and what followed, and they replay to the same commands", async () => {
  const told: LoopStep[] = [];
  await steps((step) => told.push(step));
  expect(told.map(({ input }) => input.type)).toEqual(
    expect.arrayContaining(["start", "turn.began", "call", "finished", "turn.done", "posted"]),
  );
  const written = told.map((step) => JSON.stringify(step)).join("\n");
  const read: LoopStep[] = written.split("\n").map((line) => JSON.parse(line));
  expect(replaySteps(read)).toBeUndefined();
});

it("names the first step whose commands are others", async () => {
  const told: LoopStep[] = [];
  await steps((step) => told.push(step));
  const at = told.findIndex(({ input }) => input.type === "finished");
  const changed = told.map((step, index) => (index === at ? { ...step, commands: [] } : step));
  expect(replaySteps(changed)).toMatchObject({ step: at + 1, input: { type: "finished" }, recorded: [] });
});

it("is not disturbed by an observer that throws", async () => {
  await expect(
    steps(() => {
      throw new Error("no");
    }),
  ).resolves.toBeUndefined();
});
