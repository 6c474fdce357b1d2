import { SpanKind, trace } from "@opentelemetry/api";
import { SamplingDecision, TracerProvider } from "@opentelemetry/sdk-trace";
import type { HostEvent, Observer, Usage } from "loophost";
import { defineAgent, defineTool, openSession, run } from "loophost";
import type { OpenTelemetryOptions } from "loophost/observe";
import { logTo, openTelemetry } from "loophost/observe";
import { claude } from "loophost/providers/claude";
import { local, openAICompatible } from "loophost/providers/local";
import { embeddedHost } from "loophost/server";
import { scriptedProvider } from "loophost/testing";
import type { McpClient } from "loophost/tools/mcp";
import { mcpTools } from "loophost/tools/mcp";
import { expect, it, onTestFinished, vi } from "vitest";

import { runFaulty } from "../durability/faults/faulty-run.ts";
import { anything, call, done, needs } from "../support/host-events.ts";
import { json, startService } from "../support/model-service.ts";
import { collect } from "./collector.ts";

const SECRET = "sk-canary-5f2a";
const PROMPT = "prompt-canary-81cd";
const INPUT = "input-canary-77e0";
const RESULT = "result-canary-03b9";
const ANSWER = "answer-canary-c1a4";

const usage: Usage = { inputTokens: 10, outputTokens: 5, cacheReadTokens: 3, cacheWriteTokens: 1 };
const spent: HostEvent = { type: "usage", usage };
const canaries = () =>
  scriptedProvider({
    turns: [
      [{ type: "model.asked", model: "m-1" }, spent, call("x", "look", { of: INPUT }), needs("x")],
      [{ type: "model.asked", model: "m-1" }, { type: "message", text: ANSWER }, spent, done],
    ],
  });
const look = defineTool({ name: "look", description: "Looks.", input: anything, execute: () => RESULT });
const agent = defineAgent({ name: "a", instructions: `You are ${PROMPT}.`, model: "m-0", tools: [look] });

/** Every attribute, name and status of every span and metric, as one text. */
async function said(collected: Awaited<ReturnType<typeof collect>>): Promise<string> {
  const spans = collected.spans.map(({ name, attributes, status, links, events }) => ({
    name,
    attributes,
    status,
    links,
    events,
  }));
  return JSON.stringify([spans, [...(await collected.points())]]);
}

it("puts the user's spans inside of their tool's, with two tools in parallel", async () => {
  const collected = await collect();
  const query = defineTool({
    name: "query",
    description: "Queries.",
    input: anything,
    execute: async (_, { callId }) => {
      await new Promise((resolve) => setTimeout(resolve, callId === "x" ? 2 : 1));
      return await collected.span(`db ${callId}`, async () => Promise.resolve("rows"));
    },
  });
  const provider = scriptedProvider({
    turns: [[call("x", "query"), call("y", "query"), needs("x", "y")], [done]],
  });
  const querying = defineAgent({ name: "a", instructions: "", tools: [query] });
  await collected.span("request", () =>
    run(querying, { provider, prompt: "go", observers: [collected.observer] }),
  );
  expect(collected.tree("gen_ai.tool.call.id")).toBe(`request
  invoke_agent a
    execute_tool query id=x
      db x
    execute_tool query id=y
      db y`);
});

it("puts a request that this process makes inside of its chat span [A-226]", async () => {
  const collected = await collect();
  const reply = {
    choices: [{ message: { role: "assistant", content: "hi" }, finish_reason: "stop" }],
    usage: { prompt_tokens: 7, completion_tokens: 2 },
  };
  await using service = await startService(json(reply));
  const fetchIt: typeof fetch = (...given) => collected.span("http", () => fetch(...given));
  const model = openAICompatible({ baseUrl: service.url, model: "m-2", stream: false, fetch: fetchIt });
  const { result } = {
    result: await run(agent, { provider: local({ model }), prompt: "go", observers: [collected.observer] }),
  };
  expect(collected.tree("gen_ai.usage.input_tokens", "gen_ai.response.finish_reasons")).toBe(`invoke_agent a
  chat m-2 input_tokens=${result.usage.inputTokens} finish_reasons=stop
    http`);
});

