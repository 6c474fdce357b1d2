/** Replays the steps a session told its `onStep`: the same inputs must lead to the same commands. */

import type { ErrorCode } from "../core/errors.ts";
import { LoophostError } from "../core/errors.ts";
import { isObject } from "../core/json.ts";
import { next } from "../core/loop/machine.ts";
import type { LoopInput } from "../core/loop/state.ts";
import { initialState } from "../core/loop/state.ts";
import type { LoopStep } from "../core/session.ts";
import { toStep } from "../core/session/steps.ts";

/** Where a replay differs from the recording. */
export interface StepDifference {
  /** The number of the step, from 1. */
  readonly step: number;
  readonly input: LoopStep["input"];
  readonly recorded: LoopStep["commands"];
  readonly now: LoopStep["commands"];
}

/**
 * Feeds recorded inputs to the loop of this release, and gives the first step whose commands differ; undefined when none does.
 *
 * @param steps what `onStep` was told of one session, from its opening on; also as read back from JSON lines
 */
export function replaySteps(steps: readonly LoopStep[]): StepDifference | undefined {
  let state = initialState(steps[0]?.answers ?? "each");
  for (const [index, { answers, input, commands: recorded }] of steps.entries()) {
    const revived = revive(input);
    const step = next(state, revived);
    ({ state } = step);
    const now = toStep(answers, revived, step.commands).commands;
    if (JSON.stringify(now) !== JSON.stringify(recorded)) return { step: index + 1, input, recorded, now };
  }
  return undefined;
}

/** Errors and endless limits are written as data. */
function revive(input: LoopStep["input"]): LoopInput {
  const { error, policy } = input;
  const given = {
    ...input,
    ...(isObject(error) && { error: new LoophostError(toCode(error["code"]), String(error["message"])) }),
    ...(isObject(policy) && { policy: { ...policy, maxTurns: Number(policy["maxTurns"]) } }),
  };
  // oxlint-disable-next-line no-unsafe-type-assertion -- parse boundary: steps are written by toStep alone
  return given as unknown as LoopInput;
}

function toCode(code: unknown): ErrorCode {
  // oxlint-disable-next-line no-unsafe-type-assertion -- the same: a code was one when it was written
  return code as ErrorCode;
}
