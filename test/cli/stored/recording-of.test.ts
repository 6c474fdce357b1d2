// A recording made of a stored session beside the one that was made while it ran: they say the same of what was done.

import type { Observer, Provider, Store } from "loophost";
import { defineAgent, defineTool, run } from "loophost";
import type { Recording, RecordingSummary } from "loophost/observe";
import { compareRecordings, readRecording, recordTo } from "loophost/observe";
import { local } from "loophost/providers/local";
import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { findSession, readLog } from "loophost/stores/sessions";
import { replayProvider, scriptedProvider } from "loophost/testing";
import { expect, it } from "vitest";

import { recordingOf } from "../../../src/cli/stored/recording-of.ts";
import { anything, call, done, needs } from "../../support/host-events.ts";

const lookUp = defineTool({
  name: "look_up",
  description: "Looks an order up.",
  input: anything,
  execute: (input) => `order ${String(input["id"])}`,
});
const pay = defineTool({ ...lookUp, name: "pay", input: anything, needsApproval: true });
const agent = defineAgent({ name: "clerk", instructions: "Look up.", model: "any", tools: [lookUp, pay] });

/** Calls `look_up` twice at once, then `pay`, then answers. */
const model = () =>
  local({
    model: ({ messages }) => {
      const results = messages.filter(({ role }) => role === "tool").length;
      if (results === 2)
        return [
          { type: "text", text: "Paid." },
          { type: "usage", inputTokens: 20 },
        ];
      const ids = results === 0 ? [1, 2] : [3];
      return [
        { type: "text", text: "One moment." },
        ...ids.map((id) => ({
          type: "tool_call" as const,
          id: `c${id}`,
          name: results === 0 ? "look_up" : "pay",
          input: { b: id, id },
        })),
        { type: "usage", inputTokens: 10, outputTokens: 3 },
      ];
    },
  });

function recorder(): { readonly observer: Observer; readonly recorded: () => Recording } {
  const lines: string[] = [];
  return {
    observer: recordTo((line) => lines.push(line)),
    recorded: () => readRecording(`${lines.join("\n")}\n`),
  };
}

async function exported(store: Store, sessionId: string): Promise<Recording> {
  const lines: string[] = [];
  const summary = await findSession(store, sessionId);
  for await (const line of recordingOf(summary!, readLog(store, sessionId))) lines.push(JSON.stringify(line));
  return readRecording(`${lines.join("\n")}\n`);
}

function expectSame(a: Recording, b: Recording): void {
  const compared = compareRecordings(a, b);
  expect(compared.partAt).toBeUndefined();
  const facts = ({ usage, turns, text, deeds }: RecordingSummary) => ({
    usage,
    turns,
    text,
    deeds: deeds.length,
  });
  expect(facts(compared.b)).toEqual(facts(compared.a));
  expect(b.head).toEqual(a.head);
}

it("says what was done in a session of any process: messages, calls, tokens and ends", async () => {
  const store = memoryStore();
  const { observer, recorded } = recorder();
  const observers = [observer];
  const how = { provider: model(), store, observers, prompt: "go", onApproval: () => true };
  const { sessionId } = await run(agent, how);
  await run(agent, { ...how, sessionId, prompt: "again" });
  const made = await exported(store, sessionId);
  expectSame(recorded(), made);
  expect(made.entries.every(({ at }) => at > 1_700_000_000_000)).toBe(true);
  expect(new Set(made.entries.map(({ run: of }) => of))).toEqual(new Set(["run_1", "run_2"]));
});

it("has the end of a run that waits, and its beginning in the process that took it up", async () => {
  const store = memoryStore();
  const { observer, recorded } = recorder();
  const how = { store, observers: [observer] };
  const { sessionId } = await run(agent, { ...how, provider: model(), prompt: "go" });
  expectSame(recorded(), await exported(store, sessionId));
  await run(agent, { ...how, provider: model(), sessionId, onApproval: () => true });
  const made = await exported(store, sessionId);
  // The input of a call that waited is on record, and told again by the process that goes on.
  const types = (of: Recording) =>
    of.entries.map(({ event }) => event.type).filter((type) => type.startsWith("run."));
  expect(types(made)).toEqual(types(recorded()));
  expect(compareRecordings(recorded(), made).b.deeds.map(({ name }) => name)).toEqual([
    "look_up",
    "look_up",
    "pay",
    "requires_action",
    "completed",
  ]);
});

it("has calls and ends alone of a host that holds the conversation", async () => {
  const store = memoryStore();
  const { observer, recorded } = recorder();
  const provider: Provider = scriptedProvider({
    turns: [
      [call("x", "look_up", { id: 1 }), needs("x")],
      [{ type: "message", text: "Done." }, done],
    ],
  });
  const { sessionId } = await run(agent, { provider, store, prompt: "go", observers: [observer] });
  const { partAt, b } = compareRecordings(recorded(), await exported(store, sessionId));
  expect(partAt).toBeUndefined();
  expect([b.turns, b.text]).toEqual([0, ""]);
});

it("has all that was told in a session that workers run, and a host can say it again", async () => {
  const store = memoryStore();
  const { observer, recorded } = recorder();
  await using app = sessions({ store, agents: [{ agent, provider: model() }], observers: [observer] });
  await app.work();
  const session = await app.create("clerk");
  await session.send("go");
  expect((await session.result()).terminal).toBe("requires_action");
  const whole = recorded();
  const made = await exported(store, session.id);
  expectSame(whole, made);
  const kept = ({ entries }: Recording) =>
    entries
      .filter(({ event }) => !event.type.endsWith(".delta"))
      .map(({ event }) => ({ ...event, raw: undefined }));
  expect(kept(made)).toEqual(kept(whole));
  const again = await run(agent, { provider: replayProvider(made), prompt: "go" });
  expect(again.terminal).toBe("requires_action");
});
