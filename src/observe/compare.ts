/** Two recordings side by side: what the agents did, in order, where they part, and what each took. */

import type { SessionEvent } from "../core/events.ts";
import type { Recording } from "../core/recording.ts";
import type { Money, Usage } from "../core/results.ts";
import { addUsage, NO_USAGE } from "../core/results.ts";

/** What an agent did: a call of a tool, or the end of a run. */
export interface Deed {
  readonly what: "call" | "server call" | "end";
  /** The tool's name, or the ending, or the code of the error. */
  readonly name: string;
  /** As JSON with its keys in order; empty for an end. */
  readonly input: string;
}

/** What a recorded session came to. */
export interface RecordingSummary {
  readonly deeds: readonly Deed[];
  readonly usage: Usage;
  readonly cost: Money | undefined;
  readonly turns: number;
  /** Milliseconds from the first event to the last. */
  readonly ms: number;
  readonly text: string;
}

/** How two recordings compare. */
export interface Comparison {
  readonly a: RecordingSummary;
  readonly b: RecordingSummary;
  /** The first deed in which they differ, counted from 0; undefined when they do the same. */
  readonly partAt: number | undefined;
}

/** Compares what two recorded sessions did. Ids, times and words may differ; calls, their inputs and endings may not. */
export function compareRecordings(first: Recording, second: Recording): Comparison {
  const a = summarise(first);
  const b = summarise(second);
  const length = Math.max(a.deeds.length, b.deeds.length);
  const isSame = (index: number) => JSON.stringify(a.deeds[index]) === JSON.stringify(b.deeds[index]);
  const partAt = Array.from({ length }, (_, index) => index).find((index) => !isSame(index));
  return { a, b, partAt };
}

/** What a recorded session came to. */
export function summarise({ entries }: Recording): RecordingSummary {
  const deeds: Deed[] = [];
  let usage = NO_USAGE;
  let cost: Money | undefined;
  let turns = 0;
  let texts: string[] = [];
  for (const { event } of entries) {
    const deed = deedOf(event);
    if (deed !== undefined) deeds.push(deed);
    if (event.type === "turn.started") {
      turns += 1;
      texts = [];
    } else if (event.type === "message" && event.thread === undefined) texts.push(event.text);
    else if (event.type === "usage") {
      usage = addUsage(usage, event.usage);
      cost = event.cost ?? cost;
    }
  }
  const ms = (entries.at(-1)?.at ?? 0) - (entries[0]?.at ?? 0);
  return { deeds, usage, cost, turns, ms, text: texts.join("\n") };
}

function deedOf(event: SessionEvent): Deed | undefined {
  if (event.type === "tool.called") return { what: "call", name: event.name, input: inOrder(event.input) };
  if (event.type === "server_tool.called")
    return { what: "server call", name: event.name, input: inOrder(event.input) };
  if (event.type === "run.ended") return { what: "end", name: event.ending, input: "" };
  return event.type === "run.failed" ? { what: "end", name: event.code, input: "" } : undefined;
}

function inOrder(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).toSorted(([x], [y]) => (x < y ? -1 : 1)));
  });
}
