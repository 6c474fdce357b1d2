// Loaded before a sample: plays the Messages API behind `fetch`, so that a sample with a language model runs as it is written.
// The model calls the first tool there is, then says what came of it.

const real = globalThis.fetch;

// Enough for the tool of any sample.
const INPUT = { id: "42", order: 42, amount: 5, url: "https://example.com", topic: "order", urgent: true };

globalThis.fetch = async (target, init) => {
  const url = target instanceof Request ? target.url : String(target);
  if (!url.startsWith("https://api.anthropic.com/v1/messages")) return real(target, init);
  const request: { tools?: { name: string }[]; messages: { content: unknown }[]; stream?: boolean } =
    JSON.parse(await new Response(init?.body).text());
  const [tool] = request.tools ?? [];
  const isAnswered = JSON.stringify(request.messages.at(-1)).includes('"tool_result"');
  const isCall = tool !== undefined && !isAnswered;
  const delta = isCall
    ? { type: "input_json_delta", partial_json: JSON.stringify(INPUT) }
    : { type: "text_delta", text: "It is on its way." };
  const block = isCall
    ? { type: "tool_use", id: `call_${request.messages.length}`, name: tool.name, input: {} }
    : { type: "text", text: "" };
  const usage = { input_tokens: 10, output_tokens: 5 };
  const events = [
    { type: "message_start", message: { id: "m", role: "assistant", content: [], usage } },
    { type: "content_block_start", index: 0, content_block: block },
    { type: "content_block_delta", index: 0, delta },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: isCall ? "tool_use" : "end_turn" }, usage },
    { type: "message_stop" },
  ];
  const body = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
};
