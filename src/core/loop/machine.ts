/**
 * The loop as a pure function: (state, input) -> (state, commands). No I/O, no clock, no promises.
 *
 * Each step first *folds* the input into what is known, then *decides* what follows from all that is known. Decisions
 * read facts, never the order in which they came: that is what makes splits, repeats, late events and replayed history harmless.
 *
 * Invariants kept here
 *   I1  past events (between catchup.started and catchup.ended) are folded like live ones, and decided on only at the end
 *   I2  a call is executed at most once; whether to is decided from "answered", never from "seen"
 *   I7  a run ends only on a terminal of a turn that took its input, or with an error
 */

import { LoophostError } from "../errors.ts";
import {
  addCall,
  answeredElsewhere,
  asked,
  cancelAll,
  change,
  decided,
  finish,
  ids,
  posted,
  tell,
} from "./calls.ts";
import {
  close,
  endOf,
  endSession,
  fail,
  finishRun,
  hush,
  interrupt,
  start,
  stopUnstarted,
  tooManyTurns,
} from "./runs.ts";
import type { Call, Command, Final, LoopInput, LoopState } from "./state.ts";
import { beginTurn, endTurn, takeInput } from "./turns.ts";

/**
 * Calls one turn may have: the work of each step grows with them, and a host that emits ever more calls would block the
 * event loop.
 */
const MAX_CALLS = 1_000;

const SUSPENDED: Final = { ending: "requires_action", stopReason: "suspended" };

/** One step of the loop. */
export function next(state: LoopState, input: LoopInput): { state: LoopState; commands: Command[] } {
  const commands: Command[] = [];
  const folded = fold(state, input, commands);
  return { state: folded.runOpen && !folded.catchingUp ? decide(folded, commands) : folded, commands };
}

function fold(state: LoopState, input: LoopInput, out: Command[]): LoopState {
  switch (input.type) {
    case "unsent":
      return { ...state, pendingInput: input.inputs };
    case "start":
      return { ...state, starting: input };
    case "started":
      return state.starting === undefined ? state : start(state, state.starting, out);
    case "input.taken":
      return takeInput(state, input.inputId);
    case "turn.began":
      return beginTurn(state, input.raw, out);
    case "call":
    case "verdict.needed":
      if (state.calls.length >= MAX_CALLS && state.calls.every(({ id }) => id !== input.id))
        return fail(interrupt(state, out), tooManyCalls(), out);
      return addCall(state, input, out);
    case "call.answered":
      return answeredElsewhere(state, input.id, out);
    case "approval.needed":
      return asked(state, input.id, out);
    case "answer.needed":
      return change(state, [input.id], ["running"], { status: "awaiting" });
    case "decided":
      return decided(state, input.id, input.allow, input.why, out);
    case "finished":
      return finish(state, input, out);
    case "posted":
      return posted(state, input.ids, out);
    case "post.failed":
      return postFailed(state, input, out);
    case "turn.done":
      return endTurn(state, input, out);
    case "caught.up":
      return state.missing === null
        ? { ...state, catchUpAsked: false }
        : fail({ ...state, catchUpAsked: false }, unresolved(state.missing), out);
    case "output.checked":
      return { ...state, output: "checked" };
    case "guarded":
      return { ...state, guarding: false };
    case "message.seen":
      return {
        ...state,
        messagesSeen: state.messagesSeen + 1,
        lastEnd: undefined,
        turn: state.turnOpen ? 1 : 0,
      };
    case "reply.owed":
      return { ...state, replyOwed: true };
    case "session.over":
      return endSession(state, endOf(input), out);
    case "failed":
      return fail({ ...cancelAll(state, out), turnOpen: false }, input.error, out);
    case "interrupt":
      return state.starting === undefined ? interrupt(state, out) : stopUnstarted(state, out);
    case "park":
      return close(state, { ending: "requires_action", stopReason: "waiting" }, out);
    case "suspend":
      return { ...state, suspended: input.awaitTurn ? "turn" : "now" };
    case "held":
      return change(state, [input.id], ["running"], { status: "seen" });
    case "stop":
      return fail(state.starting === undefined ? interrupt(state, out) : hush(state, out), input.error, out);
    case "catchup.started":
      return { ...state, catchingUp: true };
    case "catchup.ended":
      return { ...state, catchingUp: false };
  }
}

