// The spans of runs of every kind: the tree, and that every span that was started ended once.

import type { HostEvent, Observer } from "loophost";
import { defineAgent, defineTool, LoophostError, openSession, run, toolContent } from "loophost";
import { memoryStore } from "loophost/stores/memory";
import { manualClock, scriptedProvider } from "loophost/testing";
import { expect, it } from "vitest";

import { anything, call, done, needs } from "../support/host-events.ts";
import type { Collector } from "./collector.ts";
import { collect } from "./collector.ts";

const spent: HostEvent = {
  type: "usage",
  usage: { inputTokens: 10, outputTokens: 5, cacheReadTokens: 3, cacheWriteTokens: 1 },
};
const asked: HostEvent = { type: "model.asked", model: "m-1" };
const calls = (...ids: string[]): HostEvent[] => [
  asked,
  spent,
  ...ids.map((id) => call(id, "look")),
  needs(...ids),
];
const answer: HostEvent[] = [asked, { type: "message", text: "done" }, spent, done];
const ends = (ending: "refusal" | "budget_reached"): HostEvent[] => [
  asked,
  spent,
  { type: "turn.done", ending, stopReason: ending },
];

const look = defineTool({ name: "look", description: "Looks.", input: anything, execute: () => "seen" });
const fails = defineTool({
  name: "look",
  description: "Looks.",
  input: anything,
  execute: () => toolContent([{ type: "text", text: "no" }], { isError: true }),
});
const stuck = defineTool({
  name: "look",
  description: "Looks.",
  input: anything,
  execute: (_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener("abort", reject)),
});
const guarded = defineTool({ ...look, input: anything, needsApproval: true });
const agentWith = (...tools: (typeof look)[]) =>
  defineAgent({ name: "a", instructions: "", model: "m-0", tools });

const SHOWN = [
  "loophost.ending",
  "error.type",
  "gen_ai.usage.input_tokens",
  "loophost.call.replayed",
  "loophost.call.cancelled",
  "loophost.call.external",
  "loophost.approval.decision",
  "loophost.resumed",
  "loophost.stream_losses",
];

type Scene = (observers: readonly Observer[]) => Promise<unknown>;

