// Whether what a run came to is what it may come to.
//
//   V1  a run comes to the undisturbed run's result, or to a typed error that its faults explain
//   V2  no call ran twice, whatever the run came to
//   V3  the host has no message twice, and no call answered twice
//   V4  it ends, and leaves nothing behind
//   V5  after an error the session can be taken up again; then no call waits for an answer any more

import type { SessionResult } from "loophost";
import { LoophostError } from "loophost";
import type { WireFault } from "loophost/testing/node";

import type { RequestKind } from "./accidents.ts";
import type { Conversation } from "./conversation.ts";
import type { Mishap, Observed } from "./faulty-run.ts";

/** What came of a run. */
export interface Verdict {
  readonly ended: "right" | "error" | "wrong" | "hang";
  readonly ranTwice: number;
  readonly sentTwice: number;
  /** A sentence for each promise that was broken. */
  readonly broken: readonly string[];
}

/** Judges a run by the undisturbed one of the same conversation. */
export function judge(conversation: Conversation, observed: Observed, undisturbed: Observed): Verdict {
  const { error, lost, hangs, notes, host, leftOver, happened } = observed;
  const isDone = error === undefined && !hangs;
  const isSame = JSON.stringify(essenceOf(observed)) === JSON.stringify(essenceOf(undisturbed));
  const unexplained = error === undefined ? undefined : findUnexplained(error, happened);
  const ranTwice = repeated(notes);
  // The same text may be sent twice on purpose; it is counted, not compared.
  const sent = Math.min(observed.results.length + 1, conversation.prompts.length);
  const sentTwice = repeated(host.answered).length + Math.max(0, host.messages.length - sent);
  const broken = [
    hangs && "it never ended",
    isDone && !isSame && "its result is not the undisturbed run's",
    unexplained,
    ranTwice.length > 0 && `calls ran twice: ${ranTwice.join(", ")}`,
    sentTwice > 0 && `the host has ${sentTwice} messages or answers too many`,
    lost !== undefined && `the session could not be taken up again: ${String(lost)}`,
    !hangs && host.answered.length < host.calls && "calls were never answered",
    leftOver > 0 && `${leftOver} timers or requests are left over`,
  ].filter((sentence) => typeof sentence === "string");
  const endedWell = isDone ? (isSame ? "right" : "wrong") : unexplained === undefined ? "error" : "wrong";
  return {
    ended: hangs ? "hang" : endedWell,
    ranTwice: ranTwice.length,
    sentTwice,
    broken,
  };
}

/** What must be the same however the network behaved. */
export function essenceOf({ results, notes, host }: Observed): unknown {
  return {
    results: results.map(outlineOf),
    notes: notes.toSorted((a, b) => a - b),
    messages: host.messages,
    answered: host.answered.length,
    calls: host.calls,
  };
}

function outlineOf({
  terminal,
  ending,
  stopReason,
  text,
  turns,
  usage,
  toolCalls,
  events,
}: SessionResult): unknown {
  const count = (of: string) => events.filter(({ type }) => type === of).length;
  return {
    terminal,
    ending,
    stopReason,
    text,
    turns,
    usage,
    // By name and input: events that change places bring calls in another order.
    toolCalls: toolCalls.map(({ name, input }) => JSON.stringify({ name, input })).toSorted(),
    said: events.flatMap((event) => (event.type === "message" ? [event.text] : [])),
    told: ["turn.started", "turn.ended", "tool.called", "tool.finished", "tool.posted"].map(count),
  };
}

/** How often a request is tried; one that opens a stream again, for ever. */
const TRIES = 4;
/** What must not be done twice: when the connection breaks under it, nobody can say whether it was done. */
const ONCE: ReadonlySet<RequestKind> = new Set([
  "create environment",
  "create agent",
  "create session",
  "post message",
]);

/**
 * A run may fail when requests of one kind failed as often as they are tried, or when one of ONCE was lost. Whether a post
 * arrived is looked up in the events, which is a try of that post.
 */
function findUnexplained(error: unknown, happened: readonly Mishap[]): string | undefined {
  if (!(error instanceof LoophostError)) return `what was thrown is no LoophostError: ${String(error)}`;
  const failures = happened.filter(({ fault }) => isFailure(fault));
  const isExplained = failures.some(({ kind, fault }) => {
    const isLost = fault.how !== "refuse" && ONCE.has(kind);
    const looks = kind.startsWith("post ") ? "list events" : kind;
    const isUsedUp =
      failures.filter((failure) => failure.kind === kind || failure.kind === looks).length >= TRIES;
    return (isLost || isUsedUp) && explains(fault, error);
  });
  return isExplained ? undefined : `no fault explains its error ${error.code}: ${error.message}`;
}

/** Whether a request that meets this fault fails. */
function isFailure({ how }: WireFault): boolean {
  return ["refuse", "lose request", "lose reply", "cut", "stall"].includes(how);
}

/** Whether this is the error a fault leads to. */
function explains(fault: WireFault, { code, status }: LoophostError): boolean {
  if (fault.how !== "refuse") return code === "host_unreachable";
  return status === fault.status && code === (fault.status >= 500 ? "host_failed" : "host_rejected");
}

function repeated<T>(items: readonly T[]): readonly T[] {
  return items.filter((item, index) => items.indexOf(item) !== index);
}
