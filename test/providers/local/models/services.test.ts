// What model services really send, and what they really take: each a kind of accent, seen in the wild, with its neighbours.

import { inspect } from "node:util";

import type { SessionResult } from "loophost";
import { defineAgent, defineTool, isRunError, type LoophostError, run, toolContent } from "loophost";
import { budget } from "loophost/budget";
import type { ModelFunction } from "loophost/providers/local";
import { anthropicMessages, local, openAICompatible } from "loophost/providers/local";
import { describe, expect, it } from "vitest";

import type { Answer } from "../../../support/model-service.ts";
import { json, startService, streamed } from "../../../support/model-service.ts";

/** A tool that keeps what it was called with. */
function recording(name = "weather") {
  const ran: unknown[] = [];
  const tool = defineTool({
    name,
    description: "Looks it up.",
    input: { type: "object" },
    execute(input) {
      ran.push(input);
      return "sunny";
    },
  });
  return { ran, agent: defineAgent({ name: "a", instructions: "", model: "m", tools: [tool] }) };
}

const chunk = (delta: object | null, more: object = {}) =>
  `data: ${JSON.stringify({ object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: null, ...more }] })}\n\n`;
const chat = (...frames: readonly string[]) => streamed(`${frames.join("")}data: [DONE]\n\n`);
const said = (text: string) => chat(chunk({ content: text }), chunk({}, { finish_reason: "stop" }));
const called = (...calls: readonly object[]) =>
  chat(...calls.map((call) => chunk({ tool_calls: [call] })), chunk({}, { finish_reason: "tool_calls" }));

const frame = (event: Record<string, unknown>) =>
  `event: ${String(event["type"])}\ndata: ${JSON.stringify(event)}\n\n`;
const messages = (stopReason: string | null, ...events: readonly Record<string, unknown>[]) =>
  streamed(
    [
      {
        type: "message_start",
        message: {
          type: "message",
          role: "assistant",
          content: [],
          usage: { input_tokens: 5, output_tokens: 1 },
        },
      },
      ...events,
      { type: "message_delta", delta: { stop_reason: stopReason }, usage: { output_tokens: 9 } },
      { type: "message_stop" },
    ]
      .map(frame)
      .join(""),
  );
const begins = (index: number | undefined, block: object) => ({
  type: "content_block_start",
  index,
  content_block: block,
});
const grows = (index: number | undefined, delta: object) => ({ type: "content_block_delta", index, delta });
const stops = (index: number | undefined) => ({ type: "content_block_stop", index });
const use = (id: string) => ({ type: "tool_use", id, name: "weather", input: {} });
const inputOf = (text: string) => ({ type: "input_json_delta", partial_json: text });

async function talk(
  wire: "chat" | "messages",
  agent: ReturnType<typeof recording>["agent"],
  ...answers: Answer[]
) {
  const service = await startService(...answers);
  const options = { baseUrl: service.url, apiKey: "sk-test", retry: { firstDelayMs: 1 } };
  const model = wire === "chat" ? openAICompatible(options) : anthropicMessages(options);
  const ended = await run(agent, { provider: local({ model }), prompt: "go" }).then(
    (result) => ({ result, error: undefined }),
    (error: unknown) => ({
      result: isRunError(error) ? error.result : undefined,
      error: error as LoophostError,
    }),
  );
  await service[Symbol.asyncDispose]();
  const result: Partial<SessionResult> | undefined = ended.result;
  return { ...ended, result, asked: service.asked };
}