it("hands the trace to the host, whose requests are inside of the run [A-226]", async () => {
  const collected = await collect();
  const traceparents: string[] = [];
  const host = embeddedHost({ model: () => "hello", observers: [await openTelemetry()] });
  const provider = claude({
    baseUrl: "http://127.0.0.1:1",
    apiKey: SECRET,
    fetch: (url, init) => {
      const request = new Request(url, init);
      if (request.method === "POST" && request.url.includes("/events"))
        traceparents.push(request.headers.get("traceparent") ?? "none");
      return host.fetch(request);
    },
  });
  await run(agent, { provider, prompt: PROMPT, observers: [collected.observer] });
  await host.close();
  const runs = collected.spans.filter(({ name }) => name.startsWith("invoke_agent a"));
  const ours = runs.find(({ kind }) => kind === SpanKind.CLIENT);
  const { traceId, spanId } = ours?.spanContext() ?? {};
  expect(traceparents).toEqual([`00-${traceId}-${spanId}-01`]);
  // The host's own loop is a run of its own, under the id that clients know.
  const theirs = runs.find(({ kind }) => kind === SpanKind.INTERNAL);
  expect(theirs?.attributes["session.id"]).toBe(ours?.attributes["session.id"]);
  expect(ours?.attributes["server.address"]).toBe("127.0.0.1");
  expect(await said(collected)).not.toContain(SECRET);
});

it("writes no message, input or result at its defaults [A-236]", async () => {
  const collected = await collect();
  await run(agent, { provider: canaries(), prompt: PROMPT, observers: [collected.observer] });
  const text = await said(collected);
  for (const canary of [PROMPT, INPUT, RESULT, ANSWER]) expect(text).not.toContain(canary);
});

it("writes sizes and digests where those are asked for", async () => {
  const collected = await collect({ content: "metadata" });
  await run(agent, { provider: canaries(), prompt: PROMPT, observers: [collected.observer] });
  const text = await said(collected);
  for (const canary of [PROMPT, INPUT, RESULT, ANSWER]) expect(text).not.toContain(canary);
  const tool = collected.spans.find(({ name }) => name === "execute_tool look");
  expect(tool?.attributes).toMatchObject({
    "loophost.input.bytes": JSON.stringify({ of: INPUT }).length,
    "loophost.input.digest": expect.stringMatching(/^[0-9a-f]{16}$/),
    "loophost.result.digest": expect.stringMatching(/^[0-9a-f]{16}$/),
  });
});

it("writes all of it where that is asked for, redacted first, and no more bytes than are allowed", async () => {
  const redact = (text: string) => text.replaceAll(INPUT, "[input]");
  const collected = await collect({ content: "full", redact, maxContentBytes: 80 });
  await run(agent, {
    provider: canaries(),
    prompt: `${PROMPT} ${"é".repeat(100)}`,
    observers: [collected.observer],
  });
  const text = await said(collected);
  expect(text).not.toContain(INPUT);
  for (const canary of [RESULT, ANSWER]) expect(text).toContain(canary);
  for (const { attributes } of collected.spans)
    for (const value of Object.values(attributes)) expect(Buffer.byteLength(String(value))).toBeLessThan(110);
  expect(text).toContain("bytes more");
  expect(text).not.toContain("\uFFFD");
});

it.each([
  ["true", "full"],
  ["TRUE", "full"],
  ["false", "off"],
  ["1", "off"],
])(
  "takes the variable of the conventions for its level when none is given: %s is %s",
  async (value, level) => {
    vi.stubEnv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", value);
    onTestFinished(() => void vi.unstubAllEnvs());
    const byVariable = await collect();
    await run(agent, { provider: canaries(), prompt: PROMPT, observers: [byVariable.observer] });
    expect((await said(byVariable)).includes(PROMPT)).toBe(level === "full");
    const given = await collect({ content: "off" });
    await run(agent, { provider: canaries(), prompt: PROMPT, observers: [given.observer] });
    expect(await said(given)).not.toContain(PROMPT);
  },
);

