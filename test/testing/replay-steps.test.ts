import { defineAgent, defineTool, type LoopStep, openSession } from "loophost";
import { local } from "loophost/providers/local";
import { memoryStore } from "loophost/stores/memory";
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

it("replays a session that begins with a message an earlier process did not get to send", async () => {
  const pay = defineTool({
    name: "pay",
    description: "Pays",
    input: { type: "object" },
    needsApproval: true,
    execute: () => "paid",
  });
  const agent = defineAgent({ name: "a", instructions: "", tools: [pay] });
  const provider = local({
    model: ({ messages }) =>
      messages.length === 1 ? [{ type: "tool_call", id: "k1", name: "pay", input: {} }] : "done",
  });
  const store = memoryStore();
  const first = await openSession(agent, { provider, store });
  await first.send("pay", { ifWaiting: "return" }).result();
  await first.send("and then?", { ifWaiting: "return" }).result();
  await first.close();
  const told: LoopStep[] = [];
  await using second = await openSession(agent, {
    provider,
    store,
    sessionId: first.id,
    onStep: (step) => told.push(step),
  });
  await second.approve("k1");
  const { ending } = await second.resume().result();
  expect(ending).toBe("completed");
  expect(told.map(({ input }) => input.type)).toContain("finished");
  expect(replaySteps(told)).toBeUndefined();
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