describe("a reply that is not whole runs nothing", () => {
  it.each([
    [
      "no arguments yet",
      called({ index: 0, id: "k", function: { name: "weather", arguments: "" } }),
      "length",
    ],
    [
      "some arguments",
      called({ index: 0, id: "k", function: { name: "weather", arguments: '{"city":"Os' } }),
      "length",
    ],
    ["all of them", called({ index: 0, id: "k", function: { name: "weather", arguments: "{}" } }), "length"],
  ])("on chat completions, cut off with %s", async (_, { body, ...answer }, reason) => {
    const { ran, agent } = recording();
    const cut = { ...answer, body: String(body).replace('"tool_calls"}', `"${reason}"}`) };
    const { result, asked } = await talk("chat", agent, cut, said("never asked"));
    expect([result?.ending, ran, asked.length]).toEqual(["max_tokens", [], 1]);
  });

  it.each(["max_tokens", "model_context_window_exceeded"])(
    "on the Messages wire, cut off by %s",
    async (reason) => {
      const { ran, agent } = recording();
      const cut = messages(reason, begins(0, use("k")), stops(0));
      const { result, asked } = await talk("messages", agent, cut, messages("end_turn"));
      expect([result?.ending, ran, asked.length]).toEqual(["max_tokens", [], 1]);
    },
  );

  it("from a function that plays the model, and the next message is answered", async () => {
    const { ran, agent } = recording();
    const model: ModelFunction = () => [
      { type: "tool_call", id: "k", name: "weather", input: {} },
      { type: "stop", reason: "length" },
    ];
    const result = await run(agent, { provider: local({ model }), prompt: "go" });
    expect([result.ending, ran]).toEqual(["max_tokens", []]);
    const next = await run(agent, {
      provider: local({ model: () => "fine" }),
      history: result.transcript ?? [],
      prompt: "?",
    });
    expect(next.text).toBe("fine");
  });

  it("with an end nobody knows, unless the input is there", async () => {
    const { ran, agent } = recording();
    const strange = (text: string) =>
      chat(
        chunk({ tool_calls: [{ index: 0, id: "k", function: { name: "weather", arguments: text } }] }),
        chunk({}, { finish_reason: "constructor" }),
      );
    expect((await talk("chat", agent, strange(""))).result?.ending).toBe("terminated");
    expect((await talk("chat", agent, strange('{"a":1}'), said("ok"))).result?.text).toBe("ok");
    expect(ran).toEqual([{ a: 1 }]);
  });

  it("when a stream is over without a reason, and the input is not there", async () => {
    const { ran, agent } = recording();
    const begun = chunk({
      tool_calls: [{ index: 0, id: "k", function: { name: "weather", arguments: "" } }],
    });
    const { result } = await talk("chat", agent, chat(begun), said("never asked"));
    expect([result?.ending, ran]).toEqual(["terminated", []]);
  });

  it("when a block on the Messages wire ends before its input", async () => {
    const { ran, agent } = recording();
    const { error, asked } = await talk("messages", agent, messages("tool_use", begins(0, use("k"))));
    expect([error?.code, ran, asked.length]).toEqual(["host_protocol", [], 4]);
  });
});

