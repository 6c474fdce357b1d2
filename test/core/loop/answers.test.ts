// What the host holds of our answers, told late, twice, or by others.

import { defineAgent, defineTool, LoophostError, openSession } from "loophost";
import { manualClock, scriptedProvider } from "loophost/testing";
import { expect, it } from "vitest";

import { anything, call, done, needs } from "../../support/host-events.ts";

const tool = defineTool({ name: "t", description: "Does it", input: anything, execute: () => "done" });
const agent = defineAgent({ name: "tester", instructions: "", tools: [tool] });

it("a post that fails for good after the host showed its answer is no failure [I3]", async () => {
  const clock = manualClock();
  let posts = 0;
  const provider = scriptedProvider({
    turns: [[call("a", "t"), needs("a")], [done]],
    onSend(inputs) {
      if (inputs[0]?.type !== "tool_result") return;
      posts += 1;
      // The first request arrives although it seems lost; the second is refused for that reason.
      if (posts === 1) throw new LoophostError("host_unreachable", "cut");
      throw new LoophostError("host_rejected", "already answered", { status: 400 });
    },
  });
  await using session = await openSession(agent, { provider, clock });
  const run = session.send("go");
  await expect.poll(() => posts).toBe(1);
  provider.emit({ type: "call.answered", id: "a" });
  await clock.advance(60_000);
  expect(posts).toBe(2);
  provider.emit({ type: "turn.began" }, done);
  expect((await run.result()).ending).toBe("completed");
});

it("a session the host holds for calls nobody here saw is not called completed [I7]", async () => {
  const past = [{ type: "turn.began" }, needs("unseen")] as const;
  await using session = await openSession(agent, {
    provider: scriptedProvider({ past }),
    sessionId: "s",
  });
  await expect(session.resume().result()).rejects.toMatchObject({ code: "unresolved_requires_action" });
});

it("a session the host holds for calls found on a second look goes on", async () => {
  const provider = scriptedProvider({
    past: [{ type: "turn.began" }, needs("late")],
    turns: [[done]],
    onCatchUp: (emit) => emit(call("late", "t")),
  });
  await using session = await openSession(agent, { provider, sessionId: "s" });
  const { ending, toolCalls } = await session.resume().result();
  expect([ending, toolCalls.length]).toEqual(["completed", 1]);
});
