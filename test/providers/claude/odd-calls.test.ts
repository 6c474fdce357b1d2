// Calls that are not as the wire has them: without a name, an id or an input, with an input that is no object, told twice.

import { defineAgent, defineTool, openSession } from "loophost";
import { claude } from "loophost/providers/claude";
import { describe, expect, it } from "vitest";

import { blocked, DONE, inside, RUNNING, says } from "./attached.ts";
import type { Told } from "./fake-host.ts";
import { fakeHost, SESSION } from "./fake-host.ts";

const use = (more: object): Told => ({
  type: "agent.custom_tool_use",
  id: "c1",
  name: "t",
  input: {},
  ...more,
});

/** Has a host tell such calls: what came of the run, with which inputs the tool ran, and what was answered. */
async function telling(...calls: Told[]) {
  const inputs: unknown[] = [];
  const tool = defineTool({
    name: "t",
    description: "A tool",
    input: { type: "object" },
    execute: (input) => {
      inputs.push(input);
      return "ok";
    },
  });
  await using host = await fakeHost({
    objects: inside("cloud"),
    react: ({ type }, to) => {
      if (type === "user.message") to.tell(RUNNING, ...calls, blocked("c1"));
      if (type === "user.custom_tool_result") to.tell(RUNNING, says("done"), DONE);
    },
  });
  const limits = { runTimeoutMs: 5_000 };
  const agent = defineAgent({ name: "a", instructions: "", model: "m", tools: [tool], limits });
  const provider = claude({ baseUrl: host.url });
  await using session = await openSession(agent, { provider, sessionId: SESSION });
  const run = session.send("Hello").result();
  const [settled] = await Promise.allSettled([run]);
  const answers = host.posts.flat().filter(({ type }) => type === "user.custom_tool_result");
  return { settled, inputs, answers };
}

describe("a call", () => {
  it.each([{ name: "" }, { name: null }, { name: 5 }, { name: undefined }])(
    "with %j runs nothing, and the model hears that there is no such tool",
    async (odd) => {
      const { settled, inputs, answers } = await telling(use(odd));
      expect(inputs).toEqual([]);
      expect(answers).toMatchObject([
        {
          custom_tool_use_id: "c1",
          is_error: true,
          content: [{ text: 'There is no tool named "". The tools are: t.' }],
        },
      ]);
      expect(settled).toMatchObject({ value: { ending: "completed", text: "done" } });
    },
  );

  it.each([{ input: '{"a":1}' }, { input: [1] }, { input: 0 }, { input: false }])(
    "with %j runs nothing, and the model hears what is wrong",
    async (odd) => {
      const { settled, inputs, answers } = await telling(use(odd));
      expect(inputs).toEqual([]);
      expect(answers).toMatchObject([
        { is_error: true, content: [{ text: expect.stringContaining("must be object") }] },
      ]);
      expect(settled).toMatchObject({ value: { ending: "completed" } });
    },
  );

  it.each([{ input: undefined }, { input: null }])("with %j has no arguments", async (odd) => {
    const { inputs, answers } = await telling(use(odd));
    expect(inputs).toEqual([{}]);
    expect(answers).toMatchObject([{ is_error: false }]);
  });

  it.each([{ id: undefined }, { id: null }, { id: "" }, { id: 7 }])(
    "with %j could not be answered: it runs nothing, and the run fails",
    async (odd) => {
      const { settled, inputs, answers } = await telling(use(odd));
      expect({ inputs, answers }).toEqual({ inputs: [], answers: [] });
      expect(settled).toMatchObject({ status: "rejected", reason: { code: "host_protocol" } });
    },
  );

  it("that is told again under its id, with another input, runs once", async () => {
    const { inputs, answers } = await telling(use({ input: { a: 1 } }), use({ input: { a: 2 } }));
    expect(inputs).toEqual([{ a: 1 }]);
    expect(answers).toHaveLength(1);
  });
});
