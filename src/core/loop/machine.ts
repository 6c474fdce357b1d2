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
import type { RunEnd } from "../results.ts";
import { terminalOf } from "../results.ts";
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
  tellCall,
} from "./calls.ts";
import type { Call, Command, Final, LoopInput, LoopState } from "./state.ts";
import { isUnfinished } from "./state.ts";

/** One step of the loop. */
export function next(state: LoopState, input: LoopInput): { state: LoopState; commands: Command[] } {
  const commands: Command[] = [];
  const folded = fold(state, input, commands);
  return { state: folded.runOpen && !folded.catchingUp ? decide(folded, commands) : folded, commands };
}

function fold(state: LoopState, input: LoopInput, out: Command[]): LoopState {
  switch (input.type) {
    case "start":
      return start(state, input, out);
    case "input.taken":
      return takeInput(state);
    case "turn.began":
      return beginTurn(state, input.raw, out);
    case "call":
    case "verdict.needed":
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
    case "looked":
      return state.missing === null
        ? { ...state, looking: false }
        : fail({ ...state, looking: false }, unresolved(state.missing), out);
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
      return interrupt(state, out);
    case "park":
      return close(state, { ending: "requires_action", stopReason: "waiting" }, out);
    case "stop":
      return fail(interrupt(state, out), input.error, out);
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

  const unseen = now.calls.filter((call) => call.status === "seen");
  if (unseen.length > 0) {
    for (const call of unseen) out.push({ do: "execute", call });
    now = change(now, ids(unseen), ["seen"], { status: "running" });
  }

  if (now.guarding) return now;
  const open = now.calls.filter((call) => call.status !== "posted");
  const ready = open.filter((call) => call.status === "answered");
  const isComplete = !now.turnOpen && now.missing === null && ready.length === open.length;
  const mayPost = now.answers === "each" || isComplete;
  if (ready.length > 0 && mayPost) {
    if (!now.turnOpen && now.turn >= now.policy.maxTurns)
      return fail(interrupt(now, out), tooManyTurns(now.policy.maxTurns), out);
    const batches = now.answers === "each" ? ready.map((call) => [call]) : [ready];
    for (const batch of batches)
      out.push({ do: "post", ids: ids(batch), inputs: batch.flatMap((call) => call.answer ?? []) });
    return change(now, ids(ready), ["answered"], { status: "posting" });
  }

  if (now.missing !== null && !now.looking) {
    out.push({ do: "look" });
    return { ...now, looking: true };
  }
  return sayWaiting(now, open, out);
}

// --- runs and turns

function start(
  state: LoopState,
  { inputs, policy, taken }: Extract<LoopInput, { type: "start" }>,
  out: Command[],
): LoopState {
  const unfinished = isUnfinished(state);
  // A new message is reply enough to what the conversation owed; without one it is taken up where it stands.
  const goesOn = !unfinished && inputs.length === 0 && state.replyOwed;
  for (const call of state.calls) if (call.status !== "posted") tellCall(call, out);
  if (goesOn) out.push({ do: "send", inputs: [{ type: "continue" }] });
  else if (!unfinished && inputs.length > 0) out.push({ do: "send", inputs });
  // The host has the message of a run taken up, and may not have begun with it.
  const isAwaited = taken?.runsElsewhere === true && taken.end === undefined && state.lastEnd === undefined;
  const hasNothingToDo = !unfinished && !goesOn && inputs.length === 0 && !isAwaited;
  return {
    ...state,
    policy,
    runOpen: true,
    held: unfinished ? inputs : [],
    taken: unfinished || goesOn || isAwaited,
    replyOwed: false,
    turn: taken?.turns ?? (unfinished && state.turnOpen ? 1 : 0),
    turnsBefore: 0,
    guarding: false,
    reprompts: 0,
    terminalToolCalled: false,
    output: "unchecked",
    interrupted: false,
    final: hasNothingToDo
      ? (taken?.end ?? state.lastEnd ?? { ending: "completed", stopReason: null })
      : undefined,
    waitingOn: "",
  };
}

/** Turns are counted from the one that took the input; a host may begin it just before it says so. */
function takeInput(state: LoopState): LoopState {
  if (!state.runOpen || state.held.length > 0 || state.taken) return state;
  return { ...state, taken: true, turn: state.turnsBefore + (state.turnOpen ? 1 : 0) };
}

function beginTurn(state: LoopState, raw: unknown, out: Command[]): LoopState {
  // A host that wants all answers together begins a turn only once it has them, whatever its reply says later.
  const known = state.answers === "together" ? posted(state, ids(state.calls), out) : state;
  const turn = known.turn + 1;
  const begun = {
    ...known,
    turn,
    turnOpen: true,
    calls: known.calls.filter((call) => call.status !== "posted"),
  };
  if (!state.runOpen) return begun;
  const { maxTurns } = state.policy;
  // A host that had all its answers early goes on without a word; to the reader each turn has its end.
  if (state.turnOpen) {
    const ending = "requires_action";
    tell(out, { type: "turn.ended", turn: state.turn, terminal: ending, ending, stopReason: null });
  }
  if (turn > maxTurns) return fail(interrupt(begun, out), tooManyTurns(maxTurns), out);
  tell(out, { type: "turn.started", turn, raw });
  return begun;
}

function endTurn(
  state: LoopState,
  event: Extract<LoopInput, { type: "turn.done" }>,
  out: Command[],
): LoopState {
  const ending = state.interrupted && event.ending === "completed" ? "interrupted" : event.ending;
  // Hosts repeat an ending, after a partial answer for one; the turn ended only once.
  const isNews = state.turnOpen && (state.taken || state.interrupted || ending === "requires_action");
  const end: RunEnd = { ...endOf(event), ending };
  if (isNews && state.runOpen)
    tell(out, { type: "turn.ended", turn: state.turn, terminal: terminalOf(ending), ...end, raw: event.raw });
  const guarding = isNews && state.taken && state.policy.guarded;
  if (guarding) out.push({ do: "guard" });
  const ended: LoopState = { ...state, turnOpen: false, guarding: guarding || state.guarding };

  if (ending === "requires_action") return { ...ended, missing: missingOf(state, event.needs ?? []) };
  // The host waits for nothing any more; what still executes here has nobody to answer to.
  const idle = { ...cancelAll(ended, out), missing: null };
  // An end that comes before our input was taken is somebody else's, unless we asked for it ourselves.
  if (!state.taken && !state.interrupted) return { ...idle, lastEnd: end };
  if (state.held.length === 0) return { ...idle, final: finalOf(state, end) };
  out.push({ do: "send", inputs: state.held });
  return { ...idle, held: [], taken: false, turn: 0, interrupted: false };
}

/** The terminal a turn comes to; a run that owes a call of its terminal tool is asked for it first. */
function finalOf(state: LoopState, end: RunEnd): Final {
  const { terminalTool } = state.policy;
  if (end.ending !== "completed" || terminalTool === undefined || state.terminalToolCalled) return end;
  if (state.reprompts >= terminalTool.maxReprompts) return { ...end, stopReason: "no_terminal_tool" };
  const text = `You have not called ${terminalTool.name} yet. Call it now with your final result.`;
  return { ...end, reprompt: [{ type: "message", content: [{ type: "text", text }] }] };
}

/** Ends the run, or sends it back for what it owes; once the guard has spoken, and posts the terminal overtook are confirmed. */
function finishRun(state: LoopState, final: Final, out: Command[]): LoopState {
  if (state.guarding || state.calls.some((call) => call.status === "posting")) return state;
  if (final.reprompt === undefined) return endRun(state, final, out);
  if (state.turn >= state.policy.maxTurns) return fail(state, tooManyTurns(state.policy.maxTurns), out);
  out.push({ do: "send", inputs: final.reprompt });
  return {
    ...state,
    final: undefined,
    taken: false,
    turnsBefore: state.turn,
    reprompts: state.reprompts + 1,
  };
}

/** Ends the run; one that owes an output only once that has been checked. */
function endRun(state: LoopState, final: Final, out: Command[]): LoopState {
  const isDue = state.policy.owesOutput && final.ending === "completed" && state.output !== "checked";
  if (!isDue) return { ...close(state, final, out), calls: [] };
  if (state.output === "unchecked") out.push({ do: "check output" });
  return { ...state, output: "checking" };
}

function endSession(state: LoopState, over: Final, out: Command[]): LoopState {
  return { ...cancelAll(state, out), turnOpen: false, held: [], over, final: over };
}

/** Null when the host named only calls we know, and those are what it waits for. */
function missingOf(state: LoopState, needs: readonly string[]): readonly string[] | null {
  const missing = needs.filter((id) => !state.calls.some((call) => call.id === id));
  const nothingToDo = needs.length === 0 && state.calls.every((call) => call.status === "posted");
  return missing.length > 0 || nothingToDo ? missing : null;
}

function interrupt(state: LoopState, out: Command[]): LoopState {
  if (!state.runOpen || state.final !== undefined) return state;
  // Answers held back until they are complete go along: what was done is not forgotten with what is stopped.
  const done = state.calls.filter((call) => call.status === "answered");
  const held = state.answers === "together" ? done.flatMap((call) => call.answer ?? []) : [];
  const quiet = cancelAll(state, out);
  out.push({ do: "send", inputs: [...held, { type: "interrupt" }] });
  return { ...quiet, interrupted: true, missing: null, held: [] };
}

/** What the host has shown in the meantime did arrive, whatever became of the post. */
function postFailed(
  state: LoopState,
  { ids: posts, error }: Extract<LoopInput, { type: "post.failed" }>,
  out: Command[],
): LoopState {
  const unposted = change(state, posts, ["posting"], { status: "answered" });
  return unposted === state ? state : fail(unposted, error, out);
}

function fail(state: LoopState, error: LoophostError, out: Command[]): LoopState {
  if (!state.runOpen) return state;
  tell(out, { type: "run.failed", code: error.code, message: error.message });
  out.push({ do: "fail", error });
  return {
    ...state,
    runOpen: false,
    final: undefined,
    taken: false,
    held: [],
    missing: null,
    guarding: false,
  };
}

function close(state: LoopState, final: Final, out: Command[]): LoopState {
  if (!state.runOpen) return state;
  const end = endOf(final);
  tell(out, { type: "run.ended", terminal: terminalOf(end.ending), ...end });
  out.push({ do: "end", ...end });
  return { ...state, runOpen: false, final: undefined, taken: false, guarding: false };
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

function endOf({ ending, stopReason, details }: RunEnd): RunEnd {
  return { ending, stopReason, details };
}

function tooManyTurns(maxTurns: number): LoophostError {
  return new LoophostError(
    "max_turns_exceeded",
    `The run needed more than ${maxTurns} turns. Raise limits.maxTurns, or give it a smaller task.`,
  );
}

function unresolved(missing: readonly string[]): LoophostError {
  const what =
    missing.length === 0 ? "an action it did not name" : `calls this side never saw: ${missing.join(", ")}`;
  return new LoophostError(
    "unresolved_requires_action",
    `The host waits for ${what}. Its history does not hold them.`,
  );
}
