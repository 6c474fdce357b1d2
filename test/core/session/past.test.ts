// What a host does before the first run of a process is told by the run that is taken up, once each.

import type { SessionEvent, SessionResult } from "loophost";
import { defineAgent, defineTool, openSession } from "loophost";
import { memoryStore } from "loophost/stores/memory";
import type { Script } from "loophost/testing";
import { scriptedProvider } from "loophost/testing";
import { expect, it } from "vitest";

const agent = defineAgent({ name: "a", instructions: "Help." });
const DONE = { type: "turn.done", ending: "completed", stopReason: null } as const;

/** A run whose process is gone before its host did anything is taken up, once the host has done this, and this between opening and run. */
async function takenUp(
  past: NonNullable<Script["past"]>,
  ...meanwhile: NonNullable<Script["past"]>
): Promise<{ told: readonly SessionEvent[]; result: SessionResult }> {
  const store = memoryStore();
  const before = scriptedProvider();
  await using gone = await openSession(agent, { provider: before, store });
  const lost = gone
    .send("go")
    .result()
    .catch(() => "lost");
  await expect.poll(() => before.sent).toHaveLength(1);
  const provider = scriptedProvider({ past });
  await using session = await openSession(agent, { provider, store, sessionId: gone.id, ifOwned: "take" });
  provider.emit(...meanwhile);
  const run = session.resume();
  const told = await Array.fromAsync(run);
  await gone.close().catch(() => undefined);
  expect(await lost).toBe("lost");
  return { told, result: await run.result() };
}

it("tells how turns began and ended that the process did not see", async () => {
  const { told, result } = await takenUp([
    { type: "message.seen" },
    { type: "turn.began" },
    { type: "message", text: "I look" },
    { ...DONE, ending: "requires_action", needs: [] },
    { type: "turn.began" },
    { type: "message", text: "found" },
    DONE,
  ]);
  expect(told.flatMap((event) => ("turn" in event ? `${event.type} ${event.turn}` : event.type))).toEqual([
    "run.started",
    "turn.started 1",
    "message",
    "turn.ended 1",
    "turn.started 2",
    "message",
    "turn.ended 2",
    "run.ended",
  ]);
  expect(result).toMatchObject({ turns: 2, text: "found" });
});

it("tells what the host did between the opening and the run", async () => {
  const { told, result } = await takenUp(
    [{ type: "message.seen" }],
    { type: "turn.began" },
    { type: "text.delta", text: "he" },
    { type: "message", text: "hello" },
    DONE,
  );
  expect(told.map(({ type }) => type)).toEqual([
    "run.started",
    "turn.started",
    "message",
    "turn.ended",
    "run.ended",
  ]);
  expect(result).toMatchObject({ turns: 1, text: "hello" });
});

it.each(["before the opening", "after it"])(
  "counts a turn that began just before its message as the first, and tells nothing of those before: all %s",
  async (when) => {
    const past = [
      { type: "message.seen" },
      { type: "turn.began" },
      { type: "message", text: "earlier" },
      DONE,
      { type: "turn.began" },
      { type: "message.seen" },
      { type: "message", text: "now" },
      DONE,
    ] as const;
    const { told, result } = await (when === "after it" ? takenUp([], ...past) : takenUp(past));
    expect(told.flatMap((event) => ("turn" in event ? `${event.type} ${event.turn}` : event.type))).toEqual([
      "run.started",
      "turn.started 1",
      "message",
      "turn.ended 1",
      "run.ended",
    ]);
    expect(result).toMatchObject({ turns: 1, text: "now" });
  },
);

it("tells what a call came to whose result the host has, and whose process died before it told so", async () => {
  const call = { type: "call", id: "c1", name: "add", input: {} } as const;
  const waits = { ...DONE, ending: "requires_action", needs: ["c1"] } as const;
  const tool = defineTool({
    name: "add",
    description: "Adds",
    input: { type: "object" },
    execute: () => "3",
  });
  const adding = defineAgent({ name: "a", instructions: "Help.", tools: [tool] });
  const store = memoryStore();
  const isAnswer = Promise.withResolvers<void>();
  const before = scriptedProvider({
    turns: [[call, waits]],
    onSend: async (inputs) => {
      if (!inputs.some(({ type }) => type === "tool_result")) return;
      isAnswer.resolve();
      await new Promise(() => undefined);
    },
  });
  const gone = await openSession(adding, { provider: before, store });
  gone
    .send("go")
    .result()
    .catch(() => undefined);
  await isAnswer.promise;
  const past = [{ type: "message.seen" }, { type: "turn.began" }, call, waits] as const;
  const after = [{ type: "call.answered", id: "c1" }, { type: "turn.began" }, DONE] as const;
  await using session = await openSession(adding, {
    provider: scriptedProvider({ past: [...past, ...after] }),
    store,
    sessionId: gone.id,
    ifOwned: "take",
  });
  const told = await Array.fromAsync(session.resume());
  expect(told.filter(({ type }) => type.startsWith("tool."))).toEqual([
    {
      type: "tool.finished",
      id: "c1",
      name: "add",
      result: { content: [{ type: "text", text: "3" }], isError: false },
      durationMs: 0,
      replayed: true,
    },
    { type: "tool.posted", id: "c1" },
  ]);
});
