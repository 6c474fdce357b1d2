/** Turn guards: a word after each turn on whether the run may go on. Mechanism here, policy with the caller. */

import { LoophostError } from "./errors.ts";
import type { Usage } from "./results.ts";

/** What a guard is told: how far the run has come. */
export interface TurnReport {
  readonly sessionId: string;
  readonly turns: number;
  readonly usage: Usage;
  /** Milliseconds since the run began. */
  readonly elapsedMs: number;
}

/** "continue", or the reason to halt: the run then fails with `halted`. */
export type GuardDecision = "continue" | { readonly halt: string };

/** Called after every turn, before anything follows from it. One that throws halts the run. */
export type TurnGuard = (report: TurnReport) => GuardDecision | Promise<GuardDecision>;

/** Asks a guard; gives the error to halt with. A guard that throws has not said "continue": it halts. */
export async function haltedBy(
  guard: TurnGuard | undefined,
  report: TurnReport,
): Promise<LoophostError | undefined> {
  try {
    const verdict = (await guard?.(report)) ?? "continue";
    return verdict === "continue"
      ? undefined
      : new LoophostError("halted", `The turn guard halted the run: ${verdict.halt}.`);
  } catch (cause) {
    return new LoophostError("halted", "The turn guard failed, so the run was halted.", { cause });
  }
}
