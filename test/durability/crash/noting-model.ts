// A model behind a socket that plans as `planned` does: what the in-process loop host asks while it is crashed.

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

interface Asked {
  readonly messages: readonly { readonly role: string; readonly content?: unknown }[];
}

/** Starts the model, over OpenAI's chat completions. */
export async function startNotingModel(turns: number): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    answer(request, response, turns).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, turns: number): Promise<void> {
  const { messages } = (await json(request)) as Asked;
  const results = messages.filter(({ role }) => role === "tool").map(({ content }) => textOf(content));
  const turn = results.length / 2;
  response.writeHead(200, { "content-type": "text/event-stream" });
  const say = (delta: unknown, finish_reason: string | null = null) =>
    response.write(
      `data: ${JSON.stringify({ id: "c1", choices: [{ index: 0, delta, finish_reason }] })}\n\n`,
    );
  if (turn === turns) {
    say({ role: "assistant", content: "sum " });
    say({ content: String(results.reduce((sum, text) => sum + Number(text), 0)) });
    say({}, "stop");
  } else {
    for (const index of [0, 1]) {
      const call = { name: "note", arguments: JSON.stringify({ n: turn * 2 + index }) };
      say({ tool_calls: [{ index, id: `t${turn}_${index}`, type: "function", function: call }] });
    }
    say({}, "tool_calls");
  }
  response.end("data: [DONE]\n\n");
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  const [part] = Array.isArray(content) ? content : [];
  return String((part as { text?: unknown } | undefined)?.text);
}
