// AI SDK models, part by part: scripted models of both specifications, in the types of the real packages.

import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4StreamPart,
} from "@ai-sdk/provider";
import { LoadAPIKeyError, UnsupportedFunctionalityError } from "@ai-sdk/provider";
import type { LanguageModelV3, LanguageModelV3StreamPart } from "@ai-sdk/provider-v3";
import { LoophostError } from "loophost";
import type { AiSdkLanguageModel } from "loophost/providers/local";
import { aiSdkModel, local } from "loophost/providers/local";
import { manualClock } from "loophost/testing";
import { describe, expect, it } from "vitest";

import type { TranscriptMessage } from "../../../../../src/core/transcript.ts";
import type { AiSdkModelOptions } from "../../../../../src/providers/local/models/ai-sdk/index.ts";
import { ask, callWith, CLOCK, conversing } from "../../conversing.ts";

const USAGE = {
  inputTokens: { total: 100, noCache: undefined, cacheRead: 70, cacheWrite: 10 },
  outputTokens: { total: 5, text: 5, reasoning: undefined },
};
const finish = (unified: "stop" | "tool-calls" | "other" | "error", raw?: string) =>
  ({ type: "finish", finishReason: { unified, raw }, usage: USAGE }) as const;
const callOf = (toolCallId: string) =>
  ({ type: "tool-call", toolCallId, toolName: "clock", input: "" }) as const;
const metadata = (value: string) => ({ providerMetadata: { test: { value } } });
const outputOf = (toolCallId: string, type: string, value: unknown) => ({
  type: "tool-result",
  toolCallId,
  toolName: "look",
  output: { type, value },
});
const options = (value: string) => ({ providerOptions: { test: { value } } });

/** A model that answers with one list of parts after another; the last serves all that follow. */
function scripted(...replies: readonly (readonly LanguageModelV4StreamPart[])[]) {
  const calls: LanguageModelV4CallOptions[] = [];
  const model: LanguageModelV4 = {
    specificationVersion: "v4",
    provider: "scripted",
    modelId: "one",
    supportedUrls: {},
    doStream: async (call) => {
      calls.push(call);
      const parts = replies[Math.min(calls.length, replies.length) - 1] ?? [];
      return { stream: ReadableStream.from<LanguageModelV4StreamPart>(parts) };
    },
    doGenerate: () => Promise.reject(new Error("not scripted")),
  };
  return { model, calls };
}

/** Asks for a reply, says it back, and asks again: what the model is then given. */
async function promptAfter(parts: readonly LanguageModelV4StreamPart[], settings: AiSdkModelOptions = {}) {
  const { model, calls } = scripted(parts, [finish("stop")]);
  const conversation = conversing(aiSdkModel(model, settings));
  const { reply, emitted } = await ask(conversation);
  conversation.add(reply.message);
  await ask(conversation);
  return { reply, emitted, said: calls[1]?.prompt.slice(1), calls };
}

it("sends every part back with the metadata that came with it, the last to come [F4-history-fidelity]", async () => {
  const { said, reply } = await promptAfter([
    { type: "stream-start", warnings: [{ type: "other", message: "never mind" }] },
    { type: "reasoning-start", id: "0", ...metadata("begun") },
    { type: "reasoning-delta", id: "0", delta: "Hm" },
    { type: "text-start", id: "0" },
    { type: "text-delta", id: "0", delta: "Hel" },
    { type: "reasoning-delta", id: "0", delta: "m", ...metadata("signed") },
    { type: "text-delta", id: "0", delta: "lo" },
    { type: "reasoning-end", id: "0" },
    { type: "text-end", id: "0", ...metadata("text") },
    { type: "reasoning-start", id: "0", ...metadata("redacted") },
    { type: "reasoning-end", id: "0" },
    { type: "text-start", id: "0" },
    { type: "text-end", id: "0" },
    { type: "tool-call", toolCallId: "a", toolName: "clock", input: `{ "z": 1 }`, ...metadata("call") },
    { type: "custom", kind: "scripted.note", ...metadata("note") },
    finish("tool-calls", "tool_use"),
  ]);

  expect(said).toEqual([
    {
      role: "assistant",
      content: [
        { type: "reasoning", text: "Hmm", ...options("signed") },
        { type: "text", text: "Hello", ...options("text") },
        { type: "reasoning", text: "", ...options("redacted") },
        { type: "tool-call", toolCallId: "a", toolName: "clock", input: { z: 1 }, ...options("call") },
        { type: "custom", kind: "scripted.note", ...options("note") },
      ],
    },
  ]);
  expect(reply.message.content).toEqual([
    { type: "thinking", text: "Hmm" },
    { type: "text", text: "Hello" },
    { type: "tool_call", id: "a", name: "clock", arguments: `{ "z": 1 }` },
  ]);
});

