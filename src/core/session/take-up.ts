/**
 * Decides what `resume` continues: a run that an earlier process left open, or one that ended and whose result it may
 * have died without delivering.
 */

import type { SessionEvent } from "../events.ts";
import type { JournalFacts, OpenRunRecord } from "../journal/entry.ts";
import type { LoopState } from "../loop/state.ts";
import { isUnfinished } from "../loop/state.ts";
import type { HostInput, PassedOnEvent } from "../provider.ts";
import { isMessage } from "../provider.ts";

/** An event that comes before the run that tells it. */
export type PastEvent = SessionEvent | PassedOnEvent;

/**
 * The run that `resume` continues, if any: an open one, or the last, whose result an earlier process may not have
 * delivered.
 */
export function runToResume(
  { run, ended }: JournalFacts,
  state: LoopState,
  isFirst: boolean,
): OpenRunRecord | undefined {
  if (run !== undefined) return run;
  // After a run that ended with its output the result of that call is the last message, and no reply is owed to it.
  return isFirst && (isIdle(state) || ended?.end?.stopReason === "output") ? ended : undefined;
}

/** Whether nothing of a run is at the host yet: what that told is of the run before. */
export function isUnsent({ input }: OpenRunRecord, { pendingInput }: LoopState): boolean {
  return pendingInput.length > 0 && pendingInput.length >= input.length;
}

/** Inputs whose message bears the id of its run, so that a host can say which message it took. */
export function named(inputs: readonly HostInput[], id: string): readonly HostInput[] {
  return inputs.map((input) => (isMessage(input) ? { ...input, id } : input));
}

/** Whether nothing is open at the host, nothing is owed to the conversation, and nothing waits to be sent. */
export function isIdle(state: LoopState): boolean {
  return !isUnfinished(state) && !state.replyOwed && state.pendingInput.length === 0;
}

/** What is kept of the past when a message comes: a host may begin the turn that answers it just before. */
export function ofOpenTurn(past: readonly PastEvent[], { turnOpen }: LoopState): PastEvent[] {
  const begun = turnOpen ? past.findLast((event) => event.type === "turn.started") : undefined;
  return begun === undefined ? [] : [{ ...begun, turn: 1 }];
}

/** What is to be told of a call the host shows the answer to: it is ours if its result is on record, and whoever posted it may have died before readers were told. */
export function ofAnswered(
  id: string,
  { calls }: LoopState,
  recorded: JournalFacts | undefined,
): PastEvent[] {
  const found = recorded?.calls.get(id);
  if (found === undefined || found.state === "started") return [];
  const posted: PastEvent = { type: "tool.posted", id };
  if (found.state === "posted") return [posted];
  const name = calls.find((call) => call.id === id)?.name ?? "";
  return [{ type: "tool.finished", id, name, result: found.result, durationMs: 0, replayed: true }, posted];
}
