/**
 * Approval (human in the loop): decisions about calls that wait are requested, recorded, then acted on.
 *
 *   A1  a decision is durable before it is acted on, and never asked for again; the first one counts
 *   A2  fails closed: a check that throws or rejects denies the call (I9)
 */

import type { Effects } from "../async/effects.ts";
import { isString } from "../check-options.ts";
import { LoophostError } from "../errors.ts";
import type { ApprovalRequestedEvent, RunWaitingEvent } from "../events.ts";
import { callDigest } from "../journal/call-digest.ts";
import type { DecisionRecord, JournalEntry, JournalFacts } from "../journal/entry.ts";
import type { Journal } from "../journal/journal.ts";
import { isObject } from "../json.ts";
import type { Call, LoopInput } from "../loop/state.ts";
import type { ToolResult } from "../results.ts";
import { isContentBlock, NO_BLOCK, textResult } from "../results.ts";
import type { OnApproval } from "../session.ts";

/** What decisions are made with. */
export interface ApprovalOptions {
  readonly onApproval: OnApproval | undefined;
  readonly journal: Journal;
  readonly effects: Effects;
  readonly dispatch: (input: LoopInput) => void;
  /** Aborted once the session is closed. */
  readonly closed: AbortSignal;
  /** The calls of the open turn, and whether a run is open to act on them. */
  readonly look: () => { readonly calls: readonly Call[]; readonly isRunOpen: boolean };
  /** Whether a tool's calls are answered from outside: nobody approves them. */
  readonly isExternal: (tool: string) => boolean;
}

/** Why a call is denied when a message comes in place of a decision. */
const INSTEAD = "a new message came instead";

/** The decisions of one session. */
export class Approvals {
  readonly #options: ApprovalOptions;

  constructor(options: ApprovalOptions) {
    this.#options = options;
  }

  /** Records a decision and acts on it. Between runs it is kept for the next run. */
  async decide(id: string, allow: boolean, why: string | undefined, item?: number): Promise<void> {
    await this.#decided(this.#waiting(id, "asking"), allow, why, item);
  }

  /** Records the result of an external tool's call, given by a person or another system. */
  async answer(id: string, result: ToolResult, item?: number): Promise<void> {
    const { content } = result;
    if (!Array.isArray(content) || !content.every(isContentBlock))
      throw new LoophostError("invalid_options", `The answer is ${NO_BLOCK}.`);
    const digest = callDigest(this.#waiting(id, "awaiting"));
    const finished = { type: "finished", id, result, durationMs: 0, replayed: false } as const;
    await this.#record({ type: "call.finished", id, result, digest, item }, finished);
  }

  /** Whether a call's decision is on record, and has yet to be acted on. */
  isDecided(call: AboutCall): boolean {
    return this.#decisionOn(call) !== undefined;
  }

  /** Denies those of the given calls that wait for a person; tells whether any did. */
  deny(ids: ReadonlySet<string>): boolean {
    const waiting = this.#options.look().calls.filter(({ id }) => ids.has(id));
    const asking = waiting.filter(({ status }) => status === "asking");
    const awaiting = waiting.filter(({ status }) => status === "awaiting");
    const { effects, journal } = this.#options;
    for (const call of asking) if (!this.isDecided(call)) effects.track(this.#decided(call, false, INSTEAD));
    // Race: an answer that is being written holds, and a second one would fail the run.
    for (const call of awaiting.filter((one) => !isRecordedAs("finished", journal.recorded, one)))
      effects.track(this.answer(call.id, textResult(`Nobody answered: ${INSTEAD}.`, true)));
    return asking.length + awaiting.length > 0;
  }

  /**
   * Resolves an approval request: by the decision on record, or the caller's `onApproval`, or else later by `decide`;
   * denied at once where a message came instead.
   */
  ask(request: ApprovalRequestedEvent, isDenied: boolean): void {
    const { onApproval, effects, dispatch, closed } = this.#options;
    const before = this.#decisionOn(request);
    if (before !== undefined) {
      const { allow, why } = before;
      return dispatch({ type: "decided", id: request.id, allow, why });
    }
    if (isDenied) return effects.track(this.#decided(request, false, INSTEAD));
    if (onApproval === undefined) return;
    const decision = Promise.resolve(request)
      .then(onApproval)
      .catch(() => ({ allow: false, why: "the approval check failed" }));
    // Not tracked as an effect: `close()` waits for effects, and a person may take an hour. A reply after closing is
    // not a decision, so that the call can still be decided by whoever opens the session next.
    decision.then(
      (said) =>
        closed.aborted || !this.#isAsking(request) || effects.track(this.#decided(request, ...granted(said))),
      () => undefined,
    );
  }

  /** Whether the run waits for others alone: no `onApproval` of this process is about to decide. */
  isUpToOthers({ on }: RunWaitingEvent): boolean {
    return this.#options.onApproval === undefined || on.every(({ what }) => what === "answer");
  }

  #decided(call: AboutCall, allow: boolean, why: string | undefined, item?: number): Promise<void> {
    const decided = { type: "decided", id: call.id, allow, why } as const;
    return this.#record({ ...decided, digest: callDigest(call), item }, decided);
  }

  /** The decision on record about this very call, unless the call has been started since. */
  #decisionOn(call: AboutCall): DecisionRecord | undefined {
    const found = this.#options.journal.recorded.decisions.get(call.id);
    return found === undefined || found.isUsed || found.digest !== callDigest(call) ? undefined : found;
  }

  /** Race: whether a call still waits for a decision, or somebody else decided first. */
  #isAsking(call: AboutCall): boolean {
    const isHere = this.#options.look().calls.some(({ id, status }) => id === call.id && status === "asking");
    return isHere && !this.isDecided(call);
  }