it("leaves alone what the service ran itself, and sends it back", async () => {
  const { said, reply, emitted } = await promptAfter([
    { type: "tool-call", toolCallId: "s", toolName: "search", input: `{"q":"x"}`, providerExecuted: true },
    { type: "tool-result", toolCallId: "s", toolName: "search", result: ["soon"], preliminary: true },
    { type: "tool-result", toolCallId: "s", toolName: "search", result: ["found"], ...metadata("result") },
    { type: "source", sourceType: "url", id: "1", url: "https://example.com/" },
    { type: "text-start", id: "1" },
    { type: "text-delta", id: "1", delta: "Found." },
    { type: "text-end", id: "1" },
    finish("stop"),
  ]);

  expect(reply.message.content).toEqual([{ type: "text", text: "Found." }]);
  expect(emitted.map((event) => (event as { raw?: { type: string } }).raw?.type)).toEqual([
    "tool-call",
    "tool-result",
    "tool-result",
    "source",
    undefined,
  ]);
  const output = { type: "json", value: ["found"] };
  expect(said).toEqual([
    {
      role: "assistant",
      content: [
        { type: "tool-call", toolCallId: "s", toolName: "search", input: { q: "x" }, providerExecuted: true },
        { type: "tool-result", toolCallId: "s", toolName: "search", output, ...options("result") },
        { type: "text", text: "Found." },
      ],
    },
  ]);
});

it("passes on parts it does not know, and takes no notice of those that say nothing [I9]", async () => {
  const { emitted } = await promptAfter([
    { type: "response-metadata", id: "1" },
    { type: "ping" },
    { type: "raw", rawValue: {} },
    { type: "tool-input-start", id: "a", toolName: "clock" },
    { type: "tool-input-delta", id: "a", delta: "{}" },
    { type: "tool-input-end", id: "a" },
    { type: "hologram", beam: 1 } as unknown as LanguageModelV4StreamPart,
    finish("stop"),
  ]);

  expect(emitted).toEqual([{ type: "provider", raw: { type: "hologram", beam: 1 } }]);
});

it("gives a call id that is empty or came before in the reply another one [I2]", async () => {
  const { said, reply } = await promptAfter([...["a", "a", ""].map(callOf), finish("stop")]);

  const ids = reply.message.content.flatMap((block) => (block.type === "tool_call" ? [block.id] : []));
  expect(ids[0]).toBe("a");
  expect(new Set(ids).size).toBe(3);
  expect(said).toMatchObject([{ content: ids.map((toolCallId) => ({ toolCallId })) }]);
});

it("counts cached tokens beside the others, and nothing where nothing is told [A-094]", async () => {
  const { reply } = await promptAfter([finish("stop")]);
  expect(reply.usage).toEqual({
    inputTokens: 20,
    outputTokens: 5,
    cacheReadTokens: 70,
    cacheWriteTokens: 10,
  });

  const none = { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined };
  const silent = {
    ...finish("stop"),
    usage: { inputTokens: none, outputTokens: { ...USAGE.outputTokens, total: undefined } },
  };
  expect((await promptAfter([silent])).reply.usage).toBeUndefined();
});