it("shows nothing of what redact fails on", async () => {
  const redact = () => {
    throw new Error("no");
  };
  const collected = await collect({ content: "full", redact });
  await run(agent, { provider: canaries(), prompt: PROMPT, observers: [collected.observer] });
  const text = await said(collected);
  for (const canary of [PROMPT, INPUT, RESULT, ANSWER]) expect(text).not.toContain(canary);
  expect(text).toContain("[not shown: redact failed]");
});

it("puts the session's metadata and the caller's attributes on every span; the library's names win [A-231]", async () => {
  const collected = await collect({ attributes: { "user.id": "u1", "gen_ai.agent.name": "theirs" } });
  await run(agent, {
    provider: canaries(),
    prompt: "go",
    observers: [collected.observer],
    metadata: { tenant: "t1" },
  });
  expect(collected.spans).toHaveLength(4);
  for (const { attributes } of collected.spans)
    expect(attributes).toMatchObject({
      "user.id": "u1",
      "loophost.metadata.tenant": "t1",
      "gen_ai.agent.name": "a",
      "gen_ai.conversation.id": attributes["session.id"],
      "gen_ai.operation.name": expect.any(String),
      "gen_ai.provider.name": "loophost",
    });
});

it("names the MCP server a tool is from on the tool's own span, and measures its calls [A-226]", async () => {
  const collected = await collect();
  const seen: unknown[] = [];
  const client: McpClient = {
    listTools: () => Promise.resolve({ tools: [{ name: "read", inputSchema: { type: "object" } }] }),
    callTool: ({ _meta }) => {
      seen.push(_meta);
      return Promise.resolve({ content: [{ type: "text", text: "file" }] });
    },
    getServerVersion: () => ({ name: "files" }),
  };
  await using files = await mcpTools({ client });
  const provider = scriptedProvider({ turns: [[call("x", "files_read"), needs("x")], [done]] });
  const reading = defineAgent({ name: "a", instructions: "", tools: [...files.tools] });
  await run(reading, { provider, prompt: "go", observers: [collected.observer] });
  expect(collected.tree("mcp.method.name", "loophost.mcp.server")).toBe(`invoke_agent a
  execute_tool files_read name=tools/call server=files`);
  const { traceId, spanId } =
    collected.spans.find(({ name }) => name === "execute_tool files_read")?.spanContext() ?? {};
  expect(seen).toEqual([{ traceparent: `00-${traceId}-${spanId}-01` }]);
  const points = await collected.points();
  expect(points.get("mcp.client.operation.duration")).toHaveLength(1);
});

it.each<[options: OpenTelemetryOptions, address: string | undefined, chats: number]>([
  [{}, "api.anthropic.com", 2],
  [{ platformSpans: true }, "api.anthropic.com", 0],
  [{ platformSpans: true }, "127.0.0.1", 2],
  [{ platformSpans: true, modelSpans: true }, "api.anthropic.com", 2],
  [{ modelSpans: false }, undefined, 0],
])("with %o a host at %s has %i chat spans, and measures all the same", async (options, address, chats) => {
  const collected = await collect(options);
  const provider = { ...canaries(), address };
  await run(agent, { provider, prompt: "go", observers: [collected.observer] });
  expect(collected.spans.filter(({ name }) => name.startsWith("chat"))).toHaveLength(chats);
  const points = await collected.points();
  expect(points.get("gen_ai.client.inference.usage.input_tokens")?.[0]?.value).toBe(28);
  expect(points.get("gen_ai.invoke_agent.inference_calls")?.[0]?.value).toMatchObject({ sum: 2 });
});

