/** Turn guards: a hook after each turn that decides whether the run may continue. Fails closed: a guard that throws halts the run. */

import { LoophostError } from "./errors.ts";
import { isObject } from "./json.ts";
import type { Usage } from "./results.ts";

/** What a guard is told: how far the run has come. */
export interface TurnReport {
  readonly sessionId: string;
  readonly turns: number;
  readonly usage: Usage;
  /** Whether every turn that ended has told the tokens it used; without that `usage` is less than what was used. */
  readonly isUsageKnown: boolean;
  /** Milliseconds since the run began. */
  readonly elapsedMs: number;
  /** Whether the run ends with this turn, unless it is halted: nothing that follows could still be saved. */
  readonly isLast: boolean;
}

/** "continue", or the reason to halt: the run then fails with `halted`. */
export type GuardDecision = "continue" | { readonly halt: string };

/** Called after every turn, before anything follows from it. One that throws halts the run. */
export type TurnGuard = (report: TurnReport) => GuardDecision | Promise<GuardDecision>;

/** Asks a guard; gives the error to halt with. One that throws, or says anything but "continue", halts. */
export async function haltedBy(
  guard: TurnGuard | undefined,
  report: TurnReport,
): Promise<LoophostError | undefined> {
  try {
    if (guard === undefined) return undefined;
    const decision: unknown = await guard(report);
    if (decision === "continue") return undefined;
    const halt = isObject(decision) ? decision["halt"] : undefined;
    const why = typeof halt === "string" ? halt : 'it gave neither "continue" nor { halt }';
    return new LoophostError("halted", `The turn guard halted the run: ${why}.`);
  } catch (cause) {
    return new LoophostError("halted", "The turn guard failed.", { cause });
  }
}