it("asks as it was told to", async () => {
  const { calls } = await promptAfter([finish("stop")], {
    maxTokens: 9,
    toolChoice: { tool: "search" },
    headers: { "x-team": "a" },
    settings: { temperature: 0, providerOptions: { test: { on: true } } },
    serverTools: [{ type: "provider", id: "test.search", name: "search", args: {} }],
  });

  expect(calls[0]).toEqual({
    prompt: [{ role: "user", content: [{ type: "text", text: "Hi" }] }],
    abortSignal: expect.any(AbortSignal),
    maxOutputTokens: 9,
    toolChoice: { type: "tool", toolName: "search" },
    headers: { "x-team": "a" },
    temperature: 0,
    providerOptions: { test: { on: true } },
    tools: [{ type: "provider", id: "test.search", name: "search", args: {} }],
  });
});

it("gives tools and system prompt, and each call a prompt of its own", async () => {
  const { model, calls } = scripted([finish("stop")]);
  const conversation = conversing(aiSdkModel(model), { instructions: "Be brief.", tools: [CLOCK] });
  await ask(conversation);
  conversation.add({ role: "user", content: [{ type: "text", text: "More" }] });
  await ask(conversation);

  expect(calls.map(({ prompt }) => prompt.map(({ role }) => role))).toEqual([
    ["system", "user"],
    ["system", "user", "user"],
  ]);
  expect(calls[0]?.tools).toEqual([{ type: "function", ...CLOCK }]);
});

describe("messages that came over another wire, as each specification writes them", () => {
  const image = { type: "image", mediaType: "image/png", data: "AAAA" } as const;
  const pdf = { type: "document", mediaType: "application/pdf", data: "BBBB", title: "b.pdf" } as const;
  const note = { type: "document", mediaType: "text/plain", data: "A note" } as const;
  const messages: readonly TranscriptMessage[] = [
    { role: "user", content: [image, pdf, note] },
    {
      role: "assistant",
      content: [
        { type: "thinking", text: "Hm" },
        { type: "text", text: "" },
        { type: "text", text: "Look" },
        { type: "tool_call", id: "a", name: "look", arguments: "[1]" },
      ],
      native: { wire: "another", message: {} },
    },
    {
      role: "tool",
      results: [
        { callId: "a", name: "look", result: { content: [note, image, pdf], isError: false } },
        { callId: "b", name: "look", result: { content: [{ type: "text", text: "No" }], isError: true } },
        { callId: "c", name: "look", result: { content: [image], isError: true } },
        { callId: "d", name: "look", result: { content: [{ type: "text", text: "Yes" }], isError: false } },
      ],
    },
    { role: "assistant", content: [] },
    { role: "tool", results: [] },
  ];
  const text = { type: "text", text: "A note" };

  it.each([
    {
      version: "v3" as const,
      user: [
        { type: "file", mediaType: "image/png", data: "AAAA" },
        { type: "file", mediaType: "application/pdf", data: "BBBB", filename: "b.pdf" },
      ],
      result: [
        { type: "image-data", mediaType: "image/png", data: "AAAA" },
        { type: "file-data", mediaType: "application/pdf", data: "BBBB", filename: "b.pdf" },
      ],
    },
    {
      version: "v4" as const,
      user: [
        { type: "file", mediaType: "image/png", data: { type: "data", data: "AAAA" } },
        {
          type: "file",
          mediaType: "application/pdf",
          data: { type: "data", data: "BBBB" },
          filename: "b.pdf",
        },
      ],
      result: [
        { type: "file", mediaType: "image/png", data: { type: "data", data: "AAAA" } },
        {
          type: "file",
          mediaType: "application/pdf",
          data: { type: "data", data: "BBBB" },
          filename: "b.pdf",
        },
      ],
    },
  ])("$version [A-093]", async ({ version, user, result }) => {
    const { model, calls } = scripted([finish("stop")]);
    const conversation = conversing(aiSdkModel({ ...model, specificationVersion: version }));
    for (const message of messages) conversation.add(message);
    await ask(conversation);

    expect(calls[0]?.prompt.slice(1)).toEqual([
      { role: "user", content: [...user, text] },
      {
        role: "assistant",
        content: [
          { type: "text", text: "Look" },
          { type: "tool-call", toolCallId: "a", toolName: "look", input: {} },
        ],
      },
      {
        role: "tool",
        content: [
          outputOf("a", "content", [text, ...result]),
          outputOf("b", "error-text", "No"),
          outputOf("c", "error-text", "The call failed."),
          outputOf("d", "text", "Yes"),
        ],
      },
    ]);
  });
});

