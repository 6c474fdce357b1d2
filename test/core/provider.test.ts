// The provider port, by providers written from it alone: what the loop asks of them, and nothing beside it.

import { defineAgent, defineTool, openSession, type Provider, type ProviderTraits, run } from "loophost";
import { memoryStore } from "loophost/stores/memory";
import { readLog } from "loophost/stores/sessions";
import { scriptedProvider } from "loophost/testing";
import { describe, expect, it } from "vitest";

const double = defineTool({
  name: "double",
  description: "Doubles",
  input: { type: "object", properties: { n: { type: "number" } }, required: ["n"] },
  execute: ({ n }) => Number(n) * 2,
});
const agent = defineAgent({ name: "tester", instructions: "", tools: [double] });

/** A host that calls the tool twice in its first turn and says goodbye in its second. */
function minimal(answers: ProviderTraits["answers"]): Provider {
  return {
    name: "minimal",
    traits: { answers, history: "host", worksAlone: true },
    async open({ emit }) {
      let missing = 0;
      return {
        sessionId: "minimal_1",
        async send(inputs) {
          for (const { type } of inputs) {
            if (type === "message") {
              missing = 2;
              emit({ type: "input.taken" });
              emit({ type: "turn.began" });
              for (const n of [1, 2]) emit({ type: "call", id: `c${n}`, name: "double", input: { n } });
              emit({
                type: "turn.done",
                ending: "requires_action",
                stopReason: "tool_use",
                needs: ["c1", "c2"],
              });
            } else if (type === "tool_result" && (missing -= 1) === 0) {
              emit({ type: "turn.began" });
              emit({ type: "message", text: "bye" });
              emit({ type: "turn.done", ending: "completed", stopReason: "end_turn" });
            }
          }
        },
        catchUp: async () => undefined,
        transcript: () => null,
        close: async () => undefined,
      };
    },
  };
}

it("needs nothing but a name, traits and open(), whichever way its host takes answers [A-002] [A-023] [A-024] [A-028]", async () => {
  const each = await run(agent, { provider: minimal("each"), prompt: "go" });
  const together = await run(agent, { provider: minimal("together"), prompt: "go" });
  expect(each).toMatchObject({
    terminal: "end_turn",
    stopReason: "end_turn",
    text: "bye",
    turns: 2,
    toolCalls: [
      { id: "c1", name: "double", input: { n: 1 } },
      { id: "c2", name: "double", input: { n: 2 } },
    ],
  });
  expect({ ...together, events: [] }).toEqual({ ...each, events: [] });
});

it("may have nothing to look up: what stays unknown is a typed error [A-029]", async () => {
  const waits = scriptedProvider({
    turns: [[{ type: "turn.done", ending: "requires_action", stopReason: null, needs: ["ghost"] }]],
  });
  await expect(run(agent, { provider: waits, prompt: "go" })).rejects.toMatchObject({
    code: "unresolved_requires_action",
    message: expect.stringContaining("ghost"),
  });
});

describe("a provider that throws", () => {
  it("fails the run with a typed error, and the session goes on with the next [A-015] [A-016] [A-021]", async () => {
    const broken = new TypeError("undefined is not a function");
    let failures = 1;
    const provider = scriptedProvider({
      turns: [[{ type: "turn.done", ending: "completed", stopReason: "end_turn" }]],
      onSend: () => {
        if (failures-- > 0) throw broken;
      },
    });
    await using session = await openSession(agent, { provider });
    await expect(session.send("first").result()).rejects.toMatchObject({
      code: "host_failed",
      cause: broken,
    });
    expect((await session.send("second").result()).terminal).toBe("end_turn");
    expect(provider.closed).toBe(false);
  });

  it("while it opens leaves nothing to be awaited [A-015]", async () => {
    const provider: Provider = {
      ...minimal("each"),
      open: () => Promise.reject(new TypeError("no socket")),
    };
    await expect(run(agent, { provider, prompt: "go" })).rejects.toMatchObject({
      name: "LoophostError",
      code: "host_failed",
      message: expect.stringContaining("no socket"),
    });
  });
});

it("gives a provider its last cursor back, also one that came while the session opened, and records it before a tool starts", async () => {
  const store = memoryStore();
  const given: unknown[] = [];
  const onRecord: unknown[] = [];
  const provider: Provider = {
    ...minimal("together"),
    traits: { answers: "together", history: "host", worksAlone: false },
    async open(request) {
      given.push(request.cursor);
      request.emit({ type: "cursor", value: { at: "opened" } });
      const inner = await minimal("together").open({
        ...request,
        emit(event) {
          if (event.type === "call") request.emit({ type: "cursor", value: { pending: event.id } });
          request.emit(event);
        },
      });
      return inner;
    },
  };
  const watching = defineTool({
    name: "double",
    description: "Doubles",
    input: { type: "object" },
    async execute() {
      for await (const page of readLog(store, "minimal_1")) onRecord.push(page.entry);
      return 2;
    },
  });
  const watched = defineAgent({ name: "tester", instructions: "", tools: [watching] });
  await run(watched, { provider, prompt: "go", store });
  const types = onRecord.map((entry) => (entry as { type: string }).type);
  expect(types.indexOf("cursor")).toBeLessThan(types.indexOf("call.started"));
  await using _ = await openSession(watched, { provider, store, sessionId: "minimal_1" });
  expect(given).toEqual([undefined, { pending: "c2" }]);
});