describe("pieces of chat completions go where they say they belong", () => {
  it.each<[string, readonly object[], readonly unknown[]]>([
    [
      "later fragments with null names, ids and no index",
      [
        { id: "k", function: { name: "weather", arguments: '{"city":' } },
        { id: null, function: { name: null, arguments: '"Oslo"}' } },
      ],
      [{ city: "Oslo" }],
    ],
    [
      "two calls of index 0 without ids",
      ['{"city":"Oslo"}', '{"city":"Rome"}'].map((text) => ({
        index: 0,
        function: { name: "weather", arguments: text },
      })),
      [{ city: "Oslo" }, { city: "Rome" }],
    ],
    [
      "two calls of index 0 with null ids, the second in pieces",
      [
        { index: 0, id: null, function: { name: "weather", arguments: '{"city":"Oslo"}' } },
        { index: 0, id: null, function: { name: "weather", arguments: '{"city":' } },
        { index: 0, function: { arguments: '"Rome"}' } },
      ],
      [{ city: "Oslo" }, { city: "Rome" }],
    ],
    [
      "a name that comes again with every fragment",
      ['{"ci', 'ty":"Oslo"}', ""].map((text) => ({
        index: 0,
        id: "k",
        function: { name: "weather", arguments: text },
      })),
      [{ city: "Oslo" }],
    ],
    [
      "fragments that alternate, found by their ids",
      [
        { id: "a", function: { name: "weather", arguments: '{"n":' } },
        { id: "b", function: { name: "weather", arguments: '{"n":' } },
        { id: "a", function: { arguments: "1}" } },
        { id: "b", function: { arguments: "2}" } },
      ],
      [{ n: 1 }, { n: 2 }],
    ],
    [
      "the whole call said twice over",
      [0, 0].map((index) => ({ index, id: "k", function: { name: "weather", arguments: '{"n":1}' } })),
      [{ n: 1 }],
    ],
    [
      "a function that is null later",
      [
        { index: 0, id: "k", function: { name: "weather", arguments: "{}" } },
        { index: 0, function: null },
      ],
      [{}],
    ],
    [
      "a list with null in it",
      [null as unknown as object, { index: 0, id: "k", function: { name: "weather", arguments: "{}" } }],
      [{}],
    ],
    [
      "an index that is a text",
      [{ index: "0", id: "k", function: { name: "weather", arguments: "{}" } }],
      [{}],
    ],
    [
      "arguments as an object",
      [{ index: 0, id: "k", function: { name: "weather", arguments: { city: "Oslo" } } }],
      [{ city: "Oslo" }],
    ],
  ])("%s", async (_, calls, wanted) => {
    const { ran, agent } = recording();
    const { result } = await talk("chat", agent, called(...calls), said("done"));
    expect([result?.text, ran]).toEqual(["done", wanted]);
  });

  it("arguments that belong to no call make the reply worthless, and it is asked for again", async () => {
    const { ran, agent } = recording();
    const { result, asked } = await talk(
      "chat",
      agent,
      called({ index: 3, function: { arguments: '{"a":1}' } }),
      said("done"),
    );
    expect([result?.text, ran, asked.length]).toEqual(["done", [], 2]);
  });

  it("arguments that belong to no call make it worthless also in the frame that ends it", async () => {
    const { ran, agent } = recording();
    const stray = chunk(
      { tool_calls: [{ index: 3, function: { arguments: '{"a":1}' } }] },
      { finish_reason: "tool_calls" },
    );
    const { result, asked } = await talk("chat", agent, chat(stray), said("done"));
    expect([result?.text, ran, asked.length]).toEqual(["done", [], 2]);
  });

  it.each([
    ["in one fragment", [{ index: 0, id: "k", function: { name: "", arguments: '{"a":1}' } }]],
    [
      "in several",
      [
        { index: 0, id: "k", function: { name: "", arguments: "" } },
        { index: 0, function: { arguments: '{"a":1}' } },
      ],
    ],
    [
      "behind another call",
      [
        { index: 0, id: "j", function: { name: "", arguments: "{}" } },
        { index: 1, id: "k", function: { name: "", arguments: '{"a":1}' } },
      ],
    ],
  ])("a call with an empty name, %s, is answered with an error the model sees", async (_, calls) => {
    const { ran, agent } = recording();
    const { result, asked } = await talk("chat", agent, called(...calls), said("done"));
    expect([result?.text, ran, result?.toolCalls?.at(-1)]).toEqual([
      "done",
      [],
      { id: "k", name: "", input: { a: 1 } },
    ]);
    expect(asked[1]?.text).toContain("There is no tool named");
  });

  it("a reply spread over choices is one reply", async () => {
    const { ran, agent } = recording();
    const spread = json({
      choices: [
        { finish_reason: "tool_calls", message: { content: "Let me look." } },
        {
          finish_reason: "tool_calls",
          message: {
            content: null,
            tool_calls: [{ id: "k", function: { name: "weather", arguments: "{}" } }],
          },
        },
      ],
    });
    const { result } = await talk("chat", agent, spread, said("done"));
    expect([result?.text, ran]).toEqual(["done", [{}]]);
  });

  it("alternatives are not run both", async () => {
    const { ran, agent } = recording();
    const choice = (n: number) => ({
      index: n,
      finish_reason: "tool_calls",
      message: { tool_calls: [{ id: `k${n}`, function: { name: "weather", arguments: `{"n":${n}}` } }] },
    });
    await talk("chat", agent, json({ choices: [choice(0), choice(1)] }), said("done"));
    expect(ran).toEqual([{ n: 0 }]);
  });

  it("content that is an object or a list is text", async () => {
    const { agent } = recording();
    const odd = chat(
      chunk({ content: { text: "a" } }),
      chunk({ content: [{ text: "b" }, null, 3] }),
      chunk(null),
      chunk({}, { finish_reason: "stop" }),
    );
    expect((await talk("chat", agent, odd)).result?.text).toBe("ab");
  });
});