it("sends a file the model made back in the form of its specification", async () => {
  const { said } = await promptAfter([
    { type: "file", mediaType: "image/png", data: { type: "data", data: new Uint8Array([1, 2, 3]) } },
    finish("stop"),
  ]);
  expect(said).toMatchObject([{ content: [{ type: "file", data: { type: "data", data: "AQID" } }] }]);

  const prompts: unknown[] = [];
  const parts: LanguageModelV3StreamPart[] = [
    { type: "file", mediaType: "image/png", data: "AQID" },
    finish("stop"),
  ];
  const model: LanguageModelV3 = {
    specificationVersion: "v3",
    provider: "scripted",
    modelId: "one",
    supportedUrls: {},
    doGenerate: () => Promise.reject(new Error("not scripted")),
    doStream: async ({ prompt }) => {
      prompts.push(prompt.slice(1));
      return { stream: ReadableStream.from<LanguageModelV3StreamPart>(parts) };
    },
  };
  const conversation = conversing(aiSdkModel(model));
  conversation.add((await ask(conversation)).reply.message);
  await ask(conversation);
  expect(prompts[1]).toMatchObject([{ content: [{ type: "file", data: "AQID" }] }]);
});

it("drops the calls of a refused reply, and does not send it back", async () => {
  const refused = {
    type: "finish",
    finishReason: { unified: "content-filter", raw: "refusal" },
    usage: USAGE,
  } as const;
  const { reply, said } = await promptAfter([
    { type: "tool-call", toolCallId: "a", toolName: "clock", input: "{}" },
    refused,
  ]);

  expect(reply).toMatchObject({ ending: "refusal", message: { content: [] } });
  expect(said).toEqual([]);
});

describe("a reply that is not whole", () => {
  const begun = [
    { type: "text-start", id: "0" },
    { type: "text-delta", id: "0", delta: "Hel" },
  ] as const;
  const interrupted = {
    type: "finish",
    finishReason: { unified: "interrupted", raw: undefined },
    usage: USAGE,
  } as const;

  it.each([
    { how: "ends without a finish", parts: [...begun] },
    { how: "ends with a finish its provider made up", parts: [...begun, finish("other")] },
    { how: "is said to be interrupted", parts: [...begun, interrupted] },
    { how: "says that it is an error", parts: [...begun, finish("error")] },
    {
      how: "reports that the service is overloaded",
      parts: [...begun, error({ type: "overloaded_error", message: "Busy" })],
    },
    { how: "reports an error by its status", parts: [...begun, error({ statusCode: 529, message: "Busy" })] },
    { how: "reports a broken connection", parts: [...begun, error(new TypeError("terminated"))] },
  ])("is taken back and asked for again when it $how [F4-cut] [I7]", async ({ parts }) => {
    const { model, calls } = scripted(parts, [...begun, finish("stop")]);
    const { reply, emitted } = await ask(conversing(aiSdkModel(model, { retry: { firstDelayMs: 1 } })));

    expect(emitted.map((event) => (event as { type: string }).type)).toEqual([
      "text.delta",
      "deltas.retracted",
      "retrying",
      "text.delta",
    ]);
    expect(reply.message.content).toEqual([{ type: "text", text: "Hel" }]);
    expect(calls[1]?.prompt).toEqual(calls[0]?.prompt);
  });

  it.each([
    {
      part: error({ statusCode: 400, type: "invalid_request_error", message: "Too long" }),
      code: "host_rejected",
    },
    { part: error({ type: "invalid_request_error", message: "Too long" }), code: "host_rejected" },
    { part: error(new UnsupportedFunctionalityError({ functionality: "video" })), code: "host_rejected" },
    { part: error(new LoadAPIKeyError({ message: "API key is missing." })), code: "missing_credentials" },
  ])("is given up when another try cannot help: $code", async ({ part, code }) => {
    const { model, calls } = scripted([part]);

    await expect(ask(conversing(aiSdkModel(model)))).rejects.toMatchObject({ name: "LoophostError", code });
    expect(calls).toHaveLength(1);
  });
});

