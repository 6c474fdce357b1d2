// What sessions ask of their store: a fixed number of calls besides appends, however many steps a run has, and few to make one.

import { defineAgent, defineTool } from "loophost";
import { local } from "loophost/providers/local";
import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { expect, it } from "vitest";

import { aroundStore } from "../../src/testing/faults/around-store.ts";

/** Runs a session of so many tool calls, one a turn; gives the store's calls by name, from send() to the result's being told. */
async function callsOf(steps: number): Promise<Partial<Record<string, number>>> {
  const calls: Partial<Record<string, number>> = {};
  const whole = memoryStore();
  const counted = aroundStore(whole, (call, work) => {
    calls[call] = (calls[call] ?? 0) + 1;
    return work();
  });
  const step = defineTool({
    name: "step",
    description: "Steps.",
    input: { type: "object" },
    execute: () => "done",
  });
  const model = local({
    model: ({ messages }) =>
      messages.length < 2 * steps
        ? [{ type: "tool_call", id: `call_${messages.length}`, name: "step", input: {} }]
        : "done",
  });
  const rested = Promise.withResolvers<void>();
  await using app = sessions({
    store: { ...counted, close: () => whole.close() },
    agents: [
      { agent: defineAgent({ name: "stepper", instructions: "Step.", tools: [step] }), provider: model },
    ],
    onEvent: ({ type }) => type === "run.ended" && rested.resolve(),
    // Nobody looks by the clock.
    pollMs: 60_000,
  });
  const worker = await app.work();
  const chat = await app.create("stepper");
  for (const call of Object.keys(calls)) calls[call] = 0;
  await chat.send("go");
  await rested.promise;
  await worker.drain();
  return calls;
}

it("reads inbox, records and log as often for a run of twenty steps as for one of two", async () => {
  const { "log.append": appends, ...few } = await callsOf(2);
  const { "log.append": moreAppends, ...many } = await callsOf(20);
  expect(many).toEqual(few);
  expect(moreAppends).toBeGreaterThan(appends ?? 0);
});

it("makes a session whose id is its own with two calls, and looks whether there is one of an id that was chosen", async () => {
  const calls: string[] = [];
  const whole = memoryStore();
  const counted = aroundStore(whole, (call, work) => {
    calls.push(call);
    return work();
  });
  await using app = sessions({ store: { ...counted, close: () => whole.close() }, agents: [] });
  const { id } = await app.create("stepper");
  expect(calls.splice(0)).toEqual(["log.claim", "log.append"]);
  await app.create("stepper", { id });
  expect(calls.splice(0)).toEqual(["log.read"]);
  await app.create("stepper", { id: "chosen" });
  expect(calls.splice(0)).toEqual(["log.read", "log.claim", "log.read", "inbox.read", "log.append"]);
});
