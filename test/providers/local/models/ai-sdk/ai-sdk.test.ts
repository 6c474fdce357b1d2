// Real AI SDK models of both generations, over loopback HTTP against aimock: calls, endings, errors, cuts, abort.

import type { FixtureOpts, FixtureResponse } from "@copilotkit/aimock";
import { LLMock } from "@copilotkit/aimock";
import { defineAgent, defineTool, run } from "loophost";
import type { AiSdkModelOptions } from "loophost/providers/local";
import { aiSdkModel, local } from "loophost/providers/local";
import { manualClock } from "loophost/testing";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";

import type { ModelConversation } from "../../../../../src/providers/local/model.ts";
import { ask, callWith, conversing } from "../../conversing.ts";
import { REAL_MODELS } from "./models.ts";

const add = defineTool({
  name: "add",
  description: "Adds two numbers",
  input: { type: "object", properties: { a: { type: "number" }, b: { type: "number" } } },
  execute: ({ a, b }) => Number(a) + Number(b),
});
const agent = defineAgent({ name: "adder", instructions: "Be short.", tools: [add] });

const HELLO: FixtureResponse = { content: "Hello there" };
const CALLS: FixtureResponse = {
  content: "Let me add.",
  reasoning: "Two sums.",
  reasoningSignature: "sig_1",
  toolCalls: [
    { id: "call_a", name: "add", arguments: `{"b": 2, "a": 1}` },
    { id: "call_b", name: "add", arguments: `{"a": 3, "b": 4}` },
  ],
};

let mock: LLMock;

beforeEach(async () => {
  mock = await LLMock.create({ port: 0, logLevel: "silent" });
  onTestFinished(() => mock.stop());
});

/** Sets what is answered to one request after another; the last serves all that follow. */
function answer(...responses: readonly (FixtureResponse | [FixtureResponse, FixtureOpts])[]): void {
  for (const [sequenceIndex, response] of responses.entries()) {
    const [what, options] = Array.isArray(response) ? response : [response, {}];
    const isLast = sequenceIndex === responses.length - 1;
    mock.addFixture({ match: isLast ? {} : { sequenceIndex }, response: what, ...options });
  }
}

/** A fetch that keeps what was sent as it was on the wire, which the stand-in's own record is not. */
function recordingFetch() {
  const bodies: string[] = [];
  const signals: (AbortSignal | null | undefined)[] = [];
  const recording: typeof fetch = (url, init) => {
    bodies.push(typeof init?.body === "string" ? init.body : "");
    signals.push(init?.signal);
    return fetch(url, init);
  };
  return { bodies, signals, fetch: recording };
}

/** Asks, and when the model waits before another try, lets the time pass. */
async function askTwice(conversation: ModelConversation, meanwhile: () => void = () => undefined) {
  const clock = manualClock();
  const events: { readonly type: string; readonly delayMs?: number }[] = [];
  const retrying = Promise.withResolvers<{ readonly delayMs: number }>();
  const replied = conversation.reply(
    callWith(
      (event) => {
        events.push(event);
        if (event.type === "retrying") retrying.resolve(event);
      },
      { clock },
    ),
  );
  const { delayMs } = await Promise.race([retrying.promise, replied.then(() => ({ delayMs: 0 }))]);
  meanwhile();
  await clock.advance(delayMs);
  const reply = await replied;
  expect(clock.waiting).toBe(0);
  return { reply, events, delayMs };
}