it("has what samplers look at on a span from its start", async () => {
  await collect();
  const started: object[] = [];
  const tracer = trace.getTracer("real");
  const tracerProvider = {
    getTracer: () => ({
      startSpan(...[name, options, context]: Parameters<typeof tracer.startSpan>) {
        started.push({ name, ...options?.attributes });
        return tracer.startSpan(name, options, context);
      },
    }),
  };
  await run(agent, {
    provider: canaries(),
    prompt: "go",
    observers: [await openTelemetry({ tracerProvider })],
  });
  const keys = ["gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.agent.name", "name"];
  for (const attributes of started) expect(Object.keys(attributes)).toEqual(expect.arrayContaining(keys));
  expect(started).toHaveLength(4);
});

it.each<[OpenTelemetryOptions, object, object]>([
  [
    { for: "langfuse", content: "full" },
    {
      "langfuse.observation.type": "agent",
      "langfuse.trace.name": "a",
      "langfuse.trace.input": expect.any(String),
    },
    { "langfuse.observation.type": "generation", "langfuse.session.id": expect.any(String) },
  ],
  [{ for: "phoenix" }, { "openinference.span.kind": "AGENT" }, { "openinference.span.kind": "LLM" }],
])("writes what a backend wants besides, by a preset: %o", async (options, ofRun, ofChat) => {
  const collected = await collect(options);
  await run(agent, { provider: canaries(), prompt: "go", observers: [collected.observer] });
  const attributesOf = (name: string) => collected.spans.find((span) => span.name === name)?.attributes;
  expect(attributesOf("invoke_agent a")).toMatchObject(ofRun);
  expect(attributesOf("chat m-1")).toMatchObject(ofChat);
});

it("measures runs, requests, tools and tokens, under names of now and of before", async () => {
  const collected = await collect();
  await run(agent, { provider: canaries(), prompt: "go", observers: [collected.observer] });
  const points = await collected.points();
  const sums = (name: string) =>
    points
      .get(name)
      ?.map(({ value }) => (typeof value === "number" ? value : (value as { sum: number }).sum));
  expect(sums("gen_ai.client.inference.usage.input_tokens")).toEqual([28]);
  expect(sums("gen_ai.client.inference.usage.output_tokens")).toEqual([10]);
  expect(sums("gen_ai.client.token.usage")).toEqual([28, 10]);
  expect(sums("gen_ai.invoke_agent.inference_calls")).toEqual([2]);
  expect(sums("gen_ai.invoke_agent.tool_calls")).toEqual([1]);
  expect(sums("loophost.runs.open")).toEqual([0]);
  expect(points.get("gen_ai.execute_tool.duration")?.map(({ attributes }) => attributes)).toEqual([
    {
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "look",
      "gen_ai.tool.type": "function",
      "gen_ai.agent.name": "a",
    },
  ]);
  // The duration of a run is that of its span.
  const span = collected.spans.find(({ name }) => name === "invoke_agent a");
  const [seconds = -1, nanos = 0] = span?.duration ?? [];
  expect(sums("gen_ai.client.invoke_agent.duration")?.[0]).toBeCloseTo(seconds + nanos / 1e9, 6);
});

it("metrics hold nothing of one session, call or user", async () => {
  const collected = await collect({ attributes: { "user.id": "u1" } });
  const metadata = { tenant: "tenant-canary" };
  const { sessionId } = await run(agent, {
    provider: canaries(),
    prompt: "go",
    observers: [collected.observer],
    metadata,
  });
  const text = JSON.stringify([...(await collected.points())]);
  for (const of of [sessionId, "u1", "tenant-canary", '"x"']) expect(text).not.toContain(of);
});

it.each([1, 2, 3, 4])(
  "the tokens on all spans are what was spent, and each span ends once, over a broken network (seed %i)",
  async (seed) => {
    const collected = await collect();
    let spentInAll = 0;
    const sum: Parameters<typeof runFaulty>[1] = [
      {
        event(event) {
          if (event.type !== "usage") return;
          const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = event.usage;
          spentInAll += inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens;
        },
      },
      collected.observer,
    ];
    await runFaulty(seed, sum);
    const { spans } = collected;
    const total = (which: typeof spans) =>
      which.reduce(
        (all, { attributes }) =>
          all +
          Number(attributes["gen_ai.usage.input_tokens"] ?? 0) +
          Number(attributes["gen_ai.usage.output_tokens"] ?? 0),
        0,
      );
    expect(total(spans)).toBe(spentInAll);
    expect(total(spans.filter(({ name }) => name.startsWith("invoke_agent")))).toBe(0);
    expect([...collected.ends.values()].filter((count) => count !== 1)).toEqual([]);
  },
);