function error(of: unknown): LanguageModelV4StreamPart {
  return { type: "error", error: of };
}

/** Neither ends nor lets itself be cancelled. */
const heedless: LanguageModelV4 = {
  ...scripted().model,
  doStream: async () => ({
    stream: new ReadableStream({
      pull: () => new Promise(() => undefined),
      cancel: () => new Promise(() => undefined),
    }),
  }),
};
/** Does not even begin. */
const silent: LanguageModelV4 = { ...scripted().model, doStream: () => new Promise(() => undefined) };

describe("a model that heeds no signal", () => {
  it.each([
    { when: "while it streams", model: heedless },
    { when: "before it streams", model: silent },
  ])("is left when its call is aborted $when [I12] [F4-abort-silent]", async ({ model }) => {
    const abort = new AbortController();
    const clock = manualClock();
    const replied = conversing(aiSdkModel(model)).reply(
      callWith(() => undefined, { signal: abort.signal, clock }),
    );
    await clock.advance(0);
    abort.abort();

    await expect(replied).rejects.toMatchObject({ code: "aborted" });
    expect(clock.waiting).toBe(0);
  });

  it.each([
    { when: "while it streams", model: heedless },
    { when: "before it streams", model: silent },
  ])("is given up when it falls silent $when [I7] [F4-stall]", async ({ model }) => {
    const clock = manualClock();
    const replied = conversing(aiSdkModel(model, { idleTimeoutMs: 500, retry: { attempts: 1 } })).reply(
      callWith(() => undefined, { clock }),
    );
    const failure = replied.catch((thrown: unknown) => thrown);
    await clock.advance(500);

    expect(await failure).toMatchObject({
      code: "host_unreachable",
      message: "scripted one sent nothing for 500 ms. Raise idleTimeoutMs if it needs longer.",
    });
    expect(clock.waiting).toBe(0);
  });
});

it("takes a reply in one piece, whatever its provider says of its end", async () => {
  const content: LanguageModelV4Content[] = [
    { type: "reasoning", text: "Hm", ...metadata("signed") },
    { type: "text", text: "Hello" },
  ];
  const model: LanguageModelV4 = {
    ...scripted().model,
    doGenerate: async () => ({
      content,
      finishReason: { unified: "other", raw: undefined },
      usage: USAGE,
      warnings: [],
    }),
  };
  const { reply } = await ask(conversing(aiSdkModel(model, { stream: false })));

  expect(reply).toMatchObject({ ending: "completed", stopReason: "other" });
  expect(reply.message.native?.message).toEqual([
    { type: "reasoning", text: "Hm", ...options("signed") },
    { type: "text", text: "Hello" },
  ]);
});

describe("what is no model of a generation we know", () => {
  const older = { specificationVersion: "v2", provider: "scripted", modelId: "one" };

  it.each([
    { given: "anthropic/claude-sonnet-5-5", says: "make the model with the gateway's provider" },
    { given: undefined, says: "needs a language model of the AI SDK" },
    { given: older, says: "scripted one is v2. Update the package" },
    { given: { ...older, specificationVersion: "v1" }, says: "scripted one is v1. Update the package" },
  ])("is refused: $says", ({ given, says }) => {
    const problem = expect.objectContaining({
      code: "invalid_options",
      message: expect.stringContaining(says),
    });
    expect(() => aiSdkModel(given as unknown as AiSdkLanguageModel)).toThrow(problem);
  });

  it("is refused by local() as well", () => {
    expect(() => local({ model: older as unknown as AiSdkLanguageModel })).toThrow(/is v2/);
  });

  it("is refused by the compiler", () => {
    // @ts-expect-error -- a name alone
    expect(() => aiSdkModel("gpt-5")).toThrow(LoophostError);
    // @ts-expect-error -- an older generation
    expect(() => aiSdkModel(older)).toThrow(LoophostError);
  });
});

it("refuses settings that are written from the agent and the conversation", () => {
  expect(() => aiSdkModel(scripted().model, { settings: { tools: [] } })).toThrow(
    /settings may not set "tools"/,
  );
});
