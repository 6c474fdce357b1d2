// What a run must come to: with an `output` schema the agent hands in a value of that shape, typed. What does not fit
// is sent back with what is wrong, and a budget keeps the whole thing in bounds.

import assert from "node:assert/strict";

import { defineAgent, run } from "loophost";
import { budget } from "loophost/budget";
import { local, type ModelFunction } from "loophost/providers/local";
import { z } from "zod";

const triage = defineAgent({
  name: "triage",
  instructions: "You sort support mail.",
  output: z.object({ topic: z.enum(["order", "refund", "other"]), urgent: z.boolean() }),
});

/** A model that forgets the output, then gets it wrong, then right. */
const model: ModelFunction = ({ messages }) => {
  const replies = messages.filter(({ role }) => role === "assistant").length;
  const handIn = (input: unknown) =>
    [{ type: "tool_call", id: `call_${replies}`, name: "submit_output", input }] as const;
  if (replies === 0) return "That sounds like an angry customer.";
  if (replies === 1) return handIn({ topic: "parcel", urgent: "very" });
  return handIn({ topic: "order", urgent: true });
};

const { output, turns, events } = await run(triage, {
  provider: local({ model }),
  prompt: "My parcel is three weeks late!",
  guard: budget({ maxTurns: 10, maxMs: 60_000 }),
});
const refused = events.flatMap((event) =>
  event.type === "tool.finished" && event.result.isError ? event.result.content : [],
);

console.log(refused.map((block) => (block.type === "text" ? block.text : "")).join("\n"));
console.log(`after ${turns} turns: ${output?.topic}, ${output?.urgent ? "urgent" : "no hurry"}`);

assert.deepEqual(output, { topic: "order", urgent: true });
assert.equal(turns, 3); // a valid output ends the run: nobody asks what there is to say after it
assert.equal(refused.length, 1);
