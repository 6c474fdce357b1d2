// A model that does as it is told, for hosts that are verified here: as a function, and behind the wires of two services.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text as textOf } from "node:stream/consumers";

import { resultText } from "loophost";
import type { ModelFunction, ModelPart } from "loophost/providers/local";
import { onTestFinished } from "vitest";

/** What was said, whoever asks. */
interface Asked {
  readonly instructions: string;
  readonly said: readonly string[];
  /** The results of the last message, when it is one of those. */
  readonly results: readonly string[] | undefined;
  readonly tools: readonly string[];
}

interface Call {
  readonly id: string;
  readonly name: string;
  readonly json: string;
}

let calls = 0;

/** What it answers: calls, or a text. */
function answer({ instructions, said, results, tools }: Asked): {
  readonly text: string;
  readonly calls: readonly Call[];
} {
  if (results !== undefined) return { text: results.join(" and "), calls: [] };
  const last = said.at(-1) ?? "";
  const asked = last.split("\n").flatMap((line) => {
    const [, name = "", json = ""] = /^([\w-]+) (\{.*\})$/.exec(line.trim()) ?? [];
    return tools.includes(name) ? [{ id: `call_${(calls += 1)}`, name, json }] : [];
  });
  if (asked.length > 0) return { text: "", calls: asked };
  const exact = /Say exactly: "([\s\S]*)"/.exec(last)?.[1];
  if (exact !== undefined) return { text: exact, calls: [] };
  if (last.includes("code word"))
    return { text: /code word is (\w+)/.exec(instructions)?.[1] ?? "none", calls: [] };
  const words = said.flatMap((text) => /Remember the word (\w+)/.exec(text)?.[1] ?? []);
  return { text: words.at(-1) ?? "none", calls: [] };
}

/** As a function. */
export const obedient: ModelFunction = ({ messages, tools, instructions }) => {
  const last = messages.at(-1);
  const asked = answer({
    instructions,
    said: messages.flatMap((message) =>
      message.role === "user" ? resultText({ content: message.content, isError: false }) : [],
    ),
    results: last?.role === "tool" ? last.results.map(({ result }) => resultText(result)) : undefined,
    tools: tools.map(({ name }) => name),
  });
  return [
    ...piecesOf(asked.text).map((text): ModelPart => ({ type: "text", text })),
    ...asked.calls.map(({ id, name, json }): ModelPart => ({
      type: "tool_call",
      id,
      name,
      input: JSON.parse(json),
    })),
    { type: "usage", inputTokens: 12, outputTokens: 3 },
  ];
};

function piecesOf(text: string): string[] {
  return text.match(/[\s\S]{1,200}/g) ?? [];
}

const KEY = "the-right-key";

/** The same behind the wire of chat completions; the key is `the-right-key`. */
export async function startChatService(): Promise<{ url: string; key: string }> {
  return start(
    (key) => key === `Bearer ${KEY}`,
    (body) => {
      const messages = body["messages"] as { role: string; content: string }[];
      const at = messages.findLastIndex(({ role }) => role !== "tool");
      const results = messages.slice(at + 1).map(({ content }) => content);
      const { text, calls: asked } = answer({
        instructions: messages
          .filter(({ role }) => role === "system")
          .map(({ content }) => content)
          .join(" "),
        said: messages.flatMap(({ role, content }) => (role === "user" ? content : [])),
        results: results.length > 0 ? results : undefined,
        tools: ((body["tools"] ?? []) as { function: { name: string } }[]).map((tool) => tool.function.name),
      });
      const deltas = [
        ...piecesOf(text).map((content) => ({ content })),
        ...asked.map(({ id, name, json }, index) => ({
          tool_calls: [{ index, id, type: "function", function: { name, arguments: json } }],
        })),
      ];
      const events: object[] = deltas.map((delta) => ({ choices: [{ index: 0, delta }] }));
      events.push({
        choices: [{ index: 0, delta: {}, finish_reason: asked.length > 0 ? "tool_calls" : "stop" }],
        usage: { prompt_tokens: 12, completion_tokens: 3 },
      });
      return [...events.map((event) => `data: ${JSON.stringify(event)}\n\n`), "data: [DONE]\n\n"];
    },
  );
}

/** The same behind the wire of the Messages API. */
export async function startMessagesService(): Promise<{ url: string; key: string }> {
  return start(
    (_, key) => key === KEY,
    (body) => {
      type Block = { type: string; text?: string; content?: { text: string }[] | string };
      const messages = (body["messages"] as { role: string; content: Block[] | string }[]).map(
        ({ role, content }) => ({
          role,
          content: typeof content === "string" ? [{ type: "text", text: content }] : content,
        }),
      );
      const results = (messages.at(-1)?.content ?? []).flatMap(({ type, content = "" }) =>
        type === "tool_result"
          ? typeof content === "string"
            ? content
            : content.map(({ text }) => text).join("")
          : [],
      );
      const { text, calls: asked } = answer({
        instructions: JSON.stringify(body["system"] ?? ""),
        said: messages.flatMap(({ role, content }) =>
          role === "user"
            ? content.flatMap((block) => (block.type === "text" ? (block.text ?? "") : []))
            : [],
        ),
        results: results.length > 0 ? results : undefined,
        tools: ((body["tools"] ?? []) as { name: string }[]).map(({ name }) => name),
      });
      const blocks = [
        ...(text === ""
          ? []
          : [
              {
                block: { type: "text", text: "" },
                deltas: piecesOf(text).map((piece) => ({ type: "text_delta", text: piece })),
              },
            ]),
        ...asked.map(({ id, name, json }) => ({
          block: { type: "tool_use", id, name, input: {} },
          deltas: [{ type: "input_json_delta", partial_json: json }],
        })),
      ];
      const usage = { input_tokens: 12, output_tokens: 1 };
      const message = {
        id: "msg_1",
        type: "message",
        role: "assistant",
        model: "m",
        content: [],
        stop_reason: null,
        usage,
      };
      const events: { type: string }[] = [{ type: "message_start", message } as { type: string }];
      for (const [index, { block, deltas }] of blocks.entries())
        events.push(
          { type: "content_block_start", index, content_block: block } as { type: string },
          ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
          { type: "content_block_stop", index } as { type: string },
        );
      const delta = { stop_reason: asked.length > 0 ? "tool_use" : "end_turn" };
      events.push({ type: "message_delta", delta, usage: { output_tokens: 3 } } as { type: string }, {
        type: "message_stop",
      });
      return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    },
  );
}

async function start(
  isKey: (authorization: string | undefined, apiKey: string | undefined) => boolean,
  reply: (body: Record<string, unknown>) => readonly string[],
): Promise<{ url: string; key: string }> {
  const server = createServer((request, response) => {
    textOf(request).then(
      (text) => {
        const { authorization, "x-api-key": apiKey } = request.headers;
        if (!isKey(authorization, apiKey?.toString())) {
          response.writeHead(401, { "content-type": "application/json" });
          return response.end(
            JSON.stringify({ error: { type: "authentication_error", message: "invalid key" } }),
          );
        }
        response.writeHead(200, { "content-type": "text/event-stream" });
        return response.end(reply(JSON.parse(text)).join(""));
      },
      () => response.destroy(),
    );
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, key: KEY };
}
