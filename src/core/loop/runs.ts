/** How a run begins, is stopped and ends. Pure; part of the machine. */

import { LoophostError } from "../errors.ts";
import type { HostInput } from "../provider.ts";
import { byMessage, isMessage } from "../provider.ts";
import type { EndingDetails, RunEnd } from "../results.ts";
import { cancelAll, tellCall } from "./calls.ts";
import type { Command, Final, LoopState, StartInput } from "./state.ts";
import { isUnfinished } from "./state.ts";

/** The details of a run that found nothing to do. */
export const NOTHING_OPEN: EndingDetails = {
  message: "The session had nothing open; nothing was run.",
  code: "nothing_open",
};

const INTERRUPTED: Final = { ending: "interrupted", stopReason: null };

/** A run begins: sends its input, or goes on with what the session has open. */
export function start(state: LoopState, { inputs, policy, resumed }: StartInput, out: Command[]): LoopState {
  const unfinished = isUnfinished(state);
  // Messages go out one by one, in the order they were given: each is answered in a turn of its own.
  const all = [...state.pendingInput, ...inputs];
  const [first = [], ...rest] = unfinished ? [[], all] : byMessage(all);
  // Sending a message makes the host reply anyway, so that what it owes needs no "continue".
  const goesOn = !unfinished && all.length === 0 && state.replyOwed && resumed?.end === undefined;
  for (const call of state.calls) if (call.status !== "posted") tellCall(call, out);
  if (goesOn) out.push({ do: "send", inputs: [{ type: "continue" }] });
  else if (first.length > 0) out.push({ do: "send", inputs: first });
  // A resumed run: the host has its message already and may not have started on it, so wait instead of sending it twice.
  const isAwaited =
    resumed?.runsElsewhere === true && resumed.end === undefined && state.lastEnd === undefined;
  const hasNothingToDo = !unfinished && !goesOn && all.length === 0 && !isAwaited;
  return {
    ...state,
    policy,
    runOpen: true,
    starting: undefined,
    ...sent(first),
    pendingInput: rest.flat(),
    inputSeen: unfinished || goesOn || isAwaited,
    replyOwed: false,
    turn: resumed?.turns ?? (unfinished && state.turnOpen ? 1 : 0),
    turnsBefore: 0,
    guarding: false,
    reprompts: 0,
    terminalToolCalled: false,
    output: "unchecked",
    interrupted: false,
    final: hasNothingToDo
      ? (resumed?.end ?? {
          ending: "completed",
          stopReason: null,
          ...state.lastEnd,
          details: state.lastEnd?.details ?? NOTHING_OPEN,
        })
      : undefined,
    waitingOn: "",
  };
}

/**
 * Cancels a run whose start is not durable yet: its message was not sent, and will not be. Messages queued before it are dropped too, as
 * the journal drops them; kept in memory alone, they would be sent in place of the next message.
 */
export function stopUnstarted(state: LoopState, out: Command[]): LoopState {
  // Told first: what the host makes of its open calls is on record before the end of the run.
  const quiet = hush(state, out);
  out.push({ do: "end", ...INTERRUPTED });
  return { ...quiet, starting: undefined, pendingInput: [] };
}

/** Interrupts unfinished work of the session, for a run that has not sent anything. */
export function hush(state: LoopState, out: Command[]): LoopState {
  if (!isUnfinished(state)) return state;
  out.push({ do: "send", inputs: [{ type: "interrupt" }] });
  return { ...cancelAll(state, out), missing: null };
}

/** What is known once some inputs were sent: which message the next turn of ours answers. */
export function sent(inputs: readonly HostInput[]): Pick<LoopState, "inputId"> {
  return { inputId: inputs.findLast(isMessage)?.id };
}

/**
 * Interrupts the host and cancels the tools; finished answers that were held back are sent along, since their effects
 * happened.
 */
export function interrupt(state: LoopState, out: Command[]): LoopState {
  if (!state.runOpen) return state;
  // The host is done: what still holds the end up, a guard or a schema of the user's, may never answer.
  if (state.final !== undefined)
    return {
      ...state,
      guarding: false,
      final: state.final.ending === "completed" ? INTERRUPTED : state.final,
    };
  // Answers that were held back are sent along: their tools took effect, and the model has to know.
  const done = state.calls.filter((call) => call.status === "answered");
  const quiet = cancelAll(state, out);
  out.push({ do: "send", inputs: [...done.flatMap((call) => call.answer ?? []), { type: "interrupt" }] });
  return { ...quiet, interrupted: true, guarding: false, missing: null, pendingInput: [] };
}

/**
 * Ends the run, or re-prompts it for what it owes; after the guard has decided, and posts that the end overtook are
 * confirmed.
 */
export function finishRun(state: LoopState, final: Final, out: Command[]): LoopState {
  if (state.guarding || state.calls.some((call) => call.status === "posting")) return state;
  if (final.reprompt === undefined) return endRun(state, final, out);
  if (state.turn >= state.policy.maxTurns) return fail(state, tooManyTurns(state.policy.maxTurns), out);
  out.push({ do: "send", inputs: final.reprompt });
  return {
    ...state,
    ...sent(final.reprompt),
    final: undefined,
    inputSeen: false,
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

/** The host ended the session for good, and the run with it. */
export function endSession(state: LoopState, over: Final, out: Command[]): LoopState {
  const runOpen = state.runOpen || state.starting !== undefined;
  return {
    ...cancelAll(state, out),
    runOpen,
    starting: undefined,
    turnOpen: false,
    pendingInput: [],
    over,
    final: over,
  };
}

/** Ends the run with an error. */
export function fail(state: LoopState, error: LoophostError, out: Command[]): LoopState {
  if (!state.runOpen && state.starting === undefined) return state;
  out.push({ do: "fail", error });
  return {
    ...state,
    runOpen: false,
    starting: undefined,
    final: undefined,
    inputSeen: false,
    pendingInput: [],
    missing: null,
  };
}

/** Ends the run well. */
export function close(state: LoopState, final: Final, out: Command[]): LoopState {
  if (!state.runOpen) return state;
  out.push({ do: "end", ...endOf(final) });
  return { ...state, runOpen: false, final: undefined, inputSeen: false };
}

/** The end alone, without what came along with it. */
export function endOf({ ending, stopReason, details }: RunEnd): RunEnd {
  return { ending, stopReason, details };
}

/** The error of a run that would need more turns than it may have. */
export function tooManyTurns(maxTurns: number): LoophostError {
  return new LoophostError(
    "max_turns_exceeded",
    `The run needed more than ${maxTurns} turns. Raise limits.maxTurns, or ask for less.`,
  );
}