describe.each(REAL_MODELS)("$wire $version", ({ wire, make }) => {
  // For this wire, the stand-in writes the arguments anew.
  const written = (text: string) => (wire === "anthropic" ? JSON.stringify(JSON.parse(text)) : text);
  const converse = (options: AiSdkModelOptions = {}) => conversing(aiSdkModel(make(mock.url), options));

  it("runs parallel calls and goes on with their results [A-092]", async () => {
    answer(CALLS, { content: "3 and 7" });
    const result = await run(agent, { provider: local({ model: make(mock.url) }), prompt: "Add" });

    expect(result).toMatchObject({ terminal: "end_turn", text: "3 and 7", turns: 2 });
    expect(result.toolCalls).toEqual([
      { id: "call_a", name: "add", input: { b: 2, a: 1 } },
      { id: "call_b", name: "add", input: { a: 3, b: 4 } },
    ]);
    expect(mock.getLastRequest()?.body?.["messages"]).toMatchObject([
      { role: "system", content: "Be short." },
      { role: "user", content: "Add" },
      {
        role: "assistant",
        content: "Let me add.",
        tool_calls: [
          { id: "call_a", type: "function", function: { name: "add", arguments: `{"b":2,"a":1}` } },
          { id: "call_b", type: "function", function: { name: "add", arguments: `{"a":3,"b":4}` } },
        ],
      },
      { role: "tool", tool_call_id: "call_a", content: "3" },
      { role: "tool", tool_call_id: "call_b", content: "7" },
    ]);
  });

  it("sends its thinking back as the wire wants it, signature included [F4-history-fidelity]", async () => {
    answer(CALLS, HELLO);
    const { bodies, fetch } = recordingFetch();
    const model = make(mock.url, fetch);
    const { transcript } = await run(agent, { provider: local({ model }), prompt: "Add" });

    const thinking = {
      anthropic: `{"type":"thinking","thinking":"Two sums.","signature":"sig_1"}`,
      chat: `"reasoning_content":"Two sums."`,
    }[wire];
    expect(bodies[1]).toContain(thinking);

    // As well from a transcript that was stored in between.
    const history = JSON.parse(JSON.stringify(transcript));
    await run(agent, { provider: local({ model }), prompt: "Again", history });
    expect(bodies[2]).toContain(thinking);
  });

  it("streams what the model writes, and takes it in one piece as well", async () => {
    answer([{ ...CALLS }, { chunkSize: 4 }]);
    const streamed = await ask(converse());
    const whole = await ask(converse({ stream: false }));

    const text = ({ emitted }: typeof streamed, type: string) =>
      emitted.flatMap((event) =>
        (event as { type: string }).type === type ? [(event as { text: string }).text] : [],
      );
    expect(text(streamed, "text.delta").length).toBeGreaterThan(1);
    expect(text(whole, "text.delta")).toEqual(["Let me add."]);
    for (const reply of [streamed, whole]) {
      expect(text(reply, "text.delta").join("")).toBe("Let me add.");
      expect(text(reply, "thinking.delta").join("")).toBe("Two sums.");
      expect(reply.reply).toMatchObject({
        ending: "completed",
        stopReason: wire === "anthropic" ? "tool_use" : "tool_calls",
        message: {
          content: [
            { type: "thinking", text: "Two sums." },
            { type: "text", text: "Let me add." },
            { type: "tool_call", id: "call_a", name: "add", arguments: written(`{"b": 2, "a": 1}`) },
            { type: "tool_call", id: "call_b", name: "add", arguments: written(`{"a": 3, "b": 4}`) },
          ],
        },
      });
    }
  });

  // For the other wire, the stand-in would mend the arguments.
  it.runIf(wire === "chat")(
    "tells the model that its arguments are not JSON, and sends an empty object in their place [A-093] [F4-malformed]",
    async () => {
      answer({ toolCalls: [{ id: "call_a", name: "add", arguments: `{"a": 1, "b"` }] }, HELLO);
      const result = await run(agent, { provider: local({ model: make(mock.url) }), prompt: "Add" });

      expect(result.toolCalls).toEqual([{ id: "call_a", name: "add", input: `{"a": 1, "b"` }]);
      expect(mock.getLastRequest()?.body?.["messages"]).toMatchObject([
        {},
        {},
        { tool_calls: [{ id: "call_a", function: { arguments: "{}" } }] },
        { role: "tool", content: expect.stringContaining("not valid JSON") },
      ]);
    },
  );

  it("counts tokens [A-094]", async () => {
    const usage = { input_tokens: 30, output_tokens: 5, prompt_tokens: 30, completion_tokens: 5 };
    answer({ content: "Hello", usage });
    const { reply } = await ask(converse());

    expect(reply.usage).toMatchObject({ inputTokens: 30, outputTokens: 5 });
  });

  it.each([
    { reason: { anthropic: "max_tokens", chat: "length" }, ending: "max_tokens" },
    { reason: { anthropic: "refusal", chat: "content_filter" }, ending: "refusal" },
    { reason: { anthropic: "pause_turn", chat: "stop" }, ending: { anthropic: "paused", chat: "completed" } },
  ])("ends as the model did: $reason.chat [A-092]", async ({ reason, ending }) => {
    answer({ content: "Well", finishReason: reason[wire] });
    const { reply } = await ask(converse());

    expect(reply).toMatchObject({
      stopReason: reason[wire],
      ending: typeof ending === "string" ? ending : ending[wire],
    });
  });

  it.each([
    { fault: "a rate limit", chaos: { rateLimitRate: 1 } },
    { fault: "an error of the service", chaos: { dropRate: 1 } },
    { fault: "a connection cut before the reply", chaos: { disconnectRate: 1 } },
    { fault: "a body that is no reply", chaos: { malformedRate: 1 } },
  ])("asks again after $fault [F4-retry]", async ({ chaos }) => {
    answer(HELLO);
    mock.setChaos(chaos);
    const { reply, events } = await askTwice(converse(), () => mock.clearChaos());

    expect(reply.message.content).toEqual([{ type: "text", text: "Hello there" }]);
    expect(events.filter(({ type }) => type === "retrying")).toHaveLength(1);
    expect(events.map(({ type }) => type)).not.toContain("deltas.retracted");
  });

  it("waits as long as the service asks [F4-retry-after]", async () => {
    answer({ error: { message: "Slow down", type: "rate_limit_error" }, status: 429, retryAfter: 7 }, HELLO);
    const { reply, delayMs } = await askTwice(converse());

    expect(delayMs).toBe(7_000);
    expect(reply.message.content).toEqual([{ type: "text", text: "Hello there" }]);
  });

  it("takes back what a reply showed that broke off, and asks again [F4-cut] [I7]", async () => {
    answer([HELLO, { chunkSize: 2, truncateAfterChunks: 5, latency: 5 }], HELLO);
    const { reply, events } = await askTwice(converse());

    expect(reply.message.content).toEqual([{ type: "text", text: "Hello there" }]);
    const types = events.map(({ type }) => type).filter((type) => type !== "provider");
    const taken = types.indexOf("deltas.retracted");
    expect(new Set(types.slice(0, taken))).toEqual(new Set(["text.delta"]));
    expect(types.slice(taken)).toEqual(["deltas.retracted", "retrying", "text.delta"]);
  });

  it.each([400, 401, 404])("gives up at once on %i, with the service's words", async (status) => {
    answer({ error: { message: "No such thing", type: "some_error" }, status });

    await expect(ask(converse())).rejects.toMatchObject({
      code: "host_rejected",
      status,
      hostCode: "some_error",
      message: expect.stringContaining("No such thing"),
    });
    expect(mock.getRequests()).toHaveLength(1);
  });

  it("stops the request when it is aborted [I12]", async () => {
    answer([HELLO, { chunkSize: 1, latency: 10 }]);
    const { signals, fetch } = recordingFetch();
    const abort = new AbortController();
    const replied = conversing(aiSdkModel(make(mock.url, fetch))).reply(
      callWith(({ type }) => type === "text.delta" && abort.abort(), { signal: abort.signal }),
    );

    await expect(replied).rejects.toMatchObject({ code: "aborted" });
    expect(signals.map((signal) => signal?.aborted)).toEqual([true]);
  });

  it("gives the model the files a tool returned", async () => {
    answer(HELLO);
    const { bodies, fetch } = recordingFetch();
    const conversation = conversing(aiSdkModel(make(mock.url, fetch)));
    conversation.add({
      role: "assistant",
      content: [{ type: "tool_call", id: "call_a", name: "look", arguments: "{}" }],
    });
    const image = { type: "image", mediaType: "image/png", data: PIXEL } as const;
    const result = { content: [{ type: "text", text: "Look:" } as const, image], isError: false };
    conversation.add({ role: "tool", results: [{ callId: "call_a", name: "look", result }] });
    conversation.add({ role: "user", content: [image] });
    await ask(conversation);

    expect(bodies[0]?.split(PIXEL).length, "once in the result, once in the message").toBe(3);
  });
});

const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
