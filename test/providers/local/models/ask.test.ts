// How a model is asked over HTTP: tries, waits, silence, cuts, abort, keys. Over both wires where it could differ.

import { getEventListeners } from "node:events";
import { inspect } from "node:util";

import { afterEach, describe, expect, it, vi } from "vitest";

import { anthropicMessages } from "../../../../src/providers/local/models/anthropic/index.ts";
import type { FetchModelOptions } from "../../../../src/providers/local/models/fetch-model.ts";
import { openAICompatible } from "../../../../src/providers/local/models/openai/index.ts";
import { manualClock } from "../../../../src/testing/manual-clock.ts";
import type { Answer } from "../../../support/model-service.ts";
import { json, startService, streamed } from "../../../support/model-service.ts";
import { ask, callWith, conversing } from "../conversing.ts";

const NOW = { retry: { firstDelayMs: 1 } };

const ANTHROPIC_HELLO = [
  {
    type: "message_start",
    message: { id: "msg_1", content: [], usage: { input_tokens: 1, output_tokens: 1 } },
  },
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hello" } },
  { type: "content_block_stop", index: 0 },
  { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 2 } },
  { type: "message_stop" },
];
const CHAT_HELLO = [
  { choices: [{ delta: { content: "Hello" } }] },
  { choices: [{ delta: {}, finish_reason: "stop" }] },
];

const events = (list: readonly unknown[]) =>
  list.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");

const WIRES = [
  {
    wire: "anthropic-messages",
    model: (options: FetchModelOptions) => anthropicMessages({ apiKey: "sk-secret-key", ...options }),
    hello: events(ANTHROPIC_HELLO),
    begun: events(ANTHROPIC_HELLO.slice(0, 3)),
    silentlyBegun: events(ANTHROPIC_HELLO.slice(0, 1)),
    overloaded: events([{ type: "error", error: { type: "overloaded_error", message: "Overloaded" } }]),
    invalid: events([{ type: "error", error: { type: "invalid_request_error", message: "Too long" } }]),
  },
  {
    wire: "openai-chat",
    model: (options: FetchModelOptions) => openAICompatible({ apiKey: "sk-secret-key", ...options }),
    hello: `${events(CHAT_HELLO)}data: [DONE]\n\n`,
    begun: events(CHAT_HELLO.slice(0, 1)),
    silentlyBegun: events([{ choices: [{ delta: { role: "assistant" } }] }]),
    overloaded: events([{ error: { code: 529, message: "Overloaded" } }]),
    invalid: events([{ error: { type: "invalid_request_error", message: "Too long" } }]),
  },
];

const ERROR = { error: { type: "api_error", message: "Try later" } };

