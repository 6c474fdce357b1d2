// A valid structured output ends the run where this side holds the conversation: nobody is asked what else there is to say.

import { defineAgent, defineTool, openSession, run } from "loophost";
import { local, type ModelFunction } from "loophost/providers/local";
import { memoryStore } from "loophost/stores/memory";
import { scriptedProvider } from "loophost/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";

import { call, done, needs } from "../../support/host-events.ts";

const output = z.object({ celsius: z.number() });
const weather = defineAgent({ name: "weather", instructions: "", output });
const submit = (id: string, input: unknown) =>
  ({ type: "tool_call", id, name: "submit_output", input }) as const;

/** A model that makes these replies, one by one, and counts how often it was asked. */
function modelOf(...replies: readonly Awaited<ReturnType<ModelFunction>>[]) {
  const asked: Parameters<ModelFunction>[0]["messages"][] = [];
  const model: ModelFunction = ({ messages }) => {
    asked.push([...messages]);
    return replies[asked.length - 1] ?? "Done.";
  };
  return { asked, model, provider: local({ model }) };
}

describe("a valid structured output", () => {
  it("ends the run: one request, also where no more turns are allowed", async () => {
    const { asked, provider } = modelOf([submit("a", { celsius: 21 })]);
    const result = await run(weather, { provider, prompt: "?", limits: { maxTurns: 1 } });
    expect(result).toMatchObject({
      output: { celsius: 21 },
      ending: "completed",
      stopReason: "output",
      turns: 1,
    });
    expect(result.events.map(({ type }) => type)).toContain("tool.posted");
    expect(asked).toHaveLength(1);
  });

  it("ends it after one that was not valid", async () => {
    const { asked, provider } = modelOf([submit("a", { celsius: "warm" })], [submit("b", { celsius: 21 })]);
    const { turns } = await run(weather, { provider, prompt: "?" });
    expect([turns, asked.length]).toEqual([2, 2]);
  });

  it("is part of the conversation, which goes on", async () => {
    const { asked, provider } = modelOf([submit("a", { celsius: 21 })], [submit("b", { celsius: 22 })]);
    await using session = await openSession(weather, { provider });
    await session.send("today?").result();
    const { output: second } = await session.send("tomorrow?").result();
    expect(second).toEqual({ celsius: 22 });
    expect(asked[1]?.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "user"]);
  });

  it("lets the model go on where the host is told so", async () => {
    const { asked, model } = modelOf([submit("a", { celsius: 21 })]);
    const provider = local({ model, afterOutput: "continue" });
    const result = await run(weather, { provider, prompt: "?" });
    expect(result).toMatchObject({ output: { celsius: 21 }, text: "Done.", turns: 2 });
    expect(asked).toHaveLength(2);
  });

  it("lets the model see the results of what it called beside it", async () => {
    const look = defineTool({
      name: "look",
      description: "Looks at the thermometer.",
      input: { type: "object" },
      execute: () => "22",
    });
    const agent = defineAgent({ name: "weather", instructions: "", output, tools: [look] });
    const { asked, provider } = modelOf(
      [submit("a", { celsius: 21 }), { type: "tool_call", id: "b", name: "look", input: {} }],
      [submit("c", { celsius: 22 })],
    );
    expect((await run(agent, { provider, prompt: "?" })).output).toEqual({ celsius: 22 });
    expect(asked).toHaveLength(2);
  });

  it("does not end work towards an outcome before it is graded", async () => {
    const graded: unknown[] = [];
    const { asked } = modelOf();
    const model: ModelFunction = ({ messages }) => {
      asked.push([...messages]);
      return asked.length === 1 ? [submit("a", { celsius: 21 })] : "Done.";
    };
    const grader: ModelFunction = ({ messages }) => {
      graded.push(messages);
      return [
        {
          type: "tool_call",
          id: "g",
          name: "submit_output",
          input: { result: "satisfied", explanation: "It is." },
        },
      ];
    };
    const prompt = { outcome: { description: "The weather.", rubric: "A number." } };
    await run(weather, { provider: local({ model, grader }), prompt });
    expect([asked.length, graded.length]).toEqual([2, 1]);
  });

  it("is what a process gets that takes the session up, and nobody is asked again", async () => {
    const store = memoryStore();
    const { asked, provider } = modelOf([submit("a", { celsius: 21 })]);
    const first = await openSession(weather, { provider, store });
    await first.send("?").result();
    await first.close();
    await using second = await openSession(weather, { provider, store, sessionId: first.id });
    expect(await second.resume().result()).toMatchObject({ ending: "completed", stopReason: "output" });
    expect(asked).toHaveLength(1);
  });

  it.each(["each", "together"] as const)(
    "is posted to a host that holds the conversation, which ends its turn itself, answers %s",
    async (answers) => {
      const turns = [[call("a", "submit_output", { celsius: 21 }), needs("a")], [done]];
      const provider = scriptedProvider({ answers, turns });
      const result = await run(weather, { provider, prompt: "?" });
      expect(result).toMatchObject({ output: { celsius: 21 }, turns: 2 });
      expect(provider.sent.map(({ type }) => type)).toEqual(["message", "tool_result"]);
    },
  );
});