const scenes: Record<string, readonly [scene: Scene, tree: string]> = {
  "that ends": [
    (observers) =>
      run(agentWith(), { provider: scriptedProvider({ turns: [answer] }), prompt: "go", observers }),
    `invoke_agent a ending=completed
  chat m-1 input_tokens=14`,
  ],
  "with tools in parallel": [
    (observers) =>
      run(agentWith(look), {
        provider: scriptedProvider({ turns: [calls("x", "y"), answer] }),
        prompt: "go",
        observers,
      }),
    `invoke_agent a ending=completed
  chat m-1 input_tokens=14
  execute_tool look
  execute_tool look
  chat m-1 input_tokens=14`,
  ],
  "with a tool that fails": [
    (observers) =>
      run(agentWith(fails), {
        provider: scriptedProvider({ turns: [calls("x"), answer] }),
        prompt: "go",
        observers,
      }),
    `invoke_agent a ending=completed
  chat m-1 input_tokens=14
  execute_tool look ERROR type=tool_error
  chat m-1 input_tokens=14`,
  ],
  "that the model refuses": [
    (observers) =>
      run(agentWith(), { provider: scriptedProvider({ turns: [ends("refusal")] }), prompt: "go", observers }),
    `invoke_agent a ending=refusal
  chat m-1 input_tokens=14`,
  ],
  "whose budget is used up": [
    (observers) =>
      run(agentWith(), {
        provider: scriptedProvider({ turns: [ends("budget_reached")] }),
        prompt: "go",
        observers,
      }),
    `invoke_agent a ending=budget_reached
  chat m-1 input_tokens=14`,
  ],
  "that is interrupted, with a tool under way": [
    async (observers) => {
      const provider = scriptedProvider({
        turns: [calls("x")],
        onSend(inputs) {
          if (inputs.some(({ type }) => type === "interrupt"))
            provider.emit({ type: "turn.done", ending: "interrupted", stopReason: "interrupted" });
        },
      });
      await using session = await openSession(agentWith(stuck), { provider, observers });
      const started = session.send("go");
      for await (const { type } of started) if (type === "tool.started") await session.interrupt();
    },
    `invoke_agent a ending=interrupted
  chat m-1 input_tokens=14
  execute_tool look cancelled=true`,
  ],
  "that is aborted": [
    async (observers) => {
      const stop = new AbortController();
      const provider = scriptedProvider({ turns: [calls("x")] });
      await using session = await openSession(agentWith(stuck), { provider, observers });
      const started = session.send("go", { signal: stop.signal });
      await expect(
        (async () => {
          for await (const { type } of started) if (type === "tool.started") stop.abort();
        })(),
      ).rejects.toMatchObject({ code: "aborted" });
    },
    `invoke_agent a ERROR type=aborted
  chat m-1 input_tokens=14
  execute_tool look cancelled=true`,
  ],
  "that takes too long": [
    async (observers) => {
      const clock = manualClock();
      const provider = scriptedProvider({ turns: [calls("x")] });
      await using session = await openSession(agentWith(stuck), {
        provider,
        observers,
        clock,
        limits: { runTimeoutMs: 1_000, toolTimeoutMs: Infinity },
      });
      const started = session.send("go");
      await expect(
        (async () => {
          for await (const { type } of started) if (type === "tool.started") await clock.advance(1_000);
        })(),
      ).rejects.toMatchObject({ code: "timeout" });
    },
    `invoke_agent a ERROR type=timeout
  chat m-1 input_tokens=14
  execute_tool look cancelled=true`,
  ],
  "in which a person decides": [
    async (observers) => {
      const turns = [calls("x", "y"), answer];
      const provider = scriptedProvider({ turns });
      const onApproval = ({ id }: { readonly id: string }) => id === "x";
      await run(agentWith(guarded), { provider, prompt: "go", observers, onApproval });
    },
    `invoke_agent a ending=completed
  chat m-1 input_tokens=14
  approval look decision=allowed
  approval look decision=denied
  execute_tool look ERROR type=tool_error
  execute_tool look
  chat m-1 input_tokens=14`,
  ],
  "that waits, and goes on in another process": [
    async (observers) => {
      const store = memoryStore();
      const first = scriptedProvider({ turns: [calls("x")] });
      const agent = agentWith(guarded);
      const { sessionId } = await run(agent, { provider: first, store, prompt: "go", observers });
      const past: HostEvent[] = [
        { type: "message.seen" },
        { type: "turn.began" },
        call("x", "look"),
        needs("x"),
      ];
      const provider = scriptedProvider({ past, turns: [answer] });
      await run(agent, { provider, store, sessionId, observers, onApproval: () => true });
    },
    `invoke_agent a ending=requires_action
  chat m-1 input_tokens=14
  approval look decision=pending
invoke_agent a ending=completed resumed=true
  approval look decision=allowed
  execute_tool look
  chat m-1 input_tokens=14`,
  ],
  "whose stream is lost": [
    (observers) => {
      const lost: HostEvent[] = [{ type: "stream.lost", reason: "cut" }, { type: "stream.restored" }];
      const provider = scriptedProvider({ turns: [[asked, ...lost, spent, done]] });
      return run(agentWith(), { provider, prompt: "go", observers });
    },
    `invoke_agent a ending=completed stream_losses=1
  chat m-1 input_tokens=14`,
  ],
  "with a call that ran in an earlier process": [
    async (observers) => {
      const store = memoryStore();
      const once = scriptedProvider({ turns: [calls("x")], onSend: refuseResults });
      const agent = agentWith(look);
      await using session = await openSession(agent, { provider: once, store });
      await session
        .send("go")
        .result()
        .catch(() => undefined);
      await session.close();
      const past: HostEvent[] = [
        { type: "message.seen" },
        { type: "turn.began" },
        call("x", "look"),
        needs("x"),
      ];
      const provider = scriptedProvider({ past, turns: [answer] });
      await run(agent, { provider, store, sessionId: session.id, observers });
    },
    `invoke_agent a ending=completed
  execute_tool look replayed=true
  chat m-1 input_tokens=14`,
  ],
};

it.each(Object.entries(scenes))("the spans of a run %s [A-228] [A-229] [A-233]", async (_, [scene, tree]) => {
  const collected = await collect();
  await scene([collected.observer]);
  expect(collected.tree(...SHOWN)).toBe(tree);
  expect([...collected.ends.values()].filter((count) => count !== 1)).toEqual([]);
  expectTokensOnChatsAlone(collected);
});

it.each(["link", "same-trace"] as const)("a run that goes on after a pause, as %s", async (resume) => {
  const collected = await collect({ resume });
  const [scene] = scenes["that waits, and goes on in another process"] ?? [];
  await scene?.([collected.observer]);
  const [first, second] = collected.spans.filter(({ name }) => name.startsWith("invoke_agent"));
  const { spanId, traceId } = first?.spanContext() ?? {};
  const isLink = resume === "link";
  expect(second?.links.map(({ context: of }) => of.spanId)).toEqual(isLink ? [spanId] : []);
  expect(second?.parentSpanContext?.spanId).toBe(isLink ? undefined : spanId);
  expect(second?.spanContext().traceId === traceId).toBe(!isLink);
});

/** Takes messages, and no results: what a process that died had not posted. */
function refuseResults(inputs: readonly { readonly type: string }[]): void {
  if (inputs.some(({ type }) => type === "tool_result")) throw new LoophostError("host_rejected", "gone");
}

function expectTokensOnChatsAlone({ spans }: Collector): void {
  const others = spans.filter(({ name }) => !name.startsWith("chat"));
  const keys = others.flatMap(({ attributes }) => Object.keys(attributes));
  expect(keys.filter((key) => key.startsWith("gen_ai.usage"))).toEqual([]);
}
