/** How turns begin and end, and what an end of a turn means for the run. Pure; part of the machine. */

import { byMessage } from "../provider.ts";
import type { RunEnd } from "../results.ts";
import { terminalOf } from "../results.ts";
import { cancelAll, ids, posted, tell } from "./calls.ts";
import { endOf, fail, interrupt, sent, tooManyTurns } from "./runs.ts";
import type { Command, Final, LoopInput, LoopState } from "./state.ts";

/** Counts turns from the one that took the input; a host may begin that turn just before it says so. */
export function takeInput(state: LoopState, inputId: string | undefined): LoopState {
  if (!state.runOpen || state.inputSeen) return state;
  // Race: the message of an earlier, stopped run may be taken only now, so it does not start ours.
  if (isAnothers(state, inputId)) return state;
  return { ...state, inputSeen: true, turn: state.turnsBefore + (state.turnOpen ? 1 : 0) };
}

/** The host began a turn. */
export function beginTurn(state: LoopState, raw: unknown, out: Command[]): LoopState {
  // Such a host begins a turn only once it has all answers, so they are confirmed whatever its reply says later.
  const known = state.answers === "together" ? posted(state, ids(state.calls), out) : state;
  const turn = known.turn + 1;
  const begun = {
    ...known,
    turn,
    turnOpen: true,
    calls: known.calls.filter((call) => call.status !== "posted"),
  };
  const { maxTurns } = state.policy;
  // A host that got all results early starts the next turn without ending this one: emit the missing `turn.ended`.
  if (state.turnOpen) {
    const ending = "requires_action";
    tell(out, { type: "turn.ended", turn: state.turn, terminal: ending, ending, stopReason: null, raw });
  }
  if (turn > maxTurns) return fail(interrupt(begun, out), tooManyTurns(maxTurns), out);
  tell(out, { type: "turn.started", turn, raw });
  return begun;
}

/** The host ended a turn; what follows for the run is in `final`, or in the calls it waits for. */
export function endTurn(
  state: LoopState,
  event: Extract<LoopInput, { type: "turn.done" }>,
  out: Command[],
): LoopState {
  const isOurs = (state.inputSeen || event.inputId !== undefined) && !isAnothers(state, event.inputId);
  const ending = state.interrupted && event.ending === "completed" ? "interrupted" : event.ending;
  // Deduplicated: hosts repeat an ending, such as claude after each partial answer; emit `turn.ended` once.
  const isNews =
    state.turnOpen && (!state.runOpen || isOurs || state.interrupted || ending === "requires_action");
  const end: RunEnd = { ...endOf(event), ending };
  if (isNews)
    tell(out, { type: "turn.ended", turn: state.turn, terminal: terminalOf(ending), ...end, raw: event.raw });
  // An interrupted run ends here, whatever its guard says, which may never answer.
  const guarding = isNews && isOurs && state.policy.guarded && !state.interrupted;
  if (guarding) out.push({ do: "guard" });
  const ended: LoopState = { ...state, turnOpen: false, guarding: guarding || state.guarding };

  if (ending === "requires_action") return { ...ended, missing: missingOf(state, event.needs ?? []) };
  // The host no longer waits for results, so cancel the tools that still run: their results could not be posted.
  const idle = { ...cancelAll(ended, out), missing: null };
  // Race: an end that arrives before our input was taken belongs to another client's run, unless we interrupted.
  if (!isOurs && !state.interrupted) return { ...idle, lastEnd: end };
  if (state.pendingInput.length === 0) return { ...idle, final: finalOf(state, end) };
  const [first = [], ...rest] = byMessage(state.pendingInput);
  out.push({ do: "send", inputs: first });
  return {
    ...idle,
    ...sent(first),
    pendingInput: rest.flat(),
    inputSeen: false,
    turn: 0,
    interrupted: false,
  };
}

/** Whether an event is about another message than the one the run sent last. */
function isAnothers({ inputId }: LoopState, named: string | undefined): boolean {
  return named !== undefined && inputId !== undefined && named !== inputId;
}

/** The terminal a turn comes to; a run that owes a call of its terminal tool is asked for it first. */
function finalOf(state: LoopState, end: RunEnd): Final {
  const { terminalTool } = state.policy;
  if (end.ending !== "completed" || terminalTool === undefined || state.terminalToolCalled) return end;
  if (state.reprompts >= terminalTool.maxReprompts) return { ...end, stopReason: "no_terminal_tool" };
  const text = `You have not called ${terminalTool.name} yet. Call it now with your final result.`;
  const id = `${state.inputId ?? ""}/reprompt_${state.reprompts + 1}`;
  return { ...end, reprompt: [{ type: "message", content: [{ type: "text", text }], id }] };
}

/** The calls the host waits for and we do not know; null when there is none such. */
function missingOf(state: LoopState, needs: readonly string[]): readonly string[] | null {
  const missing = needs.filter((id) => !state.calls.some((call) => call.id === id));
  const nothingToDo = needs.length === 0 && state.calls.every((call) => call.status === "posted");
  return missing.length > 0 || nothingToDo ? missing : null;
}
