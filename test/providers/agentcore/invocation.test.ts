import { expect, it } from "vitest";

import { defineAgent, defineTool, openSession } from "../../../src/index.ts";
import { providerFor, standIn } from "./support.ts";

const input = { type: "object", properties: {} } as const;

it("sends limits, model and prompt with every invocation, and tools as inline functions [A-062] [A-083]", async () => {
  const host = await standIn({ model: () => "Hello." });
  const tools = [defineTool({ name: "look", description: "Looks.", input, execute: () => "" })];
  const agent = defineAgent({ name: "looker", instructions: "Look.", model: "some.model", tools });
  const provider = providerFor(host, { maxIterations: 3, timeoutSeconds: 60 });
  await using session = await openSession(agent, { provider });
  await session.send("Hi").result();
  expect(host.requests[0]?.body).toEqual({
    messages: [{ role: "user", content: [{ text: "Hi" }] }],
    systemPrompt: [{ text: "Look." }],
    model: { bedrockModelConfig: { modelId: "some.model" } },
    maxIterations: 3,
    timeoutSeconds: 60,
    tools: [
      {
        type: "inline_function",
        name: "look",
        config: { inlineFunction: { description: "Looks.", inputSchema: input } },
      },
    ],
  });
});

it("refuses outcomes, empty messages and names that are too long before anything is sent [A-067]", async () => {
  const host = await standIn({ model: () => "Hello." });
  const agent = defineAgent({ name: "talker", instructions: "" });
  await using session = await openSession(agent, { provider: providerFor(host) });
  const outcome = session.send({ outcome: { description: "Done", rubric: "It is done" } }).result();
  await expect(outcome).rejects.toMatchObject({ code: "invalid_options" });
  const long = defineTool({ name: "a".repeat(62), description: "Long.", input });
  const opened = openSession(defineAgent({ name: "long", instructions: "", tools: [long] }), {
    provider: providerFor(host),
  });
  await expect(opened).rejects.toMatchObject({ code: "invalid_tool" });
  expect(host.requests).toEqual([]);
});
