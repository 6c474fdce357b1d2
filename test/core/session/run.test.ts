import * as fc from "fast-check";
import type { Run, Session, SessionEvent } from "loophost";
import { defineAgent, defineTool, LoophostError, openSession, run } from "loophost";
import { scriptedProvider, settleMicrotasks } from "loophost/testing";
import { describe, expect, it } from "vitest";

import type { HostEvent } from "../../../src/core/provider.ts";

const agent = defineAgent({ name: "tester", instructions: "" });
const say = (text: string): HostEvent[] => [
  { type: "text.delta", text },
  { type: "message", text },
];
const done: HostEvent = { type: "turn.done", ending: "completed", stopReason: { type: "end_turn" } };

/** Reads a run to its end; the events it gave, and the error it threw. */
async function read(
  started: Run,
  until = Number.POSITIVE_INFINITY,
): Promise<{ events: SessionEvent[]; error?: unknown }> {
  const events: SessionEvent[] = [];
  try {
    for await (const event of started) {
      events.push(event);
      if (events.length >= until) break;
    }
    return { events };
  } catch (error) {
    return { events, error };
  }
}

describe("a run settles its feed and its result", () => {
  it("when the host ends it [I12] [A-161]", async () => {
    const provider = scriptedProvider({
      turns: [
        [
          ...say("hello"),
          {
            type: "usage",
            usage: { inputTokens: 3, outputTokens: 2, cacheReadTokens: 0, cacheWriteTokens: 0 },
          },
          done,
        ],
      ],
    });
    await using session = await openSession(agent, { provider });
    const started = session.send("hi");
    const { events, error } = await read(started);
    expect(error).toBeUndefined();
    expect(events.map((event) => event.type)).toEqual([
      "run.started",
      "turn.started",
      "text.delta",
      "message",
      "usage",
      "turn.ended",
      "run.ended",
    ]);
    expect(await started.result()).toMatchObject({
      terminal: "end_turn",
      ending: "completed",
      stopReason: { type: "end_turn" },
      sessionId: "scripted_1",
      text: "hello",
      turns: 1,
      usage: { inputTokens: 3, outputTokens: 2 },
      toolCalls: [],
      serverToolCalls: [],
      transcript: null,
    });
  });

  it("when the host fails: the error comes from both, with what there was of a result [I12] [A-003]", async () => {
    const broken = new LoophostError("host_failed", "the model fell over", { status: 500 });
    const provider = scriptedProvider({
      turns: [[...say("so far"), { type: "failed", error: broken, sessionOver: false }]],
    });
    await using session = await openSession(agent, { provider });
    const started = session.send("hi");
    const { events, error } = await read(started);
    expect(events.at(-1)).toMatchObject({ type: "run.failed", code: "host_failed" });
    expect(error).toBeInstanceOf(LoophostError);
    await expect(started.result()).rejects.toMatchObject({
      code: "host_failed",
      status: 500,
      result: { text: "so far" },
    });
  });

  it("when its signal aborts, and tells the host to stop [I12] [A-005] [L-04] [F4-abort-outcome]", async () => {
    const provider = scriptedProvider({ turns: [[{ type: "text.delta", text: "…" }]] });
    await using session = await openSession(agent, { provider });
    const abort = new AbortController();
    const started = session.send("hi", { signal: abort.signal });
    const reading = read(started);
    await settleMicrotasks();
    abort.abort();
    expect((await reading).error).toMatchObject({ code: "aborted" });
    await expect(started.result()).rejects.toMatchObject({ code: "aborted" });
    expect(provider.sent.at(-1)).toEqual({ type: "interrupt" });
  });

  it("when its signal was aborted from the start [I12]", async () => {
    await using session = await openSession(agent, { provider: scriptedProvider() });
    const started = session.send("hi", { signal: AbortSignal.abort() });
    await expect(started.result()).rejects.toMatchObject({ code: "aborted" });
  });

  it("when the reader breaks off: the run goes on, and can be read on [I12]", async () => {
    const provider = scriptedProvider({ turns: [[...say("hello"), done]] });
    await using session = await openSession(agent, { provider });
    const started = session.send("hi");
    expect((await read(started, 2)).events).toHaveLength(2);
    expect((await started.result()).text).toBe("hello");
    expect((await read(started)).events.at(-1)?.type).toBe("run.ended");
  });

  it("when the session is closed under it [I12]", async () => {
    const session = await openSession(agent, { provider: scriptedProvider() });
    const started = session.send("hi");
    const reading = read(started);
    await session.close();
    expect((await reading).error).toMatchObject({ code: "session_closed" });
    await expect(started.result()).rejects.toMatchObject({ code: "session_closed" });
    expect(() => session.send("again")).toThrow(/closed/);
  });

  it("whatever happens, in any order [I12]", async () => {
    const ways = ["end", "fail", "over", "abort", "close", "interrupt", "read", "break"] as const;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...ways), { minLength: 1, maxLength: 6 }), async (steps) => {
        const provider = scriptedProvider({ turns: [[...say("hello")]] });
        const session: Session = await openSession(agent, { provider });
        const abort = new AbortController();
        const started = session.send("hi", { signal: abort.signal });
        const readings: Promise<unknown>[] = [];
        const act = {
          end: () => provider.emit(done),
          fail: () =>
            provider.emit({
              type: "failed",
              error: new LoophostError("host_failed", "no"),
              sessionOver: false,
            }),
          over: () => provider.emit({ type: "session.over", ending: "terminated", stopReason: null }),
          abort: () => abort.abort(),
          close: () => void readings.push(session.close()),
          interrupt: () => void readings.push(session.interrupt()),
          // A second reader at a time is refused with an error of its own; it settles as well.
          read: () =>
            void readings.push(
              Promise.resolve()
                .then(() => read(started))
                .catch(() => undefined),
            ),
          break: () =>
            void readings.push(
              Promise.resolve()
                .then(() => read(started, 1))
                .catch(() => undefined),
            ),
        };
        for (const step of steps) {
          act[step]();
          await Promise.resolve();
        }
        await session.close();
        const settled = await Promise.allSettled([started.result(), ...readings]);
        expect(settled).toHaveLength(readings.length + 1);
      }),
      { numRuns: 200 },
    );
  });
});