it("the tokens on the spans of a run are those of its result", async () => {
  const collected = await collect();
  const result = await run(agent, { provider: canaries(), prompt: "go", observers: [collected.observer] });
  const sum = (name: string) =>
    collected.spans.reduce((all, { attributes }) => all + Number(attributes[name] ?? 0), 0);
  const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens } = result.usage;
  expect(sum("gen_ai.usage.input_tokens")).toBe(inputTokens + cacheReadTokens + cacheWriteTokens);
  expect(sum("gen_ai.usage.output_tokens")).toBe(outputTokens);
});

it("does nothing without an SDK, and says so of options that are wrong [A-232] [A-237]", async () => {
  const observer = await openTelemetry();
  await run(agent, { provider: canaries(), prompt: "go", observers: [observer] });
  await expect(openTelemetry({ content: "all" as never })).rejects.toThrow(/content/);
  await expect(openTelemetry({ for: "nobody" as never })).rejects.toThrow(/for/);
});

it("hears of an SDK that is registered after it was made [A-237]", async () => {
  const observer = await openTelemetry();
  const collected = await collect();
  await run(agent, { provider: canaries(), prompt: "go", observers: [observer] });
  expect(collected.spans).toHaveLength(4);
});

it("a run that a sampler said no to has its context all the same: what is inside follows, in other processes too", async () => {
  await collect();
  const tracerProvider = new TracerProvider({
    sampler: { shouldSample: () => ({ decision: SamplingDecision.NOT_RECORD }) },
  });
  const observer = await openTelemetry({ tracerProvider, metrics: "off" });
  const inside: (boolean | undefined)[] = [];
  const traceparents: (string | undefined)[] = [];
  const looking = defineTool({
    ...look,
    input: anything,
    execute(_, { traceContext }) {
      inside.push(trace.getActiveSpan()?.isRecording());
      traceparents.push(traceContext["traceparent"]);
      return RESULT;
    },
  });
  await run({ ...agent, tools: [looking] }, { provider: canaries(), prompt: "go", observers: [observer] });
  expect(inside).toEqual([false]);
  expect(traceparents).toEqual([expect.stringMatching(/-00$/)]);
});

it("says of a run how often its observers failed", async () => {
  const collected = await collect();
  const lines: string[] = [];
  const failing: Observer = {
    tool() {
      throw new Error(ANSWER);
    },
  };
  const observers = [failing, collected.observer, logTo((line) => lines.push(line))];
  await run(agent, { provider: canaries(), prompt: "go", observers });
  const span = collected.spans.find(({ name }) => name === "invoke_agent a");
  expect(span?.attributes["loophost.observer_errors"]).toBe(1);
  expect(lines.at(-1)).toContain('"observerErrors":1');
  expect(lines.join()).not.toContain(ANSWER);
});

it("events that come sparse, late or for no run make no observer fail [A-237]", async () => {
  const collected = await collect();
  const provider = scriptedProvider({
    turns: [
      [
        { type: "server_tool.finished", id: "nobody", isError: true },
        { type: "server_tool.called", id: "s", name: "bash", input: undefined },
        { type: "usage", usage },
        { type: "model.asked" },
        { type: "turn.done", ending: "completed", stopReason: undefined },
      ],
    ],
  });
  await using session = await openSession(agent, { provider, observers: [collected.observer] });
  await session.sendEvent({ type: "before any run" }).catch(() => undefined);
  await session.send("go").result();
  expect(collected.tree("error.type", "gen_ai.tool.type")).toBe(`invoke_agent a
  chat m-0
  execute_tool bash type=extension
  chat m-0`);
});
