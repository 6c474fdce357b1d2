// The conversations of the campaign, drawn by seed: messages, turns of parallel calls, texts; and both of their sides.

import type { Agent, Clock, ToolContext } from "loophost";
import { defineAgent, defineTool } from "loophost";
import type { ModelFunction, ModelPart } from "loophost/providers/local";

import { pickAt } from "../../../src/testing/faults/random.ts";

/** What is going to be said. */
export interface Conversation {
  /** What is sent, one run after the other. May be the same text twice. */
  readonly prompts: readonly string[];
  /** How many calls the model makes in each turn of a run, before the turn that ends it. The same in every run. */
  readonly calls: readonly number[];
}

/** Draws a conversation: one or two messages, one to five turns of one to four calls. */
export function drawConversation(seed: number): Conversation {
  const pick = (most: number, place: number) => pickAt(most, seed, 1, place);
  const second = [[], ["Go on."], ["And once more, please."]][pick(3, 1) - 1] ?? [];
  return {
    prompts: ["Go on.", ...second],
    calls: Array.from({ length: pick(5, 2) }, (_, turn) => pick(4, 3 + turn)),
  };
}

/** The model's side. Decides from the conversation alone, so that a host may ask again. */
export function planned({ calls }: Conversation): ModelFunction {
  return async function* answer({ messages }): AsyncGenerator<ModelPart> {
    const run = messages.filter(({ role }) => role === "user").length;
    const since = messages.slice(messages.findLastIndex(({ role }) => role === "user"));
    const results = since.flatMap((message) => (message.role === "tool" ? message.results : []));
    const turn = since.filter(({ role }) => role === "tool").length;
    const due = calls[turn] ?? 0;
    yield* say(due === 0 ? `Run ${run}: ${sumOf(results)} in all.` : `Run ${run}, turn ${turn + 1}.`);
    for (let call = 0; call < due; call += 1) {
      const n = run * 100 + turn * 10 + call;
      yield { type: "tool_call", id: `c${n}`, name: "note", input: { n } };
    }
    yield { type: "usage", inputTokens: messages.length, outputTokens: run * 10 + turn };
  };
}

/** The numbers that were noted, in order: a number twice is a call that ran twice. */
export type Notes = number[];

/** Our side: its one tool notes a number, sooner or later. */
export function noter(notes: Notes, clock: Clock): Agent<undefined> {
  const note = defineTool({
    name: "note",
    description: "Notes a number",
    input: { type: "object", properties: { n: { type: "number" } }, required: ["n"] },
    async execute({ n }, _call: ToolContext) {
      notes.push(Number(n));
      // Out of step with each other, so that answers come one by one as well as together.
      const ms = ((Number(n) * 7) % 4) * 200;
      if (ms > 0) await new Promise<void>((resolve) => clock.after(ms, resolve));
      return String(n);
    },
  });
  return defineAgent({
    name: "noter",
    instructions: "Note.",
    model: "noting-model",
    tools: [note],
    // What hangs is to be found hanging.
    limits: { runTimeoutMs: Number.POSITIVE_INFINITY, toolTimeoutMs: Number.POSITIVE_INFINITY },
  });
}

/** A text in pieces, as models write. */
async function* say(text: string): AsyncGenerator<ModelPart> {
  for (const piece of text.match(/.{1,7}/gs) ?? []) {
    await Promise.resolve();
    yield { type: "text", text: piece };
  }
}

function sumOf(results: readonly { readonly result: { readonly content: readonly object[] } }[]): number {
  const texts = results.map(({ result }) =>
    result.content.map((block) => ("text" in block ? block.text : "")),
  );
  return texts.reduce((sum, text) => sum + Number(text.join("")), 0);
}