describe("run()", () => {
  it("opens, runs, lets go [A-001]", async () => {
    const provider = scriptedProvider({ turns: [[...say("hello"), done]] });
    expect((await run(agent, { provider, prompt: "hi" })).text).toBe("hello");
    expect(provider.closed).toBe(true);
  });

  it("surfaces what open() could not do as it is, and leaves nothing open [A-007]", async () => {
    const refused = new LoophostError("host_rejected", "no such environment", { status: 404 });
    const provider = { ...scriptedProvider(), open: () => Promise.reject(refused) };
    await expect(run(agent, { provider, prompt: "hi" })).rejects.toBe(refused);
  });

  it("returns with requires_action when only somebody else can go on [A-026]", async () => {
    const external = defineTool({ name: "ask_boss", description: "Ask", input: { type: "object" } });
    const call: HostEvent[] = [
      { type: "call", id: "c1", name: "ask_boss", input: {} },
      { type: "turn.done", ending: "requires_action", stopReason: "tool_use", needs: ["c1"] },
    ];
    const provider = scriptedProvider({ turns: [call] });
    const result = await run(defineAgent({ name: "tester", instructions: "", tools: [external] }), {
      provider,
      prompt: "hi",
    });
    expect(result).toMatchObject({
      terminal: "requires_action",
      toolCalls: [{ id: "c1", name: "ask_boss" }],
    });
  });

  it("keeps whole events, all of them, or none, as asked [A-030]", async () => {
    const kept = async (keepEvents: "whole" | "all" | "none") => {
      const provider = scriptedProvider({ turns: [[...say("hello"), done]] });
      return (await run(agent, { provider, prompt: "hi", keepEvents })).events.map((event) => event.type);
    };
    expect(await kept("whole")).toEqual([
      "run.started",
      "turn.started",
      "message",
      "turn.ended",
      "run.ended",
    ]);
    expect(await kept("all")).toContain("text.delta");
    expect(await kept("none")).toEqual([]);
  });

  it("contains an observer that throws [L-23]", async () => {
    const provider = scriptedProvider({ turns: [[...say("hello"), done]] });
    const seen: string[] = [];
    const onEvent = (event: SessionEvent) => {
      seen.push(event.type);
      throw new Error("observer");
    };
    expect((await run(agent, { provider, prompt: "hi", onEvent })).text).toBe("hello");
    expect(seen).toContain("run.ended");
  });

  it.each([
    ["no provider", { prompt: "hi" }],
    ["an empty prompt", { provider: scriptedProvider(), prompt: "" }],
    ["history where the host holds it", { provider: scriptedProvider(), prompt: "hi", history: [] }],
    ["a limit that is none", { provider: scriptedProvider(), prompt: "hi", limits: { maxTurns: 0 } }],
    ["a limit nobody knows", { provider: scriptedProvider(), prompt: "hi", limits: { maxTurn: 3 } }],
  ])("refuses %s before anything is sent [A-006] [A-010]", async (_, options) => {
    await expect(run(agent, options as never)).rejects.toMatchObject({
      name: "LoophostError",
      code: /^invalid_/,
    });
  });
});

it("what the session costs is what the host said last, also when later usage says nothing of it", async () => {
  const usage = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 };
  const cost = { minorUnits: 42, currency: "USD" };
  const spent: HostEvent[] = [
    { type: "usage", usage, cost },
    { type: "usage", usage },
  ];
  const provider = scriptedProvider({ turns: [[...spent, done]] });
  const result = await run(defineAgent({ name: "a", instructions: "" }), { provider, prompt: "go" });
  expect([result.cost, result.usage.inputTokens]).toEqual([cost, 2]);
});
