// Puts a call of the open turn into each of its states, gives the machine each of its inputs, and says what becomes of it.

import { LoophostError } from "../../../src/core/errors.ts";
import { next } from "../../../src/core/loop/machine.ts";
import type { Call, Command, LoopInput, LoopState } from "../../../src/core/loop/state.ts";
import { initialState } from "../../../src/core/loop/state.ts";
import { textResult } from "../../../src/core/results.ts";
import type { LoopStep } from "../../../src/core/session.ts";

/** How far a call has come. */
export type Status = Call["status"];
/** What can happen. */
export type InputType = LoopInput["type"];
/** The state a call is in afterwards, "gone" when it has left the machine; and whether the run is over. */
export type Cell = "impossible" | `${Status | "gone"}${"" | ", run ends" | ", run fails"}`;

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
  unsent: { type: "unsent", inputs: [message] },
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

/** Inputs about one call that come in these states alone; in all others they are impossible. */
const ONLY_IN: { readonly [Type in InputType]?: readonly Status[] } = {
  // The executor speaks of what it executes, and is silent once that was cancelled.
  "approval.needed": ["running"],
  "answer.needed": ["running"],
  held: ["running"],
  // The first decision is the only one. Between runs a call is decided before anybody has asked for it ("seen"); while the
  // decision is written, another client of the host may be faster ("posted").
  decided: ["seen", "asking", "posted"],
  finished: ["seen", "running", "awaiting", "posted"],
  // The host may show an answer before the post of it resolves.
  posted: ["posting", "posted"],
  "post.failed": ["posting", "posted"],
};

/** Which impossible cell an input meets, if it does. */
export function impossibleCell({ calls }: LoopState, input: LoopInput): string | undefined {
  const about = "ids" in input ? input.ids : "id" in input ? [input.id] : [];
  const met = calls.find(({ id, status }) => about.includes(id) && isImpossible(status, input.type));
  return met && `"${input.type}" about a call that is ${met.status}`;
}

function isImpossible(status: Status, type: InputType): boolean {
  return ONLY_IN[type]?.includes(status) === false;
}

/** Takes what a session tells its `onStep`; `met` is the first impossible cell of its machine, if it met one. */
export class StepWatch {
  met: string | undefined;
  #state: LoopState | undefined;

  readonly take = ({ answers, input }: LoopStep): void => {
    const given = input as LoopInput;
    this.#state ??= initialState(answers);
    this.met ??= impossibleCell(this.#state, given);
    ({ state: this.#state } = next(this.#state, given));
  };
}

/** What becomes of a call in a state when something happens. */
export function cellOf(status: Status, type: InputType): Cell {
  if (isImpossible(status, type)) return "impossible";
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