describe("pieces of the Messages wire go to the block they name", () => {
  it.each<[string, readonly Record<string, unknown>[]]>([
    [
      "numbered with a gap",
      [
        begins(0, { type: "text", text: "" }),
        stops(0),
        begins(2, use("k")),
        grows(2, inputOf('{"n":1}')),
        stops(2),
      ],
    ],
    ["numbered from 1", [begins(1, use("k")), grows(1, inputOf('{"n":1}')), stops(1)]],
    ["not numbered", [begins(undefined, use("k")), grows(undefined, inputOf('{"n":1}')), stops(undefined)]],
    [
      "under a number used before",
      [
        begins(0, { type: "text", text: "x" }),
        stops(0),
        begins(0, use("k")),
        grows(0, inputOf('{"n":1}')),
        stops(0),
      ],
    ],
  ])("%s", async (_, events) => {
    const { ran, agent } = recording();
    const done = messages("end_turn", begins(0, { type: "text", text: "done" }), stops(0));
    const { result } = await talk("messages", agent, messages("tool_use", ...events), done);
    expect([result?.text, ran]).toEqual(["done", [{ n: 1 }]]);
  });

  it("null is the same as absent: no text, no number, no id", async () => {
    const { ran, agent } = recording();
    const first = messages(
      "tool_use",
      begins(0, { type: "text", text: null }),
      { ...grows(0, { type: "text_delta", text: null }), index: null },
      stops(0),
      begins(1, { ...use("k"), id: null }),
      { ...grows(1, inputOf('{"n":1}')), index: null },
      stops(1),
      begins(2, use("k")),
      grows(2, inputOf('{"n":2}')),
      stops(2),
      begins(3, use("k")),
      grows(3, inputOf('{"n":3}')),
      stops(3),
    );
    const done = messages("end_turn", begins(0, { type: "text", text: "done" }), stops(0));
    const { result, asked } = await talk("messages", agent, first, done);
    expect([result?.text, ran]).toEqual(["done", [{ n: 1 }, { n: 2 }, { n: 3 }]]);
    expect(new Set(asked[1]?.text.match(/"tool_use_id":"[^"]+"/gu)).size).toBe(3);
  });

  it("words of a block that never began are not lost in silence", async () => {
    const { agent } = recording();
    const lost = messages("end_turn", grows(0, { type: "text_delta", text: "lost words" }));
    const { error, asked } = await talk("messages", agent, lost);
    expect([error?.code, asked.length]).toEqual(["host_protocol", 4]);
  });
});

describe("a failure under status 200", () => {
  const WORDS = "the request exceeds the available context size";
  it.each([
    ["an error line", `error: {"code":400,"message":"${WORDS}"}\n\ndata: [DONE]\n\n`],
    ["an object of its own", `data: {"object":"error","message":"${WORDS}","code":400}\n\ndata: [DONE]\n\n`],
    ["an event of that name", `event: error\ndata: {"code":400,"message":"${WORDS}"}\n\ndata: [DONE]\n\n`],
    ["a bare code and message", `data: {"code":"InvalidParameter","message":"${WORDS}"}\n\ndata: [DONE]\n\n`],
    ["the code as text", `data: {"error":{"code":"400","message":"${WORDS}"}}\n\ndata: [DONE]\n\n`],
    [
      "a code unknown beside a type that is known",
      `data: {"error":{"code":"ctx_full","message":"${WORDS}","type":"invalid_request_error"}}\n\n`,
    ],
    ["in one piece, labelled a stream", `{"error":{"message":"${WORDS}","code":400}}`],
  ])("%s keeps its words and is not asked again", async (_, body) => {
    const { agent } = recording();
    const { error, asked } = await talk("chat", agent, streamed(body));
    expect([error?.message, asked.length]).toEqual([expect.stringContaining(WORDS), 1]);
  });

  it.each([
    ["chat", "data: [DONE]\n\n"],
    ["messages", 'data: {"type":"message_start","message":{}}\n\ndata: {"type":"message_stop"}\n\n'],
  ] as const)("%s: a reply that says nothing is no success", async (wire, body) => {
    const { agent } = recording();
    expect((await talk(wire, agent, streamed(body))).error?.code).toBe("host_protocol");
  });

  it.each([
    ["insufficient_quota", 1],
    ["rate_limit_exceeded", 4],
  ])("a 429 of code %s is asked %i times", async (code, times) => {
    const { agent } = recording();
    const { error, asked } = await talk("chat", agent, json({ error: { code, message: "No." } }, 429));
    expect([error?.hostCode, asked.length]).toEqual([code, times]);
  });

  it("a damaged frame is asked for again, like a reply that was cut off", async () => {
    const { agent } = recording();
    const damaged = streamed('data: {"choices":[{"delta":{"content":"he\n\n');
    const { result, asked } = await talk("chat", agent, damaged, said("hello"));
    expect([result?.text, asked.length]).toEqual(["hello", 2]);
  });

  it("a web page says what to check, after one request", async () => {
    const { agent } = recording();
    const page = { body: "<!doctype html><title>Sign in</title>", headers: { "content-type": "text/html" } };
    const { error, asked } = await talk("chat", agent, page);
    const told = expect.stringMatching(
      /at 127.0.0.1:\d+ answered with a web page, not the API. Check baseUrl/,
    );
    expect([error?.message, asked.length]).toEqual([told, 1]);
  });

  it("who asks is said, unless the user says it", async () => {
    const { agent } = recording();
    const { asked } = await talk("chat", agent, said("hello"));
    expect(asked[0]?.headers["user-agent"]).toMatch(/^loophost\/\d+\.\d+\.\d+$/);
  });

  it("a reply without end is cut at maxReplyBytes", async () => {
    const { agent } = recording();
    await using service = await startService(
      chat(...Array.from({ length: 300 }, () => chunk({ content: "x".repeat(100) }))),
    );
    const model = openAICompatible({ baseUrl: service.url, maxReplyBytes: 10_000 });
    await expect(run(agent, { provider: local({ model }), prompt: "go" })).rejects.toMatchObject({
      code: "reply_too_large",
    });
    expect(service.asked.length).toBe(1);
  });
});

describe("what goes back to a service is something it takes", () => {
  /** Refuses what strict services refuse. */
  const strict = (wire: "chat" | "messages", text: string): string | undefined => {
    if (
      /(^|[^\\])(\\\\)*\\ud[89a-f]/i.test(text.replaceAll(/\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}/gi, ""))
    )
      return "half a character";
    const { messages: sent } = JSON.parse(text);
    for (const message of sent) {
      const calls =
        wire === "chat"
          ? (message.tool_calls ?? []).map((call: { function: object }) => call.function)
          : Array.isArray(message.content) && message.role === "assistant"
            ? message.content.filter((block: { type: string }) => block.type === "tool_use")
            : [];
      for (const { name, arguments: input, ...rest } of calls) {
        const given = wire === "chat" ? JSON.parse(input) : rest.input;
        if (typeof given !== "object" || given === null || Array.isArray(given))
          return "arguments that are no object";
        if (!/^[a-zA-Z0-9_-]{1,64}$/.test(name)) return `the name ${name}`;
      }
    }
    return undefined;
  };

  const ARGUMENTS = ['{"city":"Os', '{"city":  Zürich}', '["Oslo"]', "null", "42", '{"half":"\\ud99c"}'];
  const NAMES = ["weather<|channel|>commentary", "functions.weather", "", "x".repeat(200), "we\ud99cather"];

  it.each([...ARGUMENTS.map((text) => ["weather", text]), ...NAMES.map((name) => [name, '{"a":1}'])])(
    "a call of %j with %j, on both wires",
    async (name, text) => {
      for (const wire of ["chat", "messages"] as const) {
        const { agent } = recording();
        const first =
          wire === "chat"
            ? json({
                choices: [
                  {
                    finish_reason: "tool_calls",
                    message: { tool_calls: [{ id: "k", function: { name, arguments: text } }] },
                  },
                ],
              })
            : messages("tool_use", begins(0, { ...use("k"), name }), grows(0, inputOf(text)), stops(0));
        const last =
          wire === "chat"
            ? said("done")
            : messages("end_turn", begins(0, { type: "text", text: "done" }), stops(0));
        const { result, asked } = await talk(wire, agent, first, last);
        expect(result?.text, wire).toBe("done");
        expect(
          asked.map((request) => strict(wire, request.text)),
          wire,
        ).toEqual([undefined, undefined]);
      }
    },
  );

  it("half a character in prompt, document and reply", async () => {
    const { agent } = recording();
    for (const wire of ["chat", "messages"] as const) {
      await using service = await startService(
        wire === "chat"
          ? said("a\ud99c")
          : messages("end_turn", begins(0, { type: "text", text: "a\ud99c" }), stops(0)),
      );
      const options = { baseUrl: service.url, apiKey: "sk-test" };
      const provider = local({
        model: wire === "chat" ? openAICompatible(options) : anthropicMessages(options),
      });
      const prompt = [
        { type: "text", text: "hi \ud99c" },
        { type: "document", mediaType: "text/plain", data: "x\udc00", title: "\ud99c" },
      ] as const;
      const first = await run(agent, { provider, prompt });
      await run(agent, { provider, history: first.transcript ?? [], prompt: "again \ud83d\ude00" });
      expect(
        service.asked.map((request) => strict(wire, request.text)),
        wire,
      ).toEqual([undefined, undefined]);
      expect(service.asked[1]?.text).toContain("😀");
    }
  });

  it("a service's own fields of a message with calls, as they came", async () => {
    const { agent } = recording();
    const thinking = chat(
      chunk({ reasoning_content: "I should ", reasoning_details: [{ data: "c2ln", index: 0 }] }),
      chunk({ reasoning_content: "look.", reasoning_details: [{ data: "bmVk", index: 1 }] }),
      chunk({
        tool_calls: [
          { index: 0, id: "k", function: { name: "weather", arguments: "{}" }, extra_content: { sig: "s" } },
        ],
      }),
      chunk({}, { finish_reason: "tool_calls" }),
    );
    const { asked } = await talk("chat", agent, thinking, said("done"));
    expect(JSON.parse(asked[1]?.text ?? "").messages[1]).toMatchObject({
      reasoning_content: "I should look.",
      reasoning_details: [
        { data: "c2ln", index: 0 },
        { data: "bmVk", index: 1 },
      ],
      tool_calls: [{ id: "k", extra_content: { sig: "s" } }],
    });
  });

  it("images that no service takes are told in words, and the session goes on", async () => {
    const picture = defineTool({
      name: "weather",
      description: "Draws it.",
      input: { type: "object" },
      execute: () =>
        toolContent([
          { type: "image", mediaType: "image/bmp", data: "Qk0=" },
          { type: "image", mediaType: "image/png", data: "" },
        ]),
    });
    const agent = defineAgent({ name: "a", instructions: "", model: "m", tools: [picture] });
    const { result, asked } = await talk(
      "messages",
      agent,
      messages("tool_use", begins(0, use("k")), stops(0)),
      messages("end_turn", begins(0, { type: "text", text: "done" }), stops(0)),
    );
    expect(result?.text).toBe("done");
    expect(asked[1]?.text).toContain("image/bmp, which models do not take");
    expect(asked[1]?.text).not.toContain('"type":"image"');
  });

  it("an assistant message stands between results and a user's where roles are strict", async () => {
    const picture = defineTool({
      name: "weather",
      description: "Draws it.",
      input: { type: "object" },
      execute: () => "x",
    });
    const agent = defineAgent({ name: "a", instructions: "", model: "m", tools: [picture] });
    await using service = await startService(
      called({ index: 0, id: "k", function: { name: "weather", arguments: "{}" } }),
      said("done"),
    );
    const model = openAICompatible({ baseUrl: service.url, strictRoles: true });
    const provider = local({ model });
    const first = await run(agent, { provider, prompt: "go" });
    const cut = (first.transcript ?? []).slice(0, -1);
    await run(agent, { provider, history: cut, prompt: "and?" });
    const roles = JSON.parse(service.asked.at(-1)?.text ?? "").messages.map(
      ({ role }: { role: string }) => role,
    );
    expect(roles).toEqual(["user", "assistant", "tool", "assistant", "user"]);
  });

  it("schemas of tools are made fit, and one does not take the others along", async () => {
    const schemas = {
      bare: { type: "object" },
      union: {
        type: "object",
        oneOf: [
          { properties: { a: { type: "string" } }, required: ["a"] },
          { properties: { b: { type: "string" } } },
        ],
      },
      odd: {
        type: "object",
        properties: { $top: { type: "integer" }, "rule[]": { type: "array" }, ok: { type: "string" } },
        required: ["$top", "ok"],
        additionalProperties: false,
      },
    } as const;
    const tools = Object.entries(schemas).map(([name, input]) =>
      defineTool({ name, description: "d", input, execute: () => "x" }),
    );
    const agent = defineAgent({ name: "a", instructions: "", model: "m", tools });
    const chatSent = (await talk("chat", agent, said("x"))).asked[0]?.body["tools"] as {
      function: { parameters: object };
    }[];
    expect(chatSent.map(({ function: { parameters } }) => parameters)).toMatchObject([
      { type: "object", properties: {} },
      { type: "object", properties: { a: {}, b: {} } },
      { properties: { $top: {} } },
    ]);
    expect(JSON.stringify(chatSent[1]?.function.parameters)).not.toContain("oneOf");
    const sent = (
      await talk("messages", agent, messages("end_turn", begins(0, { type: "text", text: "x" }), stops(0)))
    ).asked[0]?.body["tools"] as { input_schema: object; description: string }[];
    expect(sent[2]?.input_schema).toEqual({
      type: "object",
      properties: { ok: { type: "string" } },
      required: ["ok"],
    });
    expect(sent[2]?.description).toContain("rule[]");
  });
});

it("keys given as headers are cut out of what a service says", async () => {
  const { agent } = recording();
  const secret = "sk-very-secret-key";
  await using service = await startService(
    json({ error: { message: `bad: authorization: Bearer ${secret}` } }, 401),
  );
  const model = openAICompatible({
    baseUrl: service.url,
    headers: { authorization: `Bearer ${secret}`, "x-tenant": "tenant-4711" },
  });
  const error = await run(agent, { provider: local({ model }), prompt: "go" }).catch(
    (thrown: unknown) => thrown,
  );
  expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain(secret);
});

describe("tokens", () => {
  it.each<[string, object, object]>([
    [
      "in the choice",
      {
        choices: [
          {
            index: 0,
            finish_reason: "stop",
            message: { content: "hi" },
            usage: { prompt_tokens: 900, completion_tokens: 100 },
          },
        ],
      },
      { inputTokens: 900, outputTokens: 100 },
    ],
    [
      "cached ones beside the prompt's",
      {
        choices: [{ finish_reason: "stop", message: { content: "hi" } }],
        usage: { prompt_tokens: 348, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 1000 } },
      },
      { inputTokens: 348, cacheReadTokens: 1000 },
    ],
    [
      "that are no numbers",
      {
        choices: [{ finish_reason: "stop", message: { content: "hi" } }],
        usage: {
          prompt_tokens: 10,
          completion_tokens: "many",
          prompt_tokens_details: { cached_tokens: "unknown" },
        },
      },
      // Not known, so that a budget does not take them for none.
      { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0 },
    ],
    [
      "below zero",
      { choices: [{ finish_reason: "stop", message: { content: "hi" } }], usage: { prompt_tokens: -5 } },
      { inputTokens: 0 },
    ],
  ])("%s", async (_, body, usage) => {
    const { agent } = recording();
    expect((await talk("chat", agent, json(body))).result?.usage).toMatchObject(usage);
  });

  it.each([
    ["that are no numbers", { prompt_tokens: 10, completion_tokens: "many" }],
    ["that are told for the first turn alone", undefined],
  ])("%s halt a budget of tokens at once", async (_, usage) => {
    const { agent } = recording();
    const call = { id: "k", function: { name: "weather", arguments: "{}" } };
    const reply = (spent: object | undefined) =>
      json({ choices: [{ finish_reason: "tool_calls", message: { tool_calls: [call] } }], usage: spent });
    await using service = await startService(reply({ prompt_tokens: 5, completion_tokens: 5 }), reply(usage));
    const provider = local({ model: openAICompatible({ baseUrl: service.url }) });
    const running = run(agent, { provider, prompt: "go", guard: budget({ maxTokens: 100_000 }) });
    await expect(running).rejects.toMatchObject({
      code: "halted",
      message: expect.stringContaining("cannot count"),
    });
    expect(service.asked.length).toBe(2);
  });

  it("that nobody tells halt a budget of tokens", async () => {
    const { agent } = recording();
    await using service = await startService(
      called({ index: 0, id: "k", function: { name: "weather", arguments: "{}" } }),
      said("done"),
    );
    const provider = local({ model: openAICompatible({ baseUrl: service.url }) });
    const running = run(agent, { provider, prompt: "go", guard: budget({ maxTokens: 1000 }) });
    await expect(running).rejects.toMatchObject({
      code: "halted",
      message: expect.stringContaining("cannot count"),
    });
  });
});
