// A conversation that outlives its process: the transcript of one run is plain data. Kept as JSON, it is the `history`
// of the next run, on another day or another machine.

import assert from "node:assert/strict";

import { defineAgent, run, type TranscriptMessage } from "loophost";
import { local, type ModelFunction } from "loophost/providers/local";

const agent = defineAgent({ name: "host", instructions: "You remember your guests." });

/** A model that knows nothing but the conversation it is shown. */
const model: ModelFunction = ({ messages }) => {
  const said = messages
    .filter(({ role }) => role === "user")
    .map((message) => JSON.stringify(message))
    .join("\n");
  const name = /my name is (\w+)/i.exec(said)?.[1];
  return name === undefined ? "We have not met." : `You are ${name}.`;
};

const provider = local({ model });

const stranger = await run(agent, { provider, prompt: "Who am I?" });
const first = await run(agent, { provider, prompt: "My name is Ada." });
const kept = JSON.stringify(first.transcript);

const history: TranscriptMessage[] = JSON.parse(kept);
const second = await run(agent, { provider, history, prompt: "Who am I?" });

console.log(`without history: ${stranger.text}`);
console.log(`with ${history.length} messages of it: ${second.text}`);

assert.equal(stranger.text, "We have not met.");
assert.equal(second.text, "You are Ada.");
assert.equal(second.transcript?.length, 4);