describe.each(WIRES)("$wire", ({ model, hello, begun, silentlyBegun, overloaded, invalid }) => {
  const converse = (options: FetchModelOptions) => conversing(model(options));

  it.each([408, 429, 500, 503, 529])("asks again after %i [A-101] [B-35] [F4-retry]", async (status) => {
    await using service = await startService(json(ERROR, status), streamed(hello));

    const { reply, emitted } = await ask(converse({ baseUrl: service.url, ...NOW }));

    expect(reply.message.content).toEqual([{ type: "text", text: "Hello" }]);
    expect(service.asked[1]?.text).toBe(service.asked[0]?.text);
    expect(emitted).toEqual([
      {
        type: "retrying",
        attempt: 1,
        delayMs: expect.any(Number),
        reason: expect.stringContaining("Try later"),
      },
      { type: "text.delta", text: "Hello" },
    ]);
  });

  it.each([400, 401, 403, 404, 409, 413, 422])("does not ask again after %i [B-31]", async (status) => {
    await using service = await startService(json(ERROR, status), streamed(hello));

    await expect(ask(converse({ baseUrl: service.url, ...NOW }))).rejects.toMatchObject({
      code: "host_rejected",
      status,
    });
    expect(service.asked.length).toBe(1);
  });

  it.each([
    { status: 409, word: "true", tries: 2 },
    { status: 503, word: "false", tries: 1 },
  ])("heeds x-should-retry: $word with a $status", async ({ status, word, tries }) => {
    await using service = await startService(
      json(ERROR, status, { "x-should-retry": word }),
      streamed(hello),
    );
    await ask(converse({ baseUrl: service.url, ...NOW })).catch(() => undefined);

    expect(service.asked.length).toBe(tries);
  });

  it("gives up after so many tries, with the last error", async () => {
    await using service = await startService(json(ERROR, 500), json(ERROR, 503));

    const asking = ask(converse({ baseUrl: service.url, retry: { firstDelayMs: 1, attempts: 3 } }));

    await expect(asking).rejects.toMatchObject({ code: "host_failed", status: 503, hostCode: "api_error" });
    expect(service.asked.length).toBe(3);
  });

  it("waits as long as it is told to, by the given clock [F4-retry-after] [L-44]", async () => {
    await using service = await startService(json(ERROR, 429, { "retry-after": "7" }), streamed(hello));
    const clock = manualClock();
    const waiting = Promise.withResolvers<void>();
    const asking = converse({ baseUrl: service.url }).reply(
      callWith((event) => event.type === "retrying" && waiting.resolve(), { clock }),
    );
    await waiting.promise;

    await clock.advance(6_999);
    expect(service.asked.length).toBe(1);
    await clock.advance(1);

    await expect(asking).resolves.toMatchObject({ ending: "completed" });
    expect(clock.waiting).toBe(0);
  });

  it("does not wait longer than the policy allows", async () => {
    await using service = await startService(json(ERROR, 429, { "retry-after": "61" }), streamed(hello));

    await expect(ask(converse({ baseUrl: service.url }))).rejects.toMatchObject({
      status: 429,
      retryAfterMs: 61_000,
    });
  });

  it("asks again when nobody answers, and says where nobody did", async () => {
    const service = await startService();
    await service[Symbol.asyncDispose]();
    const emitted: unknown[] = [];
    const asking = converse({ baseUrl: service.url, retry: { firstDelayMs: 1, attempts: 2 } }).reply(
      callWith((event) => emitted.push(event)),
    );

    await expect(asking).rejects.toMatchObject({
      code: "host_unreachable",
      message: expect.stringContaining(new URL(service.url).host),
    });
    expect(emitted).toEqual([expect.objectContaining({ type: "retrying", attempt: 1 })]);
  });

  it("follows no redirect, which would take its key to another address [I11]", async () => {
    await using elsewhere = await startService(streamed(hello));
    await using service = await startService(json({}, 307, { location: elsewhere.url }));

    await expect(ask(converse({ baseUrl: service.url, ...NOW }))).rejects.toMatchObject({
      code: "host_rejected",
      message: expect.stringMatching(/redirect.*baseUrl/),
    });
    expect(service.asked.length).toBe(1);
    expect(elsewhere.asked).toEqual([]);
  });

  it.each(["cut", "end"] as const)(
    "takes back a reply that broke off (%s), and asks again [I7] [F4-cut]",
    async (then) => {
      await using service = await startService(streamed(begun, then), streamed(hello));

      const { reply, emitted } = await ask(converse({ baseUrl: service.url, ...NOW }));

      expect(emitted).toEqual([
        { type: "text.delta", text: "Hello" },
        { type: "deltas.retracted", reason: expect.any(String) },
        expect.objectContaining({ type: "retrying", attempt: 1 }),
        { type: "text.delta", text: "Hello" },
      ]);
      expect(reply.message.content).toEqual([{ type: "text", text: "Hello" }]);
      expect(service.asked.length).toBe(2);
    },
  );

  it("takes nothing back where nothing was shown", async () => {
    await using service = await startService(streamed(silentlyBegun, "cut"), streamed(hello));

    const { emitted } = await ask(converse({ baseUrl: service.url, ...NOW }));

    expect(emitted).toEqual([
      expect.objectContaining({ type: "retrying" }),
      { type: "text.delta", text: "Hello" },
    ]);
  });

  it("asks again after an error inside a stream that began well [F4-overloaded]", async () => {
    await using service = await startService(
      streamed(overloaded),
      streamed(begun + overloaded),
      streamed(hello),
    );

    const { emitted } = await ask(converse({ baseUrl: service.url, ...NOW }));

    expect(emitted).toEqual([
      {
        type: "retrying",
        attempt: 1,
        delayMs: expect.any(Number),
        reason: expect.stringContaining("Overloaded"),
      },
      { type: "text.delta", text: "Hello" },
      expect.objectContaining({ type: "deltas.retracted" }),
      expect.objectContaining({ type: "retrying", attempt: 2 }),
      { type: "text.delta", text: "Hello" },
    ]);
  });

  it("does not ask again when the error inside a stream is final", async () => {
    await using service = await startService(streamed(invalid), streamed(hello));

    await expect(ask(converse({ baseUrl: service.url, ...NOW }))).rejects.toMatchObject({
      code: "host_rejected",
      hostCode: "invalid_request_error",
      status: 400,
    });
  });

  it("does not hold a cut against a reply that was whole", async () => {
    await using service = await startService(streamed(hello, "cut"));

    const { emitted } = await ask(converse({ baseUrl: service.url }));

    expect(emitted).toEqual([{ type: "text.delta", text: "Hello" }]);
  });

  it("waits only briefly for the end of a stream that has said everything", async () => {
    await using service = await startService(streamed(hello, "silence"));
    const clock = manualClock();
    const hearing = Promise.withResolvers<void>();
    const asking = converse({ baseUrl: service.url }).reply(callWith(() => hearing.resolve(), { clock }));
    await hearing.promise;
    await clock.advance(1_000);

    await expect(asking).resolves.toMatchObject({ ending: "completed" });
    await service.hungUp;
    expect(clock.waiting).toBe(0);
  });

  it("asks again after a silence between two bytes [I7] [F4-stall]", async () => {
    await using service = await startService(streamed(begun, "silence"), streamed(hello));
    const clock = manualClock();
    const emitted: { readonly type: string }[] = [];
    const hearing = Promise.withResolvers<void>();
    const asking = converse({ baseUrl: service.url, idleTimeoutMs: 5_000 }).reply(
      callWith(
        (event) => {
          emitted.push(event);
          hearing.resolve();
        },
        { clock },
      ),
    );
    await hearing.promise;
    await clock.advance(5_000);
    await service.hungUp;
    await clock.advance(1_000);

    await expect(asking).resolves.toMatchObject({ ending: "completed" });
    expect(emitted.map(({ type }) => type)).toEqual([
      "text.delta",
      "deltas.retracted",
      "retrying",
      "text.delta",
    ]);
    expect(emitted[2]).toMatchObject({ reason: expect.stringContaining("5000 ms") });
    expect(clock.waiting).toBe(0);
  });

  it("measures a silence from the last byte, and lingers after a long stream as after a short one", async () => {
    const clock = manualClock();
    const stream = new TransformStream<Uint8Array, Uint8Array>();
    const writer = stream.writable.getWriter();
    const write = (text: string) => writer.write(new TextEncoder().encode(text));
    const hungUp = vi.fn<(reason: unknown) => void>();
    const fetchIt: typeof fetch = (_, init) => {
      init?.signal?.addEventListener("abort", hungUp);
      return Promise.resolve(
        new Response(
          stream.readable.pipeThrough(new TransformStream(), init?.signal ? { signal: init.signal } : {}),
        ),
      );
    };
    const asking = ask(converse({ idleTimeoutMs: 5_000, fetch: fetchIt }), { clock });
    await clock.advance(4_000);
    await write(hello.slice(0, 20));
    await clock.advance(4_000);
    await write(hello.slice(20));
    await clock.advance(499);
    expect(hungUp).not.toHaveBeenCalled();
    await clock.advance(1);

    expect(hungUp).toHaveBeenCalledTimes(1);
    await expect(asking).resolves.toMatchObject({ reply: { ending: "completed" } });
    expect(clock.waiting).toBe(0);
  });

  it("leaves nothing on a signal that outlives it", async () => {
    await using service = await startService(streamed(hello));
    const { signal } = new AbortController();
    await ask(converse({ baseUrl: service.url }), { signal });

    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it.each<{ readonly when: string; readonly answer: Answer }>([
    { when: "before the first byte", answer: streamed("", "silence") },
    { when: "in the middle", answer: streamed(begun, "silence") },
  ])("lets go at once when aborted $when [I12] [F4-abort-silent]", async ({ answer }) => {
    await using service = await startService(answer);
    const stopping = new AbortController();
    const clock = manualClock();
    const asking = converse({ baseUrl: service.url }).reply(
      callWith(() => undefined, { clock, signal: stopping.signal }),
    );
    await expect.poll(() => service.asked.length).toBeGreaterThan(0);
    stopping.abort(new Error("enough"));

    await expect(asking).rejects.toMatchObject({ code: "aborted", cause: new Error("enough") });
    await service.hungUp;
    expect(clock.waiting).toBe(0);
    expect(service.asked.length).toBe(1);
  });

  it("lets go at once when aborted while it waits to ask again [I12]", async () => {
    await using service = await startService(json(ERROR, 429, { "retry-after": "60" }));
    const stopping = new AbortController();
    const asking = converse({ baseUrl: service.url }).reply(
      callWith((event) => event.type === "retrying" && stopping.abort(), { signal: stopping.signal }),
    );

    await expect(asking).rejects.toMatchObject({ code: "aborted" });
  });

  it("does not even ask when already aborted", async () => {
    await using service = await startService(streamed(hello));

    await expect(
      ask(converse({ baseUrl: service.url }), { signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ code: "aborted" });
    expect(service.asked.length).toBe(0);
  });

  it.each([
    { what: "HTML", answer: { body: "<html>", headers: { "content-type": "application/json" } } },
    { what: "a list", answer: json([]) },
    { what: "another object", answer: json({ status: "ok" }) },
    { what: "a stream of something else", answer: streamed("data: nonsense\n\n") },
  ])("does not follow $what [A-095] [B-32]", async ({ answer }) => {
    await using service = await startService(answer);

    await expect(ask(converse({ baseUrl: service.url }))).rejects.toMatchObject({
      code: "host_protocol",
      message: expect.stringContaining("Check baseUrl."),
    });
    expect(service.asked.length).toBe(1);
  });

  it("reads an error that came as a success", async () => {
    await using service = await startService(
      json({ error: { type: "invalid_request_error", message: "No." } }),
    );

    await expect(ask(converse({ baseUrl: service.url }))).rejects.toMatchObject({
      code: "host_rejected",
      status: 400,
    });
  });

  it("takes one piece for an answer when it asked for a stream, and the reverse", async () => {
    await using service = await startService(streamed(hello));
    const { reply } = await ask(converse({ baseUrl: service.url, stream: false }));

    expect(reply.message.content).toEqual([{ type: "text", text: "Hello" }]);
    expect(service.asked[0]?.headers["accept"]).toBe("application/json");
    expect(service.asked[0]?.body).not.toHaveProperty("stream");
  });

  it("asks a key function before every request, and sends headers over its own", async () => {
    await using service = await startService(json(ERROR, 500), streamed(hello));
    const keys = ["one", "two"];
    const apiKey = () => Promise.resolve(keys.shift() ?? "none");
    await ask(
      converse({ baseUrl: `${service.url}/`, apiKey, headers: { "X-Trace": "t", Accept: "text/*" }, ...NOW }),
    );

    const sent = service.asked.map(
      ({ headers }) => headers["x-api-key"] ?? headers.authorization?.slice("Bearer ".length),
    );
    expect(sent).toEqual(["one", "two"]);
    expect(service.asked[0]?.headers).toMatchObject({
      "x-trace": "t",
      accept: "text/*",
      "content-type": "application/json",
    });
  });

  it.each(["", "  \n"])("calls a key of %j missing", async (apiKey) => {
    await using service = await startService(streamed(hello));

    await expect(ask(converse({ baseUrl: service.url, apiKey }))).rejects.toMatchObject({
      code: "missing_credentials",
      message: expect.stringMatching(/is empty.*apiKey.*_API_KEY/),
    });
  });

  it("says that the key function failed", async () => {
    const asking = ask(converse({ apiKey: () => Promise.reject(new Error("vault sealed")) }));

    await expect(asking).rejects.toMatchObject({
      code: "missing_credentials",
      message: expect.stringContaining("vault sealed"),
    });
  });

  it("keeps keys and header values out of errors and inspected objects [I11]", async () => {
    const secrets = { apiKey: "sk-secret-key", headers: { "x-gateway": "gw\nsecret" } };
    const badHeader = await ask(converse({ ...secrets })).catch((error: unknown) => error);
    const badKey = await ask(converse({ apiKey: "sk-secret-key\u0000x" })).catch((error: unknown) => error);
    await using service = await startService(
      json({ error: { type: "authentication_error", message: "bad key sk-secret-key" } }, 401),
    );
    const echoed = await ask(converse({ baseUrl: service.url })).catch((error: unknown) => error);

    for (const error of [badHeader, badKey, echoed]) {
      expect(error).toMatchObject({
        name: "LoophostError",
        code: expect.stringMatching(/invalid_options|host_rejected/),
      });
      expect(inspect(error, { depth: 9 })).not.toMatch(/secret/);
    }
    expect(inspect([model(secrets), converse(secrets)], { depth: 9 })).not.toMatch(/secret/);
  });

  it.each([
    { baseUrl: "not a url" },
    { baseUrl: "https://user:secret@127.0.0.1" },
    { baseUrl: "http://127.0.0.1:99999/secret" },
    { baseUrl: "localhost:11434/v1" },
    { baseUrl: "file:///v1" },
    { extraBody: { messages: [] } },
    { maxTokens: 0 },
    { idleTimeoutMs: Number.NaN },
  ])("refuses the options %j", (options) => {
    expect(() => model(options)).toThrow(
      expect.objectContaining({ code: "invalid_options", message: expect.not.stringContaining("secret") }),
    );
  });

  it("wants to know which model", () => {
    expect(() => conversing(model({}), { modelId: undefined })).toThrow(
      expect.objectContaining({
        code: "invalid_options",
        message: expect.stringContaining("No model is named"),
      }),
    );
  });
});

describe("keys from the environment", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("reads ANTHROPIC_API_KEY when it is needed [B-02]", async () => {
    vi.stubEnv("ANTHROPIC_API_KEY", "");
    const conversation = conversing(
      anthropicMessages({ fetch: () => Promise.resolve(new Response(events(ANTHROPIC_HELLO))) }),
    );
    await expect(ask(conversation)).rejects.toThrow("The API key is empty for Anthropic Messages.");

    vi.stubEnv("ANTHROPIC_API_KEY", undefined);
    await expect(ask(conversation)).rejects.toThrow(
      "There is no API key for Anthropic Messages. Pass the option apiKey, or set ANTHROPIC_API_KEY.",
    );

    vi.stubEnv("ANTHROPIC_API_KEY", "from-env");
    await expect(ask(conversation)).resolves.toMatchObject({ reply: { ending: "completed" } });
  });

  it("reads OPENAI_API_KEY for OpenAI, and sends it nowhere else [L-37]", async () => {
    vi.stubEnv("OPENAI_API_KEY", "");
    await expect(ask(conversing(openAICompatible()))).rejects.toMatchObject({ code: "missing_credentials" });

    vi.stubEnv("OPENAI_API_KEY", "from-env");
    const sent: unknown[] = [];
    const fetch: typeof globalThis.fetch = (url, init) => {
      sent.push([url, new Headers(init?.headers).get("authorization")]);
      return Promise.resolve(new Response(events(CHAT_HELLO)));
    };
    await ask(conversing(openAICompatible({ fetch })));
    await ask(conversing(openAICompatible({ fetch, baseUrl: "http://127.0.0.1:11434/v1" })));
    expect(sent).toEqual([
      ["https://api.openai.com/v1/chat/completions", "Bearer from-env"],
      ["http://127.0.0.1:11434/v1/chat/completions", null],
    ]);
  });
});