/** What follows from what is known. */
function decide(state: LoopState, out: Command[]): LoopState {
  let now = state;
  if (now.final !== undefined) return finishRun(now, now.final, out);
  if (now.suspended !== false) return letGo(now, now.suspended, out);

  const unseen = now.calls.filter((call) => call.status === "seen");
  if (unseen.length > 0) {
    for (const call of unseen) out.push({ do: "execute", call });
    now = change(now, ids(unseen), ["seen"], { status: "running" });
  }

  if (now.guarding) return now;
  const open = now.calls.filter((call) => call.status !== "posted");
  const ready = open.filter((call) => call.status === "answered");
  const isComplete = !now.turnOpen && now.missing === null && ready.length === open.length;
  // At its last turn a run waits for all its results: they go out before the stop, since their tools took effect.
  const isAtLimit = !now.turnOpen && now.turn >= now.policy.maxTurns;
  const mayPost = (now.answers === "each" && !isAtLimit) || isComplete;
  if (ready.length > 0 && mayPost) {
    // A host may end the run with its output, so that it needs no further turn.
    if (isAtLimit && !(now.policy.owesOutput && now.terminalToolCalled))
      return fail(interrupt(now, out), tooManyTurns(now.policy.maxTurns), out);
    const batches = now.answers === "each" ? ready.map((call) => [call]) : [ready];
    for (const batch of batches)
      out.push({ do: "post", ids: ids(batch), inputs: batch.flatMap((call) => call.answer ?? []) });
    return change(now, ids(ready), ["answered"], { status: "posting" });
  }

  if (now.missing !== null && !now.catchUpAsked) {
    out.push({ do: "catch up" });
    return { ...now, catchUpAsked: true };
  }
  return sayWaiting(now, open, out);
}

/** Returns a suspended run once none of its calls is under way; the next process resumes it from the journal. */
function letGo(state: LoopState, when: "now" | "turn", out: Command[]): LoopState {
  const isBusy = state.calls.some(({ status }) => status === "running" || status === "posting");
  if (isBusy || state.guarding || (when === "turn" && state.turnOpen)) return state;
  return close(state, SUSPENDED, out);
}

/** Race: an answer the host has shown in the meantime did arrive, so only the others count as failed. */
function postFailed(
  state: LoopState,
  { ids: posts, error }: Extract<LoopInput, { type: "post.failed" }>,
  out: Command[],
): LoopState {
  const unposted = change(state, posts, ["posting"], { status: "answered" });
  return unposted === state ? state : fail(unposted, error, out);
}

function sayWaiting(state: LoopState, open: readonly Call[], out: Command[]): LoopState {
  const blocked = open.filter((call) => call.status === "asking" || call.status === "awaiting");
  const othersMove = open.some((call) => call.status === "running" || call.status === "posting");
  const waitingOn = state.turnOpen || othersMove ? "" : ids(blocked).join(" ");
  if (waitingOn === state.waitingOn) return state;
  if (waitingOn !== "") {
    const on = blocked.map(({ id, name, input, status }) => ({
      id,
      what: status === "asking" ? ("approval" as const) : ("answer" as const),
      name,
      input,
    }));
    tell(out, { type: "run.waiting", on });
  }
  return { ...state, waitingOn };
}

function tooManyCalls(): LoophostError {
  return new LoophostError("host_protocol", `The host called more than ${MAX_CALLS} tools in one turn.`);
}

function unresolved(missing: readonly string[]): LoophostError {
  const what =
    missing.length === 0 ? "an action it did not name" : `calls this side never saw: ${missing.join(", ")}`;
  return new LoophostError(
    "unresolved_requires_action",
    `The host waits for ${what}. Its history does not hold them.`,
  );
}
