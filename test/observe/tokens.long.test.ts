// The tokens on all spans of a run are those of its result, whatever hosts tell and models do: requests that fail, are tried again
// or are told of late, sub-agents, compaction, graders, runs that wait and go on elsewhere, runs that end with an error.

import * as fc from "fast-check";
import type { HostEvent, PartialResult, Provider, SessionResult, Usage } from "loophost";
import { defineAgent, defineTool, LoophostError, openSession } from "loophost";
import type { ModelFunction, ModelPart } from "loophost/providers/local";
import { local } from "loophost/providers/local";
import { memoryStore } from "loophost/stores/memory";
import { scriptedProvider } from "loophost/testing";
import { expect, it } from "vitest";

import { anything, call, needs } from "../support/host-events.ts";
import type { Collector } from "./collector.ts";
import { collect } from "./collector.ts";

const count = fc.oneof(fc.constant(0), fc.nat(5_000));
const usage: fc.Arbitrary<Usage> = fc.record({
  inputTokens: count,
  outputTokens: count,
  cacheReadTokens: count,
  cacheWriteTokens: count,
});
const thread = fc.constantFrom(undefined, undefined, "sub-1", "sub-2");

/** What a host may tell in a turn, in any order. */
const said: fc.Arbitrary<HostEvent> = fc.oneof(
  fc.record({ type: fc.constant("model.asked"), model: fc.constantFrom("m-1", undefined), thread } as const),
  fc.record({
    type: fc.constant("usage"),
    usage,
    thread,
    model: fc.constantFrom("m-1", "m-2", undefined),
    isError: fc.constantFrom(undefined, undefined, true),
    cost: fc.constantFrom(undefined, { minorUnits: 7, currency: "USD" }),
  } as const),
  fc.constant<HostEvent>({ type: "retrying", attempt: 1, delayMs: 5, reason: "busy" }),
  fc.constant<HostEvent>({ type: "stream.lost", reason: "cut" }),
  fc.constant<HostEvent>({ type: "stream.restored" }),
  fc.constant<HostEvent>({ type: "context.compacted" }),
  fc.record({ type: fc.constant("text.delta"), text: fc.constant("he"), thread } as const),
  fc.record({ type: fc.constant("message"), text: fc.constant("hello"), thread } as const),
);
const ends: fc.Arbitrary<HostEvent> = fc.constantFrom<HostEvent>(
  { type: "turn.done", ending: "completed", stopReason: "end_turn" },
  { type: "turn.done", ending: "refusal", stopReason: "refusal" },
  { type: "turn.done", ending: "max_tokens", stopReason: "max_tokens" },
  { type: "failed", error: new LoophostError("host_failed", "no"), sessionOver: false },
);

const look = defineTool({ name: "look", description: "Looks.", input: anything, execute: () => "seen" });
const pay = defineTool({ ...look, name: "pay", input: anything, needsApproval: true });
const agent = defineAgent({ name: "a", instructions: "x", model: "m-0", tools: [look, pay] });

/** Runs to an end, going on in another session with what waited; gives the last result, or that of the error. */
async function hold(
  make: () => Provider,
  prompt: object | string,
  observers: readonly object[],
): Promise<PartialResult> {
  const store = memoryStore();
  let sessionId: string | undefined;
  for (let part = 0; ; part += 1) {
    await using session = await openSession(agent, {
      provider: make(),
      store,
      sessionId,
      observers,
      ...(part > 0 && { onApproval: () => true }),
    });
    const started = part === 0 ? session.send(prompt as string, { ifWaiting: "return" }) : session.resume();
    const ended = await started.result().catch((thrown: unknown) => resultOf(thrown));
    if (part > 0 || !("terminal" in ended) || ended.terminal !== "requires_action") return ended;
    sessionId = session.id;
  }
}

function resultOf(thrown: unknown): PartialResult | SessionResult {
  if (thrown instanceof LoophostError && thrown.result !== undefined) return thrown.result;
  throw thrown;
}

/** The tokens on the spans of a run, and those of its result. */
async function countTokens(collected: Collector, make: () => Provider, prompt: object | string = "go") {
  const before = collected.spans.length;
  const { usage: used } = await hold(make, prompt, [collected.observer]);
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = used;
  const spans = collected.spans.slice(before);
  const sum = (name: string, of = "") =>
    spans
      .filter((span) => span.name.startsWith(of))
      .reduce((all, { attributes }) => all + Number(attributes[name] ?? 0), 0);
  return {
    onSpans: {
      input: sum("gen_ai.usage.input_tokens"),
      output: sum("gen_ai.usage.output_tokens"),
      onRuns: sum("gen_ai.usage.input_tokens", "invoke_agent"),
      notEndedOnce: [...collected.ends.values()].filter((times) => times !== 1).length,
    },
    inResult: {
      input: inputTokens + cacheReadTokens + cacheWriteTokens,
      output: outputTokens,
      onRuns: 0,
      notEndedOnce: 0,
    },
  };
}

it("the tokens on all spans of a run are those of its result, whatever a host tells in which order", async () => {
  const collected = await collect();
  const turns = fc.array(fc.tuple(fc.array(said, { maxLength: 8 }), fc.boolean()), { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(turns, fc.array(said, { maxLength: 8 }), ends, async (calling, last, end) => {
      const played = calling.map(([events], index) => {
        const id = `c${index}`;
        return [...events, call(id, "look"), needs(id)];
      });
      const { onSpans, inResult } = await countTokens(collected, () =>
        scriptedProvider({ turns: [...played, [...last, end]] }),
      );
      expect(onSpans).toEqual(inResult);
    }),
    { numRuns: 100 },
  );
});

/** What a model does when it is asked: calls tools, answers, or fails. */
const reply = fc.record({ does: fc.constantFrom("look", "pay", "answer", "fail", "silent"), usage });
const plan = fc.record({
  replies: fc.array(reply, { minLength: 1, maxLength: 7 }),
  compacts: fc.boolean(),
  verdict: fc.constantFrom(undefined, "satisfied", "needs_revision", "failed"),
  other: usage,
});

it("and whatever a model does here: summaries, graders, failures, and a run that waits and goes on elsewhere", async () => {
  const collected = await collect();
  await fc.assert(
    fc.asyncProperty(plan, async ({ replies, compacts, verdict, other }) => {
      let asked = 0;
      const model: ModelFunction = ({ instructions, messages }) => {
        const spent: ModelPart = { type: "usage", ...other };
        if (instructions.startsWith("Summarise")) return [{ type: "text", text: "short" }, spent];
        if (instructions.includes("rubric")) {
          if (messages.at(-1)?.role === "tool") return "graded";
          const input = { result: verdict, explanation: "because" };
          return [{ type: "tool_call", id: "g", name: "submit_output", input }, spent];
        }
        const { does, usage: used } = replies[asked] ?? { does: "answer", usage: other };
        asked += 1;
        if (does === "fail") throw new LoophostError("host_failed", "no");
        const told: ModelPart[] = does === "silent" ? [] : [{ type: "usage", ...used }];
        return does === "look" || does === "pay"
          ? [{ type: "tool_call", id: `c${asked}`, name: does, input: {} }, ...told]
          : [{ type: "text", text: "done" }, ...told];
      };
      const compaction = compacts ? { aboveTokens: 1_000 } : undefined;
      const outcome = { description: "It is done.", rubric: "It is.", maxIterations: 2 };
      const { onSpans, inResult } = await countTokens(
        collected,
        () => local({ model, compaction }),
        verdict === undefined ? "go" : { outcome },
      );
      expect(onSpans).toEqual(inResult);
    }),
    { numRuns: 100 },
  );
});
