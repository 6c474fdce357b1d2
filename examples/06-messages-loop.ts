// A conversation as messages: the loop over the shape of the Messages API. The result's messages are the input of the
// next run, and can be kept as JSON meanwhile.

import assert from "node:assert/strict";

import { defineTool } from "loophost";
import {
  type AgentConfig,
  extractToolCalls,
  type Message,
  runWithEvents,
  runWithMessages,
} from "loophost/messages";
import { local, type ModelFunction } from "loophost/providers/local";
import { z } from "zod";

const stock = new Map([
  ["apple", 3],
  ["pear", 0],
]);
const countFruit = defineTool({
  name: "count_fruit",
  description: "Tells how many of a fruit there are.",
  input: z.object({ fruit: z.string() }),
  execute: ({ fruit }) => stock.get(fruit) ?? "no such fruit",
});

/** A model that asks for the fruit it was asked about, then tells the count. */
const model: ModelFunction = ({ messages }) => {
  const last = messages.at(-1);
  if (last?.role === "tool") return JSON.stringify(last.results.map(({ result }) => result.content));
  const fruit = /apple|pear/.exec(JSON.stringify(last))?.[0];
  return [{ type: "tool_call", id: `call_${fruit}`, name: "count_fruit", input: { fruit } }];
};

const config: AgentConfig = { provider: local({ model }), system: "You count fruit.", tools: [countFruit] };

const first = await runWithEvents(config, "How many apples?", (event) => console.log(event.type));
const kept: Message[] = JSON.parse(JSON.stringify(first.messages));
const second = await runWithMessages(config, [...kept, { role: "user", content: "And a pear?" }]);

const calls = second.messages.flatMap(({ content }) => extractToolCalls(content));
console.log(calls.map(({ name, input }) => `${name} ${JSON.stringify(input)}`).join("\n"));

assert.equal(second.messages.length, 8);
assert.deepEqual(
  calls.map(({ input }) => input),
  [{ fruit: "apple" }, { fruit: "pear" }],
);
assert.match(JSON.stringify(second.finalMessage), /0/);
