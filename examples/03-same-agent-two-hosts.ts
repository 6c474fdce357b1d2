// One agent, two loop hosts: this process, and a server that speaks the wire of Claude Managed Agents. The tool runs
// here both times, and both runs come to the same result.

import assert from "node:assert/strict";

import { defineAgent, defineTool, type Provider, resultText, run } from "loophost";
import { claude } from "loophost/providers/claude";
import { local, type ModelFunction } from "loophost/providers/local";
import { embeddedHost } from "loophost/server";
import { z } from "zod";

const add = defineTool({
  name: "add",
  description: "Adds two numbers.",
  input: z.object({ a: z.number(), b: z.number() }),
  execute: ({ a, b }) => a + b,
});

const calculator = defineAgent({
  name: "calculator",
  instructions: "You calculate with your tools, never in your head.",
  model: "any",
  tools: [add],
});

const model: ModelFunction = ({ messages }) => {
  const last = messages.at(-1);
  if (last?.role !== "tool")
    return [{ type: "tool_call", id: "call_1", name: "add", input: { a: 19, b: 23 } }];
  return last.results.map(({ result }) => `The sum is ${resultText(result)}.`).join("");
};

const server = embeddedHost({ model });
const { url } = await server.listen();

const answers: string[] = [];
const ask = async (provider: Provider) => {
  const { text, toolCalls, terminal } = await run(calculator, { provider, prompt: "What is 19 + 23?" });
  console.log(`${provider.name.padEnd(8)}${text} (${toolCalls.length} tool call, ${terminal})`);
  answers.push(text);
};
await ask(local({ model }));
await ask(claude({ baseUrl: url, apiKey: "none" }));
await server.close();

assert.deepEqual(answers, ["The sum is 42.", "The sum is 42."]);
