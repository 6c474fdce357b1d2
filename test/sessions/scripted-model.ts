// A model that does what its last message says.

import type { ModelFunction } from "loophost/providers/local";

import { resultText } from "../../src/core/results.ts";

/** "say X", "stream X Y", "call TOOL {json} TOOL {json} …", "wait": as the last user message says. Calls have the ids of their place. */
export const scriptedModel: ModelFunction = async function* scripted({ messages }, { signal }) {
  const last = messages.at(-1);
  if (last?.role === "tool") {
    const said = last.results.map(({ result }) => resultText(result)).join(", ");
    yield { type: "text", text: `done: ${said}` };
    return;
  }
  const text =
    last?.role === "user" ? last.content.map((block) => ("text" in block ? block.text : "")).join("") : "";
  const [verb = "", ...words] = text.split(" ");
  if (verb === "say") yield { type: "text", text: words.join(" ") };
  else if (verb === "stream")
    for (const word of words) {
      await new Promise((resolve) => setImmediate(resolve));
      yield { type: "text", text: `${word} ` };
    }
  else if (verb === "call")
    for (let at = 0; at < words.length; at += 2)
      yield {
        type: "tool_call",
        id: `call_${messages.length}_${at / 2}`,
        name: words[at] ?? "",
        input: JSON.parse(words[at + 1] ?? "{}"),
      };
  else
    await new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
};
