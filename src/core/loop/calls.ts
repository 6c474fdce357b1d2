/**
 * The calls of the open turn: how each gets from "seen" to "posted". Pure; part of the machine.
 *
 * This is also what a reattach needs to know, seen, answered, unanswered and pending, since past events are folded here
 * like live ones.
 */

import type { SessionEvent } from "../events.ts";
import { isKeepable } from "../json.ts";
import type { HostInput } from "../provider.ts";
import { textResult } from "../results.ts";
import type { Call, Command, LoopInput, LoopState } from "./state.ts";

type CallEvent = Extract<LoopInput, { type: "call" | "verdict.needed" }>;

/** The model called a tool; a call that is known already is nothing new. */
export function addCall(state: LoopState, event: CallEvent, out: Command[]): LoopState {
  if (state.calls.some((call) => call.id === event.id)) return state;
  const call = callOf(event);
  if (state.runOpen) tellCall(call, out);
  const missing = state.missing?.filter((id) => id !== event.id) ?? null;
  return { ...state, calls: [...state.calls, call], missing: missing?.length === 0 ? null : missing };
}

/** The host has the answer to a call, from this process or from another client: deduplicates confirmations, cancels what still runs. */
export function answeredElsewhere(state: LoopState, id: string, out: Command[]): LoopState {
  const known = state.calls.find((call) => call.id === id);
  if (known?.status === "posting") return posted(state, [id], out);
  if (known?.status === "posted") return state;
  if (known !== undefined) {
    out.push({ do: "cancel", ids: [id] });
    return change(state, [id], [known.status], DELIVERED);
  }
  // Keep a placeholder: a `call` event that arrives after its answer (events out of order) must not execute.
  const blank = callOf({ type: "call", id, name: "", input: null });
  return { ...state, calls: [...state.calls, { ...blank, status: "posted" }] };
}

/** A call must be approved before it runs. */
export function asked(state: LoopState, id: string, out: Command[]): LoopState {
  const asking = change(state, [id], ["running"], { status: "asking" });
  if (asking !== state) for (const call of asking.calls) if (call.id === id) tell(out, approvalOf(call));
  return asking;
}

/** A person or a policy approved or denied a call that waited for approval. */
export function decided(
  state: LoopState,
  id: string,
  allow: boolean,
  why: string | undefined,
  out: Command[],
): LoopState {
  const call = state.calls.find((known) => known.id === id && known.status === "asking");
  if (call === undefined) return state;
  if (call.kind === "verdict") {
    return change(state, [id], ["asking"], {
      status: "answered",
      answer: { type: "verdict", callId: id, allow, why },
    });
  }
  if (allow) return change(state, [id], ["asking"], { status: "seen", approved: true });
  const result = textResult(
    `This call was not allowed${why === undefined ? "" : `: ${why}`}. Do not repeat it.`,
    true,
  );
  return finish(state, { type: "finished", id, result, durationMs: 0, replayed: false }, out);
}

/** A call has its result. */
export function finish(
  state: LoopState,
  { id, result, durationMs, replayed }: Extract<LoopInput, { type: "finished" }>,
  out: Command[],
): LoopState {
  const answer: HostInput = { type: "tool_result", callId: id, result };
  const finished = change(state, [id], ["running", "asking", "awaiting"], { status: "answered", answer });
  const name = state.calls.find((call) => call.id === id)?.name ?? "";
  if (finished !== state) tell(out, { type: "tool.finished", id, name, result, durationMs, replayed });
  const isTerminal = !result.isError && name === finished.policy.terminalTool?.name;
  return isTerminal ? { ...finished, terminalToolCalled: true } : finished;
}

/** The host took some answers of ours. */
export function posted(state: LoopState, posts: readonly string[], out: Command[]): LoopState {
  for (const { id, status } of state.calls)
    if (status === "posting" && posts.includes(id)) tell(out, { type: "tool.posted", id });
  return change(state, posts, ["posting"], DELIVERED);
}

/** Cancels the tools that run in this process. Calls being posted stay, so that their confirmation is still emitted. */
export function cancelAll(state: LoopState, out: Command[]): LoopState {
  const dropped = state.calls.filter((call) => !isPosted(call));
  if (dropped.length === 0) return state;
  out.push({ do: "cancel", ids: ids(dropped) });
  return { ...state, calls: state.calls.filter(isPosted) };
}

// --- small pieces

function callOf(event: CallEvent): Call {
  const unfit = isKeepable(event.input) ? undefined : "nested too deep or too long";
  return {
    id: event.id,
    name: event.name,
    input: unfit ?? event.input,
    problem: unfit ?? (event.type === "call" ? event.problem : undefined),
    kind: event.type !== "call" ? "verdict" : event.isOthers === true ? "others" : "tool",
    status: event.type === "call" ? "seen" : "asking",
    approved: false,
    answer: undefined,
    raw: event.raw,
    thread: event.thread,
  };
}

function isPosted({ status }: Call): boolean {
  return status === "posting" || status === "posted";
}

/** A call whose answer the host has. What it held is dropped, or a turn of large results would stay in memory to its end. */
const DELIVERED = { status: "posted", answer: undefined, input: null, raw: undefined } as const;

/** The state with some calls changed, or the very same state when none of them is in one of the given statuses. */
export function change(
  state: LoopState,
  which: readonly string[],
  from: readonly Call["status"][],
  to: Partial<Call>,
): LoopState {
  let changed = false;
  const calls = state.calls.map((call) => {
    if (!which.includes(call.id) || !from.includes(call.status)) return call;
    changed = true;
    return { ...call, ...to };
  });
  return changed ? { ...state, calls } : state;
}

/** The ids of some calls. */
export function ids(calls: readonly Call[]): string[] {
  return calls.map((call) => call.id);
}

/** Asks for an event to be told to the reader. */
export function tell(out: Command[], event: SessionEvent): void {
  out.push({ do: "tell", event });
}

/** Emits the event of a call; a call that another client runs was already reported by the host. */
export function tellCall(call: Call, out: Command[]): void {
  if (call.kind === "verdict") tell(out, approvalOf(call));
  else if (call.kind === "tool") tell(out, { type: "tool.called", ...shownOf(call) });
}

function approvalOf(call: Call): SessionEvent {
  return { type: "approval.requested", ...shownOf(call) };
}

function shownOf({
  id,
  name,
  input,
  raw,
  thread,
}: Call): Pick<Call, "id" | "name" | "input" | "raw" | "thread"> {
  return { id, name, input, raw, thread };
}
