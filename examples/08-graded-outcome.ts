// A goal instead of a prompt: the host has the work graded against a rubric, and gone over until the grader is content.
// The host is the embedded one, so that this runs anywhere; against Claude Managed Agents only the base URL differs.

import assert from "node:assert/strict";

import { defineAgent, openSession } from "loophost";
import { claude } from "loophost/providers/claude";
import type { ModelFunction } from "loophost/providers/local";
import { embeddedHost } from "loophost/server";

/** Writes a verse, and a better one when it is told what is missing; asked for a verdict, it counts lines. */
const model: ModelFunction = ({ tools, messages }) => {
  const verdict = tools.find(({ name }) => name === "submit_output");
  const said = JSON.stringify(messages);
  if (verdict !== undefined) {
    if (messages.at(-1)?.role === "tool") return "graded";
    const isWhole = said.includes("falls on the river");
    const input = isWhole
      ? { result: "satisfied", explanation: "Three lines." }
      : { result: "needs_revision", explanation: "The third line is missing." };
    return [{ type: "tool_call", id: "verdict", name: verdict.name, input }];
  }
  return said.includes("third line is missing")
    ? "An old silent pond\na leaf turns in the evening\nfalls on the river"
    : "An old silent pond\na leaf turns in the evening";
};

await using host = embeddedHost({ model });
const { url } = await host.listen();
const poet = defineAgent({ name: "poet", instructions: "You write verses.", model: "any" });
await using session = await openSession(poet, { provider: claude({ baseUrl: url }) });

const run = session.send({
  outcome: { description: "A haiku about autumn", rubric: "It has three lines.", maxIterations: 5 },
});
for await (const event of run)
  if (event.type === "outcome.evaluated") console.log(`${event.verdict}: ${event.explanation}`);
const { outcome, text } = await run.result();
console.log(text);

assert.equal(outcome?.verdict, "satisfied");
assert.equal(text.split("\n").length, 3);
