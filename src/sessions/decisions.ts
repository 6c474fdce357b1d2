/**
 * Decisions and answers from any process. The inbox deduplicates those about one call, so that of two made at once the first holds;
 * the log says whether there is such a call, and what became of it.
 */

import { digestOf } from "../core/digest.ts";
import { LoophostError } from "../core/errors.ts";
import type { SessionSummary } from "../core/journal/session-index.ts";
import { unfit } from "../stores/names.ts";
import type { DecisionOnRecord } from "./call-record.ts";
import { CallRecord } from "./call-record.ts";
import { itemsOf, readItem } from "./inbox.ts";
import type { Item } from "./items.ts";
import { decisionOf } from "./items.ts";
import { Looks } from "./looks.ts";
import type { DecisionReceipt, Receipt, RefParts } from "./ref.ts";

/** A decision or an answer, as it is posted. */
export type Decision = Extract<Item, { ask: "decide" | "answer" }>;

/** What a decision is made with. */
export interface DecisionParts extends RefParts {
  readonly sessionId: string;
  /** The session as it was just now. */
  readonly summary: SessionSummary;
  readonly post: (key: string) => Promise<Receipt>;
}

/** Readers are told of a call within 50 ms; the store takes its time besides. */
const MAX_UNTOLD_MS = 5_000;
const MAX_ID_IN_KEY = 300;

/**
 * Posts a decision about a call that waits for one, or is about to; of one that was decided before says how.
 *
 * @param given the caller's own key
 * @throws LoophostError `invalid_options` for a call that is not there, has a result, was stopped or waits for something else
 */
export async function decide(
  item: Decision,
  given: string | undefined,
  parts: DecisionParts,
): Promise<DecisionReceipt> {
  const call = new CallRecord(parts.store, parts.sessionId, item.callId);
  await readUntilKnown(call, parts);
  if (call.decided !== undefined) return { ...call.decided, isNew: false, applied: false };
  mustWait(call, item, parts);
  for (let key = given ?? (await keyOf(item.callId, call.times)); ;) {
    const receipt = await parts.post(key);
    const first = await firstDecision(item, receipt, call, parts);
    if (first !== undefined)
      return { ...receipt, applied: receipt.isNew && first.item === receipt.item, decision: first.decision };
    const refused = call.refused.get(receipt.item);
    if (refused === undefined)
      throw new LoophostError("invalid_options", `The key "${key}" was used for something else.`);
    if (receipt.isNew || given !== undefined) throw new LoophostError("invalid_options", refused);
    // Deduplicated all the same: whoever finds that item refused goes on under the same key.
    key = `${key}:${receipt.item}`;
  }
}

/** Race: a call is heard of before it is on record; while a run is under way it is waited for. */
async function readUntilKnown(call: CallRecord, parts: DecisionParts): Promise<void> {
  const looks = new Looks(parts.sessionId, parts);
  const late = new AbortController();
  const cancel = parts.clock.after(MAX_UNTOLD_MS, () => late.abort());
  const mayCome = () => !call.isKnown && parts.summary.status === "running";
  try {
    do await call.read();
    while (mayCome() && (await looks.next(late.signal)));
  } finally {
    cancel();
    looks.close();
  }
}

/** The decision that counts of those about a call; undefined when the item is none, or was refused. */
async function firstDecision(
  ours: Decision,
  { item: n, isNew }: Receipt,
  call: CallRecord,
  { store, sessionId }: DecisionParts,
): Promise<DecisionOnRecord | undefined> {
  let waiting: DecisionOnRecord | undefined;
  let isOther = false;
  // First what waits, then the log: an item that is taken in between is in the log by then.
  for await (const posted of itemsOf(store, sessionId)) {
    if (posted.n > n) break;
    const item = readItem(posted)?.item;
    const isSame = item?.ask === ours.ask && item.callId === ours.callId;
    const decision = isSame ? decisionOf(item) : undefined;
    if (decision !== undefined) waiting ??= { decision, item: posted.n };
    else isOther = posted.n === n;
  }
  await call.read();
  const own = decisionOf(ours);
  // Taken, and the call asked about again by now.
  if (isNew && own !== undefined && !call.refused.has(n)) waiting ??= { decision: own, item: n };
  return isOther ? undefined : (call.decided ?? waiting);
}

/** The call as a key: every store keeps it, however long the id is that a model's service gave it. */
async function keyOf(callId: string, times: number): Promise<string> {
  const isFit = callId.length <= MAX_ID_IN_KEY && unfit(callId) === undefined;
  const key = `call:${isFit ? callId : await digestOf(callId)}`;
  // A call that is asked about again, after a crash, is decided again: under a key of its own.
  return times === 0 ? key : `${key}:${times}`;
}

function mustWait(call: CallRecord, { ask, callId }: Decision, { sessionId, summary }: DecisionParts): void {
  const others = summary.waiting.filter((id) => id !== callId).join(", ");
  const wanted = ask === "answer" ? "an answer" : "approval";
  const problem = !call.isKnown
    ? `There is no call "${callId}" in session ${sessionId}.`
    : call.isFinished
      ? `Call "${callId}" has its result; there is nothing to decide.`
      : call.isStopped
        ? `Call "${callId}" was stopped when its run in session ${sessionId} was interrupted; there is nothing to decide.`
        : call.isRunning
          ? `Call "${callId}" runs; there is nothing to decide.`
          : call.what !== undefined && (call.what === "answer") !== (ask === "answer")
            ? `Call "${callId}" waits for ${call.what === "answer" ? "an answer" : "approval"}, not for ${wanted}.`
            : undefined;
  if (problem === undefined) return;
  throw new LoophostError(
    "invalid_options",
    `${problem} ${others === "" ? "No other waits" : `Those that wait: ${others}`}.`,
  );
}