  /** Records, then acts: a write that fails rejects for whoever waits for it, and fails an open run. */
  #record(entry: JournalEntry, input: LoopInput): Promise<void> {
    const { journal, effects, dispatch } = this.#options;
    const recorded = journal.record(entry);
    if (recorded === undefined) dispatch(input);
    const acted = recorded?.then(() => dispatch(input)) ?? Promise.resolve();
    effects.track(acted);
    return acted;
  }

  /** The call of this id, which must wait for this; the first decision is the decision. */
  #waiting(id: string, status: "asking" | "awaiting"): Call {
    const { isExternal, journal, look } = this.#options;
    const { calls, isRunOpen } = look();
    const { recorded } = journal;
    const isAsked = status === "asking";
    // Between runs a call found in the history has not been executed yet, so whether it needs approval is unknown, unless
    // its tool is external. A call whose tool was started was decided before, unless it was asked about again since.
    const isOpen = (call: Call) =>
      !isRecordedAs("started", recorded, call) || recorded.waiting.includes(call.id);
    const waits = (call: Call) =>
      call.status === status ||
      (!isRunOpen && call.status === "seen" && isOpen(call) && !(isAsked && isExternal(call.name)));
    const waiting = calls.filter(
      (call) =>
        waits(call) && !(isAsked && this.isDecided(call)) && !isRecordedAs("finished", recorded, call),
    );
    const found = waiting.find((call) => call.id === id);
    if (found !== undefined) return found;
    if (recorded.decisions.has(id) || recorded.calls.has(id)) {
      const wayOut = "The first decision holds; it cannot be changed.";
      throw new LoophostError("already_decided", `Call "${id}" has been decided or answered. ${wayOut}`);
    }
    const what = isAsked ? "approval" : "an answer";
    const others = waiting.map((call) => call.id).join(", ") || "none";
    throw new LoophostError("invalid_options", `Call "${id}" does not wait for ${what}. Waiting: ${others}.`);
  }
}

/** What a decision is about. */
type AboutCall = Pick<Call, "id" | "name" | "input">;

/** Whether this is on record of this very call as the last: its tool was started, or it has its result. */
function isRecordedAs(state: "started" | "finished", { calls }: JournalFacts, call: Call): boolean {
  const found = calls.get(call.id);
  return found?.state === state && found.digest === callDigest(call);
}

/** Fails closed: only `true` approves, since a check in plain JavaScript may return anything. */
function granted(said: unknown): [allow: boolean, why: string | undefined] {
  if (!isObject(said)) return [said === true, undefined];
  return [said["allow"] === true, isString(said["why"]) ? said["why"] : undefined];
}
