// Puts a call of the open turn into each of its states, gives the machine each of its inputs, and says what becomes of it.

import { LoophostError } from "../../../src/core/errors.ts";
import { next } from "../../../src/core/loop/machine.ts";
import type { Call, Command, LoopInput, LoopState } from "../../../src/core/loop/state.ts";
import { initialState } from "../../../src/core/loop/state.ts";
import { textResult } from "../../../src/core/results.ts";

/** How far a call has come. */
export type Status = Call["status"];
/** What can happen. */
export type InputType = LoopInput["type"];
/** The state a call is in afterwards, "gone" when it has left the machine; and whether the run is over. */
export type Cell = `${Status | "gone"}${"" | ", run ends" | ", run fails"}`;

const ID = "k1";
const error = new LoophostError("host_failed", "no");
const policy = { maxTurns: 9, guarded: false, terminalTool: undefined, owesOutput: false };
const message = { type: "message", content: [{ type: "text", text: "go" }], id: "m1" } as const;
const call: LoopInput = { type: "call", id: ID, name: "tool", input: {} };
const finished: LoopInput = {
  type: "finished",
  id: ID,
  result: textResult("done"),
  durationMs: 1,
  replayed: false,
};
const waits: LoopInput = { type: "turn.done", ending: "requires_action", stopReason: null, needs: [ID] };

/** One of each input, about the call where it is about one. */
export const INPUTS: { readonly [Type in InputType]: Extract<LoopInput, { type: Type }> } = {
  start: { type: "start", inputs: [message], policy },
  started: { type: "started" },
  "input.taken": { type: "input.taken" },
  "turn.began": { type: "turn.began" },
  call: { type: "call", id: ID, name: "tool", input: {} },
  "verdict.needed": { type: "verdict.needed", id: ID, name: "tool", input: {} },
  "call.answered": { type: "call.answered", id: ID },
  "turn.done": { type: "turn.done", ending: "completed", stopReason: null },
  "reply.owed": { type: "reply.owed" },
  "message.seen": { type: "message.seen" },
  "session.over": { type: "session.over", ending: "terminated", stopReason: null },
  failed: { type: "failed", error, sessionOver: false },
  "catchup.started": { type: "catchup.started" },
  "catchup.ended": { type: "catchup.ended" },
  "approval.needed": { type: "approval.needed", id: ID },
  "answer.needed": { type: "answer.needed", id: ID },
  decided: { type: "decided", id: ID, allow: true, why: undefined },
  finished: { type: "finished", id: ID, result: textResult("done"), durationMs: 1, replayed: false },
  posted: { type: "posted", ids: [ID] },
  "post.failed": { type: "post.failed", ids: [ID], error },
  "caught.up": { type: "caught.up" },
  "output.checked": { type: "output.checked" },
  guarded: { type: "guarded" },
  interrupt: { type: "interrupt" },
  park: { type: "park" },
  suspend: { type: "suspend", awaitTurn: false },
  held: { type: "held", id: ID },
  stop: { type: "stop", error },
};

const running: readonly LoopInput[] = [
  INPUTS.start,
  INPUTS.started,
  INPUTS["input.taken"],
  INPUTS["turn.began"],
  call,
];

/** How a call comes into each state, on a host that takes the answers of a turn together. */
const WAYS: { readonly [Name in Status]: readonly LoopInput[] } = {
  seen: [INPUTS["catchup.started"], INPUTS["turn.began"], call],
  running,
  asking: [...running, INPUTS["approval.needed"]],
  awaiting: [...running, INPUTS["answer.needed"]],
  answered: [...running, finished],
  posting: [...running, finished, waits],
  posted: [...running, finished, waits, INPUTS.posted],
};

/** The states, in the order a call goes through them. */
export const STATUSES: readonly Status[] = [
  "seen",
  "running",
  "asking",
  "awaiting",
  "answered",
  "posting",
  "posted",
];

/** What becomes of a call in a state when something happens. */
export function cellOf(status: Status, type: InputType): Cell {
  let state: LoopState = initialState("together");
  for (const input of WAYS[status]) ({ state } = next(state, input));
  const before = state.calls.find(({ id }) => id === ID)?.status;
  if (before !== status) throw new Error(`the way to "${status}" leads to "${before}"`);
  const step = next(state, INPUTS[type]);
  const after = step.state.calls.find(({ id }) => id === ID)?.status ?? "gone";
  return `${after}${endOf(step.commands)}`;
}

function endOf(commands: readonly Command[]): "" | ", run ends" | ", run fails" {
  if (commands.some((command) => command.do === "fail")) return ", run fails";
  return commands.some((command) => command.do === "end") ? ", run ends" : "";
}
