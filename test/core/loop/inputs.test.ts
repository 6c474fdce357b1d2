// Which message an event of the host's is about: a stop leaves its own message behind, to be taken when nobody waits for it.

import { defineAgent, defineTool, openSession } from "loophost";
import { scriptedProvider, settleMicrotasks } from "loophost/testing";
import { expect, it } from "vitest";

import type { HostEvent } from "../../../src/core/provider.ts";
import { anything, call, done, needs } from "../../support/host-events.ts";

const doneWith = (inputId: string): HostEvent => ({
  type: "turn.done",
  ending: "completed",
  stopReason: "end_turn",
  inputId,
});

const agent = defineAgent({ name: "tester", instructions: "" });

it("the message of an aborted run that is taken late is not taken for the next one's", async () => {
  const provider = scriptedProvider();
  await using session = await openSession(agent, { provider });
  const abort = new AbortController();
  const first = session.send("first", { signal: abort.signal });
  await settleMicrotasks();
  abort.abort();
  await expect(first.result()).rejects.toMatchObject({ code: "aborted" });
  const second = session.send("second");
  await settleMicrotasks();
  provider.emit({ type: "input.taken", inputId: "run_1" }, { type: "turn.began" }, done);
  provider.emit({ type: "input.taken", inputId: "run_2" }, { type: "turn.began" });
  provider.emit({ type: "message", text: "ours" }, done);
  expect(await second.result()).toMatchObject({ text: "ours", turns: 1 });
});

it("the end of another message's turn is not the run's, and the end that names its message is", async () => {
  const provider = scriptedProvider();
  await using session = await openSession(agent, { provider });
  const run = session.send("hi");
  await settleMicrotasks();
  provider.emit({ type: "input.taken" }, { type: "turn.began" }, doneWith("run_0"));
  provider.emit({ type: "turn.began" }, { type: "message", text: "ours" }, doneWith("run_1"));
  expect(await run.result()).toMatchObject({ text: "ours" });
  expect(provider.sent).toEqual([{ type: "message", content: [{ type: "text", text: "hi" }], id: "run_1" }]);
});

it("what a run waits for is told once, whatever else the host says meanwhile", async () => {
  const pay = defineTool({ name: "pay", description: "Pays", input: anything, needsApproval: true });
  const paying = defineAgent({ name: "payer", instructions: "", tools: [pay] });
  const provider = scriptedProvider({ turns: [[call("a", "pay"), needs("a")], [done]] });
  await using session = await openSession(paying, { provider });
  const run = session.send("go");
  const told: string[] = [];
  const reading = (async () => {
    for await (const event of run) told.push(event.type);
  })();
  await expect.poll(() => told).toContain("run.waiting");
  provider.emit({ type: "message.seen" }, { type: "call.answered", id: "another's" }, needs("a"));
  provider.emit({ type: "call.answered", id: "a" }, { type: "turn.began" }, done);
  await reading;
  expect(told.filter((type) => type === "run.waiting")).toHaveLength(1);
});

it("a turn somebody else ended between two runs is what the session came to last", async () => {
  const provider = scriptedProvider({ turns: [[done]] });
  await using session = await openSession(agent, { provider });
  await session.send("go").result();
  provider.emit({ type: "turn.began" }, { type: "turn.done", ending: "refusal", stopReason: "refusal" });
  expect(await session.resume().result()).toMatchObject({ ending: "refusal", stopReason: "refusal" });
});

it("an end before the last message in the history is not what that message came to", async () => {
  const refused = { type: "turn.done", ending: "refusal", stopReason: "refusal" } as const;
  const past = [{ type: "message.seen" }, { type: "turn.began" }, refused, { type: "message.seen" }] as const;
  await using session = await openSession(agent, { provider: scriptedProvider({ past }), sessionId: "s" });
  expect(await session.resume().result()).toMatchObject({ details: { code: "nothing_open" } });
});

it("a call that somebody else answers while its tool runs is cancelled", async () => {
  let signal: AbortSignal | undefined;
  const slow = defineTool({
    name: "slow",
    description: "Waits",
    input: anything,
    execute: (_, context) => {
      ({ signal } = context);
      return new Promise(() => undefined);
    },
  });
  const waiter = defineAgent({ name: "waiter", instructions: "", tools: [slow] });
  const provider = scriptedProvider({ turns: [[call("a", "slow"), needs("a")]] });
  await using session = await openSession(waiter, { provider });
  const run = session.send("go");
  await expect.poll(() => signal?.aborted).toBe(false);
  provider.emit({ type: "call.answered", id: "a" });
  await expect.poll(() => signal?.aborted).toBe(true);
  provider.emit({ type: "turn.began" }, done);
  expect((await run.result()).ending).toBe("completed");
});

it("a call that is over is not cancelled by what ends later: its signal stays as it was", async () => {
  let signal: AbortSignal | undefined;
  const quick = defineTool({
    name: "quick",
    description: "Is done at once",
    input: anything,
    execute: (_, context) => {
      ({ signal } = context);
      return "done";
    },
  });
  const doer = defineAgent({ name: "doer", instructions: "", tools: [quick] });
  const provider = scriptedProvider({ turns: [[call("a", "quick"), needs("a")], [done]] });
  const session = await openSession(doer, { provider });
  await session.send("go").result();
  await session.close();
  expect(signal?.aborted).toBe(false);
});

it("a session whose run failed for want of a call that was never shown sends its next message", async () => {
  const provider = scriptedProvider();
  await using session = await openSession(agent, { provider });
  const first = session.send("first");
  await settleMicrotasks();
  provider.emit({ type: "input.taken" }, { type: "turn.began" }, needs("never-shown"));
  await expect(first.result()).rejects.toThrow("never-shown");
  const second = session.send("second");
  await settleMicrotasks();
  provider.emit({ type: "input.taken", inputId: "run_2" }, { type: "turn.began" }, done);
  expect(await second.result()).toMatchObject({ ending: "completed" });
  expect(provider.sent.filter(({ type }) => type === "message")).toHaveLength(2);
});
