/** Runs the scenarios against a target, one after the other, each in sessions of its own. */

import { messageOf } from "../../core/errors.ts";
import { recordTo } from "../../observe/record.ts";
import { SCENARIOS } from "./scenarios.ts";
import type { Scenario, VerifyTarget } from "./trial.ts";
import { Trial } from "./trial.ts";

/** How a scenario went. */
export interface Verdict {
  readonly id: string;
  readonly documented: string;
  readonly outcome: "same" | "differs" | "not for it";
  /** What was seen, or why it is not for this host. */
  readonly seen: string;
  readonly ms: number;
}

/** How scenarios are run. */
export interface VerifyOptions {
  readonly signal: AbortSignal;
  /** What each run may take. */
  readonly timeoutMs: number;
  readonly only?: readonly string[] | undefined;
  readonly onVerdict?: ((verdict: Verdict) => void) | undefined;
  /** Given the recording of each scenario, one JSON line an event. */
  readonly onRecording?: ((id: string, lines: readonly string[]) => Promise<void>) | undefined;
}

/** The scenarios that are for a target, and about how many requests to a model they take. */
export function planFor(
  target: VerifyTarget,
  only?: readonly string[],
): { scenarios: readonly Scenario[]; requests: number } {
  const scenarios = SCENARIOS.filter(({ id }) => only === undefined || only.includes(id));
  const fit = scenarios.filter(({ unfit }) => unfit?.(target) === undefined);
  return { scenarios, requests: fit.reduce((sum, { requests }) => sum + requests, 0) };
}

/** Runs all that are asked for. Never rejects because of a host: that is what its verdicts are for. */
export async function runVerify(target: VerifyTarget, options: VerifyOptions): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const scenario of planFor(target, options.only).scenarios) {
    options.signal.throwIfAborted();
    const verdict = await verdictOn(scenario, target, options);
    verdicts.push(verdict);
    options.onVerdict?.(verdict);
  }
  return verdicts;
}

async function verdictOn(scenario: Scenario, target: VerifyTarget, options: VerifyOptions): Promise<Verdict> {
  const { id, documented } = scenario;
  const unfit = scenario.unfit?.(target);
  if (unfit !== undefined) return { id, documented, outcome: "not for it", seen: unfit, ms: 0 };
  const { signal, timeoutMs, onRecording } = options;
  const lines: string[] = [];
  const observers =
    onRecording === undefined ? [] : [recordTo((line) => lines.push(line), { deltas: "all" })];
  const trial = new Trial(target, { observers, timeoutMs, signal });
  const began = performance.now();
  const { outcome, seen } = await within(scenario.run(trial), timeoutMs * 3).then(
    (said) => ({ outcome: "same" as const, seen: said }),
    (thrown: unknown) => ({ outcome: "differs" as const, seen: messageOf(thrown) }),
  );
  const ms = performance.now() - began;
  // Cleanup on every path: deletes what was created at the host.
  for (const session of trial.sessions) await target.remove?.(session).catch(() => undefined);
  if (lines.length > 0) await onRecording?.(id, lines);
  return { id, documented, outcome, seen, ms };
}

/** A timeout: a scenario that never ends counts as a deviation. */
async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it did not end within ${ms} ms`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
