/** The steps of the loop as plain data, for `onStep`: because the loop is pure, the inputs alone replay a run as a test. */

import { contained } from "../async/contained.ts";
import { LoophostError } from "../errors.ts";
import type { Command, LoopInput } from "../loop/state.ts";
import type { ProviderTraits } from "../provider.ts";
import type { LoopStep, OpenOptions } from "../session.ts";

/** Tells a step to whoever asked; what they throw must not end the run. */
export function tellStep(
  onStep: OpenOptions["onStep"],
  answers: ProviderTraits["answers"],
  input: LoopInput,
  commands: readonly Command[],
): void {
  if (onStep !== undefined) contained(() => onStep(toStep(answers, input, commands)));
}

/** A step as JSON would keep it: errors by code and message, without the host's own events. */
export function toStep(
  answers: ProviderTraits["answers"],
  input: LoopInput,
  commands: readonly Command[],
): LoopStep {
  // oxlint-disable-next-line no-unsafe-type-assertion -- what JSON keeps of a step is a step
  return JSON.parse(JSON.stringify({ answers, input, commands }, plain)) as LoopStep;
}

function plain(key: string, value: unknown): unknown {
  if (key === "raw") return undefined;
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  return value instanceof LoophostError ? { code: value.code, message: value.message } : value;
}
