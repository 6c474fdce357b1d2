// How events reach whoever watches: once each, in order, with what the host said beside them.

import { defineAgent, type HostEvent, isDelta, openSession, type SessionEvent } from "loophost";
import { scriptedProvider } from "loophost/testing";
import { expect, it } from "vitest";

const agent = defineAgent({ name: "tester", instructions: "" });
const done: HostEvent = { type: "turn.done", ending: "completed", stopReason: "end_turn", raw: { n: 4 } };

async function watch(...turn: readonly HostEvent[]) {
  const observed: SessionEvent[] = [];
  await using session = await openSession(agent, {
    provider: scriptedProvider({ turns: [[...turn, done]] }),
    onEvent: (event) => observed.push(event),
  });
  const run = session.send("go");
  const read: SessionEvent[] = [];
  for await (const event of run) read.push(event);
  return { observed, read, result: await run.result() };
}

it("are told once to the feed, the observer and the result, with the host's own untouched [A-017] [A-133] [A-135] [A-136]", async () => {
  const custom = { type: "vendor.special", n: 3 };
  const { observed, read, result } = await watch(
    { type: "text.delta", text: "Hel", raw: { n: 1 } },
    { type: "text.delta", text: "lo", raw: { n: 2 } },
    { type: "provider", raw: custom },
    { type: "message", text: "Hello" },
  );
  expect(observed.map(({ type }) => type)).toEqual([
    "run.started",
    "turn.started",
    "text.delta",
    "text.delta",
    "provider",
    "message",
    "turn.ended",
    "run.ended",
  ]);
  const whole = observed.filter((event) => !isDelta(event));
  expect(read.filter((event) => !isDelta(event))).toEqual(whole);
  expect(result.events).toEqual(whole);
  expect(observed[2]).toHaveProperty("raw", { n: 1 });
  expect(observed[4]).toHaveProperty("raw", custom);
  expect(observed[6]).toHaveProperty("raw", { n: 4 });
});

it.each([["just a text"], [7], [null], [["a", "list"]]])(
  "pass on %j, which is no object, and the run goes on [A-018]",
  async (raw) => {
    const { observed, result } = await watch({ type: "provider", raw }, { type: "message", text: "Hello" });
    expect(observed.find(({ type }) => type === "provider")).toEqual({ type: "provider", raw });
    expect(result.text).toBe("Hello");
  },
);
