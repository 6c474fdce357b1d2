/**
 * A script played by a function in this process, for measurements without a model's wire. It notes how long each call of a
 * tool was out: from the moment the model made it to the moment the model is asked again, with its result.
 */

import { setTimeout as wait } from "node:timers/promises";

import type { ModelFunction, ModelPart } from "loophost/providers/local";

import type { Script } from "./script.ts";
import { EVERYDAY, filler, fromModelName } from "./script.ts";

/** The model, and what it noted. */
export class ScriptedFunction {
  readonly #calledAt = new Map<string, number>();
  #roundTripsMs: number[] = [];
  #sessions = 0;
  #gate: Gate | undefined;

  /** Milliseconds each call was out, since the last time this was asked. */
  takeRoundTrips(): number[] {
    const taken = this.#roundTripsMs;
    this.#roundTripsMs = [];
    return taken;
  }

  /** From now on holds every session at a turn; resolves once so many are held. */
  hold(turn: number, sessions: number): Promise<void> {
    this.#gate = new Gate(turn, sessions);
    return this.#gate.full;
  }

  /** Lets the held sessions go on. */
  release(): void {
    this.#gate?.open();
    this.#gate = undefined;
  }

  readonly answer: ModelFunction = async ({ messages, modelId = "" }) => {
    const askedAt = performance.now();
    const last = messages.at(-1);
    const results = last?.role === "tool" ? last.results : [];
    for (const { callId } of results) {
      this.#roundTripsMs.push(askedAt - (this.#calledAt.get(callId) ?? Number.NaN));
      this.#calledAt.delete(callId);
    }
    const script = fromModelName(modelId) ?? EVERYDAY;
    const [session, turn] = results.map(({ callId }) => fromCallId(callId))[0] ?? [(this.#sessions += 1), 0];
    if (this.#gate?.turn === turn) await this.#gate.pass();
    if (script.delayMs > 0) await wait(script.delayMs);
    if (turn === script.toolTurns) return [{ type: "text", text: filler(script.text) }, USAGE];
    const id = `call_${session}_${turn + 1}`;
    this.#calledAt.set(id, performance.now());
    const said: ModelPart[] = script.preface > 0 ? [{ type: "text", text: filler(script.preface) }] : [];
    return [...said, callOf(id, script), USAGE];
  };
}

const USAGE: ModelPart = { type: "usage", inputTokens: 100, outputTokens: 50 };

function callOf(id: string, { args }: Script): ModelPart {
  const frame = JSON.stringify({ query: "" }).length;
  return { type: "tool_call", id, name: "look_up", input: { query: "x".repeat(Math.max(0, args - frame)) } };
}

/** The session and the turn a call was made in. */
function fromCallId(id: string): [session: number, turn: number] {
  const [, session, turn] = id.split("_").map(Number);
  return [session ?? 0, turn ?? 0];
}

/** Where sessions are held, until as many are there as were waited for, and somebody lets them go. */
class Gate {
  readonly turn: number;
  readonly full: Promise<void>;
  readonly #fill: () => void;
  readonly #opened: Promise<void>;
  readonly open: () => void;
  #missing: number;

  constructor(turn: number, sessions: number) {
    this.turn = turn;
    this.#missing = sessions;
    ({ promise: this.full, resolve: this.#fill } = Promise.withResolvers<void>());
    ({ promise: this.#opened, resolve: this.open } = Promise.withResolvers<void>());
  }

  async pass(): Promise<void> {
    this.#missing -= 1;
    if (this.#missing === 0) this.#fill();
    await this.#opened;
  }
}
