// Plays everybody the machine may hear of, host, tools, journal, guard and user, by a list of numbers: at each step one of the
// inputs that can come now is given to it, and what must always hold is checked.

import { LoophostError } from "../../../src/core/errors.ts";
import { next } from "../../../src/core/loop/machine.ts";
import type { Call, Command, LoopInput, LoopState, RunPolicy } from "../../../src/core/loop/state.ts";
import { initialState } from "../../../src/core/loop/state.ts";
import type { HostInput, ProviderTraits } from "../../../src/core/provider.ts";
import { textResult } from "../../../src/core/results.ts";
import { impossibleCell } from "../../core/loop/call-table.ts";

type Type = LoopInput["type"];

/** Gives the next number of the list, below a bound. */
type Pick = (below: number) => number;

const TERMINAL = "submit";
const error = new LoophostError("host_failed", "no");

/** Who has yet to answer a command of the machine's. */
class Waiting {
  readonly executing: Set<string> = new Set();
  /** Calls whose decision or answer has been given and is being written. */
  readonly deciding: Set<string> = new Set();
  readonly answering: Set<string> = new Set();
  readonly posts: (readonly string[])[] = [];
  catchUps = 0;
  guards = 0;
  checks = 0;
}

/** One session of the machine's, and what came of it. */
export class Player {
  state: LoopState;
  readonly inputs: LoopInput[] = [];
  readonly commands: Command[] = [];
  /** How often each input was met. */
  readonly met: Map<string, number> = new Map();
  readonly #waiting: Waiting = new Waiting();
  readonly #pick: Pick;
  #messages = 0;
  /** Executed, and how often it may be: once, and once more after each approval. */
  readonly #executed = new Map<string, number>();
  readonly #allowed = new Map<string, number>();
  #calls = 0;
  #isOutputChecked = false;
  /** Whether the host said that it owes a reply, and nobody has asked for it since. */
  #isReplyOwed = false;

  constructor(answers: ProviderTraits["answers"], pick: Pick) {
    this.state = initialState(answers);
    this.#pick = pick;
  }

  /** Gives the machine one input that can come now. */
  step(): void {
    this.give(this.#make(this.#next()));
  }

  /** Gives the machine an input, and checks what it does. */
  give(input: LoopInput): void {
    this.inputs.push(input);
    this.met.set(input.type, (this.met.get(input.type) ?? 0) + 1);
    if (input.type === "start") this.#isOutputChecked = false;
    if (input.type === "output.checked") this.#isOutputChecked = true;
    if (input.type === "reply.owed") this.#isReplyOwed = true;
    if (input.type === "decided") this.#allowed.set(input.id, (this.#allowed.get(input.id) ?? 0) + 1);
    const before = this.state;
    const impossible = impossibleCell(before, input);
    if (impossible !== undefined) throw new Error(`impossible: ${impossible}`);
    const { state, commands } = next(before, input);
    this.state = state;
    this.commands.push(...commands);
    this.#check(before, commands);
    for (const command of commands) this.#perform(command);
    this.#beginDeciding();
  }

  /** Each call that waits is decided once; while that is written, anything may come before it is acted on. */
  #beginDeciding(): void {
    const { deciding, answering } = this.#waiting;
    for (const [waiting, wanted] of [
      [deciding, "asking"],
      [answering, "awaiting"],
    ] as const) {
      for (const id of waiting) if (this.state.calls.every((call) => call.id !== id)) waiting.delete(id);
      for (const { id, status } of this.state.calls) if (status === wanted) waiting.add(id);
    }
  }

