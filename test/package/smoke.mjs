// The smoke of every runtime: three turns of the built core with a fetch model, against a model service that answers
// from memory, so that nothing but the runtime itself is needed.

import { defineAgent, defineTool, run } from "../../dist/index.js";
import { anthropicMessages, local } from "../../dist/providers/local/index.js";

const event = (type, data) => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;

/** The stream of one assistant message: a tool call, or a text. */
function stream(content, stopReason) {
  const [start, delta] =
    content.type === "text"
      ? [
          { type: "text", text: "" },
          { type: "text_delta", text: content.text },
        ]
      : [
          { ...content, input: {} },
          { type: "input_json_delta", partial_json: JSON.stringify(content.input) },
        ];
  return [
    event("message_start", {
      message: { id: "msg", role: "assistant", content: [], usage: { input_tokens: 1, output_tokens: 1 } },
    }),
    event("content_block_start", { index: 0, content_block: start }),
    event("content_block_delta", { index: 0, delta }),
    event("content_block_stop", { index: 0 }),
    event("message_delta", { delta: { stop_reason: stopReason }, usage: { output_tokens: 5 } }),
    event("message_stop", {}),
  ].join("");
}

/** Two tool turns, then the sum in words. */
async function modelService(url, init) {
  const { messages } = JSON.parse(
    typeof init.body === "string" ? init.body : new TextDecoder().decode(init.body),
  );
  const results = messages
    .flatMap(({ content }) => (Array.isArray(content) ? content : []))
    .filter(({ type }) => type === "tool_result");
  const body =
    results.length < 2
      ? stream(
          {
            type: "tool_use",
            id: `call_${results.length}`,
            name: "add",
            input: { a: results.length, b: 40 },
          },
          "tool_use",
        )
      : stream({ type: "text", text: `after ${results.length} results` }, "end_turn");
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

async function smoke() {
  const sums = [];
  const add = defineTool({
    name: "add",
    description: "Adds two numbers",
    input: {
      type: "object",
      properties: { a: { type: "number" }, b: { type: "number" } },
      required: ["a", "b"],
    },
    execute: ({ a, b }) => sums.push(a + b),
  });
  const agent = defineAgent({ name: "smoke", instructions: "Add.", tools: [add] });
  const model = anthropicMessages({ model: "any", apiKey: "none", fetch: modelService });
  const { terminal, text, turns } = await run(agent, { provider: local({ model }), prompt: "go" });
  const came = JSON.stringify({ terminal, text, turns, sums });
  const due = JSON.stringify({ terminal: "end_turn", text: "after 2 results", turns: 3, sums: [40, 41] });
  if (came !== due) throw new Error(`came to ${came}, should be ${due}`);
}

await smoke();
