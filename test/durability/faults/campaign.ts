// One seed: its conversation over its faulty network, judged by the same conversation left in peace.

import { LoophostError } from "loophost";

import { drawAccidents } from "./accidents.ts";
import type { Conversation } from "./conversation.ts";
import { drawConversation } from "./conversation.ts";
import type { Observed } from "./faulty-run.ts";
import { runFaulty, runUndisturbed } from "./faulty-run.ts";
import type { Done } from "./table.ts";
import { nameOf } from "./table.ts";
import { essenceOf, judge } from "./verdict.ts";

const undisturbed = new Map<string, Promise<Observed>>();

/** Makes the run of a seed. */
export async function tryOut(seed: number): Promise<Done> {
  const conversation = drawConversation(seed);
  const peaceful = await inPeace(conversation);
  if (peaceful.error !== undefined) throw peaceful.error;
  const observed = await runFaulty(seed);
  const { broken, ...verdict } = judge(conversation, observed, peaceful);
  const { error, leftOver, happened } = observed;
  const faults: Record<string, number> = {};
  for (const mishap of happened) faults[nameOf(mishap)] = (faults[nameOf(mishap)] ?? 0) + 1;
  return {
    seed,
    ...verdict,
    ...(error instanceof LoophostError && { code: error.code, failedAt: placeOf(error) }),
    leftOver,
    faults,
    ...(broken.length > 0 && { wrong: tell(seed, broken, observed, peaceful) }),
  };
}

/** The conversation without faults, held once. */
function inPeace(conversation: Conversation): Promise<Observed> {
  const key = JSON.stringify(conversation);
  const held = undisturbed.get(key) ?? runUndisturbed(conversation);
  undisturbed.set(key, held);
  return held;
}

/** The request an error is about, whichever session it was, and how it failed. */
function placeOf({ message, status }: LoophostError): string {
  const [request = ""] = message.split(": ");
  return `${request.replace(/\/sesn_[^/]+/, "/…")} ${status ?? "lost"}`;
}

/** Everything there is to know of a run that went wrong. */
function tell(seed: number, broken: readonly string[], observed: Observed, peaceful: Observed): string {
  const { error, happened, results } = observed;
  return [
    `Seed ${seed}: ${broken.join("; ")}.`,
    `conversation ${JSON.stringify(drawConversation(seed))}`,
    ...drawAccidents(seed).map((accident) => `accident ${JSON.stringify(accident)}`),
    ...happened.map(({ request, kind, fault }) => `happened ${request} ${kind} ${JSON.stringify(fault)}`),
    `error    ${error instanceof Error ? error.stack : String(error)}`,
    `came to  ${JSON.stringify(essenceOf(observed))}`,
    `due      ${JSON.stringify(essenceOf(peaceful))}`,
    `events   ${results.flatMap(({ events }) => events.map(({ type }) => type)).join(" ")}`,
  ].join("\n  ");
}
