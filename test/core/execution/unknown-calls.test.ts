// Calls of tools the agent does not have: who answers them is a choice.

import type { IfCallUnknown } from "loophost";
import { defineAgent, openSession } from "loophost";
import { manualClock, scriptedProvider, settleMicrotasks } from "loophost/testing";
import { expect, it } from "vitest";

import type { HostEvent } from "../../../src/core/provider.ts";
import { call, done, needs } from "../../support/host-events.ts";

async function open(ifCallUnknown?: IfCallUnknown) {
  const clock = manualClock();
  const provider = scriptedProvider({ turns: [[call("a", "theirs"), needs("a")], [done]] });
  const agent = defineAgent({ name: "tester", instructions: "" });
  const session = await openSession(agent, { provider, clock, ifCallUnknown });
  return {
    session,
    provider,
    clock,
    answers: () => provider.sent.filter(({ type }) => type === "tool_result"),
  };
}

it("are answered with an error at once, unless told otherwise", async () => {
  const { session, answers } = await open();
  await session.send("go").result();
  expect(answers()).toMatchObject([{ callId: "a", result: { isError: true } }]);
  await session.close();
});

it("are left to others, who answer through the host", async () => {
  const { session, provider, answers } = await open("leave");
  const run = session.send("go");
  await settleMicrotasks();
  expect(answers()).toEqual([]);
  provider.emit({ type: "call.answered", id: "a" }, { type: "turn.began" }, done);
  const { events, ending } = await run.result();
  expect(ending).toBe("completed");
  expect(events.filter(({ type }) => type === "run.waiting")).toEqual([
    { type: "run.waiting", on: [{ id: "a", what: "answer", name: "theirs", input: {} }] },
  ]);
  await session.close();
});

it("are left to others, and can be answered from here all the same", async () => {
  const { session, answers } = await open("leave");
  const parked = await session.send("go", { ifWaiting: "return" }).result();
  expect(parked.terminal).toBe("requires_action");
  await session.answer("a", "42");
  expect((await session.resume().result()).ending).toBe("completed");
  expect(answers()).toMatchObject([{ callId: "a", result: { isError: false } }]);
  await session.close();
});

it("fail the run, where nobody else can be meant", async () => {
  const { session, answers } = await open("fail");
  await expect(session.send("go").result()).rejects.toMatchObject({
    code: "unresolved_requires_action",
    message: expect.stringContaining('"theirs"'),
  });
  expect(answers()).toEqual([]);
  await session.close();
});

it("are answered with an error after the time others have, and not when one of them did", async () => {
  for (const isAnswered of [false, true]) {
    const { session, provider, clock, answers } = await open({ answerAfterMs: 5_000 });
    const run = session.send("go");
    await clock.advance(4_999);
    expect(answers()).toEqual([]);
    if (isAnswered) provider.emit({ type: "call.answered", id: "a" }, { type: "turn.began" }, done);
    await clock.advance(1);
    await run.result();
    expect(answers()).toHaveLength(isAnswered ? 0 : 1);
    await session.close();
    expect(clock.waiting).toBe(0);
  }
});

it("of a worker's are left to it and waited for, and not told of as ours", async () => {
  const theirs: HostEvent = { type: "call", id: "w", name: "bash", input: {}, isOthers: true };
  const provider = scriptedProvider({ turns: [[theirs, needs("w")], [done]] });
  const agent = defineAgent({ name: "tester", instructions: "" });
  await using session = await openSession(agent, { provider });
  const run = session.send("go", { ifWaiting: "return" });
  // Nobody here can answer it: returned now, the run would end while the worker is at it.
  for await (const event of run) if (event.type === "run.waiting") break;
  expect(provider.sent.map(({ type }) => type)).toEqual(["message"]);
  provider.emit({ type: "call.answered", id: "w" }, { type: "turn.began" }, done);
  expect(await run.result()).toMatchObject({ ending: "completed", toolCalls: [] });
});