  /** One of the inputs that can come now. */
  #next(): Type {
    const { state } = this;
    const { executing, deciding, answering, posts, catchUps, guards, checks } = this.#waiting;
    const has = (status: Call["status"]) => state.calls.some((call) => call.status === status);
    const isStarted = state.runOpen || state.starting !== undefined;
    const isFound = !isStarted && has("seen");
    const isSuspended = state.suspended !== false;
    // A number is how often: what keeps to a turn comes often, what ends everything or comes out of the blue seldom.
    const seldom = (wanted: boolean) => (wanted ? 4 : 0.25);
    const odds: [Type, number][] = [
      ["unsent", isStarted || state.over !== undefined ? 0 : 0.5],
      ["start", isStarted || state.over !== undefined || isSuspended ? 0 : 6],
      ["started", state.starting === undefined ? 0 : 8],
      ["input.taken", seldom(state.runOpen && !state.inputSeen)],
      ["turn.began", seldom(state.inputSeen && !state.turnOpen && !has("running"))],
      ["call", seldom(state.turnOpen && state.calls.length < 4)],
      ["verdict.needed", state.turnOpen ? 1 : 0.25],
      ["call.answered", 0.5],
      ["turn.done", state.turnOpen ? 2 : 0.25],
      ["reply.owed", 0.25],
      ["message.seen", 0.25],
      ["session.over", 0.1],
      ["failed", 0.25],
      ["catchup.started", state.catchingUp ? 0 : 0.25],
      ["catchup.ended", state.catchingUp ? 4 : 0],
      ["approval.needed", executing.size > 0 ? 2 : 0],
      ["answer.needed", executing.size > 0 ? 2 : 0],
      ["finished", executing.size > 0 || answering.size > 0 ? 6 : isFound ? 0.5 : 0],
      ["decided", deciding.size > 0 ? 3 : isFound ? 0.5 : 0],
      ["posted", posts.length > 0 ? 3 : 0],
      ["post.failed", posts.length > 0 ? 0.5 : 0],
      ["caught.up", catchUps > 0 ? 2 : 0],
      ["guarded", guards > 0 ? 4 : 0],
      ["output.checked", checks > 0 ? 4 : 0],
      ["interrupt", isStarted ? 0.25 : 0],
      ["park", state.runOpen && state.waitingOn !== "" ? 3 : 0],
      ["suspend", isStarted && !isSuspended ? (executing.size > 0 ? 2 : 0.1) : 0],
      ["held", isSuspended && executing.size > 0 ? 20 : 0],
      ["stop", isStarted ? 0.25 : 0],
    ];
    let left = this.#pick(10_000) * (odds.reduce((sum, [, odd]) => sum + odd, 0) / 10_000);
    return odds.find(([, odd]) => (left -= odd) < 0)?.[0] ?? "message.seen";
  }

  #make(type: Type): LoopInput {
    const { executing, deciding, answering, posts } = this.#waiting;
    const { calls } = this.state;
    /** One of those under way, which is so no more; else a call found in the past, between runs. */
    const oneOf = (underWay: Set<string>): string => {
      const found = calls.filter(({ status }) => status === "seen").map(({ id }) => id);
      const id = this.#one(underWay.size > 0 ? [...underWay] : found);
      underWay.delete(id);
      return id;
    };
    const takePost = () => posts.splice(this.#pick(posts.length), 1)[0] ?? [];
    switch (type) {
      case "unsent":
        return { type, inputs: this.#newRun().inputs };
      case "start":
        return { type, ...this.#newRun() };
      case "started":
      case "reply.owed":
      case "message.seen":
      case "catchup.started":
      case "catchup.ended":
      case "interrupt":
      case "park":
        return { type };
      case "input.taken":
        return { type, inputId: this.#one([undefined, this.state.inputId, "m0"]) };
      case "turn.began":
        return { type };
      case "call":
        return {
          type,
          id: this.#newId(),
          name: this.#one(["tool", TERMINAL]),
          input: {},
          isOthers: this.#pick(4) === 0,
        };
      case "verdict.needed":
        return { type, id: this.#newId(), name: "bash", input: {} };
      case "call.answered":
        return { type, id: this.#newId() };
      case "turn.done": {
        const open = calls.filter(({ status }) => status !== "posted").map(({ id }) => id);
        const isBlocked = open.length > 0 && this.#pick(8) > 0;
        const ending = isBlocked
          ? "requires_action"
          : this.#one(["completed", "completed", "refusal", "requires_action"] as const);
        const needs = ending !== "requires_action" ? undefined : this.#pick(5) === 0 ? [this.#newId()] : open;
        return { type, ending, stopReason: null, ...(needs && { needs }) };
      }
      case "session.over":
        return { type, ending: "terminated", stopReason: null };
      case "failed":
        return { type, error, sessionOver: false };
      case "stop":
        return { type, error };
      case "suspend":
        return { type, awaitTurn: this.#pick(2) === 0 };
      case "approval.needed":
      case "answer.needed":
      case "held":
        return { type, id: oneOf(executing) };
      case "finished": {
        const isAnswer = executing.size === 0 || (answering.size > 0 && this.#pick(2) === 0);
        const id = oneOf(isAnswer ? answering : executing);
        return { type, id, result: textResult("x", this.#pick(3) === 0), durationMs: 0, replayed: false };
      }
      case "decided":
        return { type, id: oneOf(deciding), allow: this.#pick(2) === 0, why: undefined };
      case "posted":
        return { type, ids: takePost() };
      case "post.failed":
        return { type, ids: takePost(), error };
      case "caught.up":
        this.#waiting.catchUps -= 1;
        return { type };
      case "guarded":
        this.#waiting.guards -= 1;
        return { type };
      case "output.checked":
        this.#waiting.checks -= 1;
        return { type };
    }
  }

  #newRun(): { inputs: readonly HostInput[]; policy: RunPolicy } {
    const count = this.#pick(3);
    const inputs = Array.from({ length: count }, (): HostInput => {
      this.#messages += 1;
      return { type: "message", content: [{ type: "text", text: "go" }], id: `m${this.#messages}` };
    });
    const policy = {
      maxTurns: 1 + this.#pick(8),
      guarded: this.#pick(2) === 0,
      terminalTool: this.#pick(2) === 0 ? { name: TERMINAL, maxReprompts: 1 } : undefined,
      owesOutput: this.#pick(2) === 0,
    };
    return { inputs, policy };
  }

  /** A call that is new, that the host waits for, or that was told before. */
  #newId(): string {
    this.#calls += 1;
    const fresh = `c${this.#calls}`;
    return this.#one([fresh, fresh, ...(this.state.missing ?? []), ...this.state.calls.map(({ id }) => id)]);
  }

  #perform(command: Command): void {
    const waiting = this.#waiting;
    if (command.do === "execute") waiting.executing.add(command.call.id);
    else if (command.do === "cancel") for (const id of command.ids) waiting.executing.delete(id);
    else if (command.do === "post") waiting.posts.push(command.ids);
    else if (command.do === "catch up") waiting.catchUps += 1;
    else if (command.do === "guard") waiting.guards += 1;
    else if (command.do === "check output") waiting.checks += 1;
  }

  /** What must hold after every step, whatever came before. */
  #check(before: LoopState, commands: readonly Command[]): void {
    const { state } = this;
    const wasOpen = before.runOpen || before.starting !== undefined;
    const ends = commands.filter((command) => command.do === "end" || command.do === "fail");
    must(ends.length <= (wasOpen ? 1 : 0), "a run ends once");
    must(ends.length === 0 || (!state.runOpen && state.starting === undefined), "a run that ended is over");
    for (const command of commands) {
      if (["execute", "post", "check output", "catch up"].includes(command.do)) {
        must(!state.catchingUp, "nothing is decided while the past is read [I1]");
        must(state.runOpen, "nothing is decided without a run");
        const isBegun = command.do === "post" || command.do === "catch up";
        must(!isBegun || before.suspended === false, "nothing is sent in a session that is suspended");
      }
      if (command.do === "execute") this.#checkExecuted(command.call);
      if (command.do === "post") this.#checkPosted(command.ids);
      if (command.do === "catch up") must(this.#waiting.catchUps === 0, "one second look at a time");
      if (command.do === "send" && command.inputs[0]?.type === "continue") {
        must(this.#isReplyOwed, "a reply is asked for once");
        this.#isReplyOwed = false;
      }
      if (command.do === "tell" && command.event.type === "turn.ended")
        must(before.turnOpen, "a turn ends once, however often the host says so");
      const owes = command.do === "end" && command.ending === "completed" && before.policy.owesOutput;
      must(!owes || !before.runOpen || this.#isOutputChecked, "an output that is owed was checked");
    }
    for (const { status, answer, raw, input } of state.calls)
      if (status === "posted")
        must(
          [answer, raw, input ?? undefined].every((kept) => kept === undefined),
          "what is delivered is not kept",
        );
    const isStop = this.inputs.at(-1)?.type === "stop" || this.inputs.at(-1)?.type === "interrupt";
    if (isStop && before.starting !== undefined)
      must(state.pendingInput.length === 0, "what a run that was stopped did not send is not sent later");
    must(new Set(state.calls.map(({ id }) => id)).size === state.calls.length, "a call is there once");
    must(
      !state.runOpen || state.over !== undefined || state.turn <= state.policy.maxTurns,
      "a run has at most maxTurns turns",
    );
  }

  #checkExecuted({ id }: Call): void {
    must(!this.#waiting.executing.has(id), "a call is not executed while it runs [I2]");
    const times = (this.#executed.get(id) ?? 0) + 1;
    this.#executed.set(id, times);
    must(times <= 1 + (this.#allowed.get(id) ?? 0), "a call runs once, and again once allowed [I2]");
  }

  #checkPosted(ids: readonly string[]): void {
    const { answers, turnOpen, guarding } = this.state;
    must(!guarding, "nothing is posted before the guard spoke");
    must(answers === "together" || ids.length === 1, "each answer goes out on its own");
    must(answers === "each" || !turnOpen, "answers go out together once the turn is over");
    const underWay = new Set(this.#waiting.posts.flat());
    must(!ids.some((id) => underWay.has(id)), "an answer under way is not posted again [I3]");
  }

  #one<T>(all: readonly T[]): T {
    return all[this.#pick(all.length)] as T;
  }
}

function must(isSo: boolean, promise: string): void {
  if (!isSo) throw new Error(`broken: ${promise}`);
}
