// The machine under every input it can meet, in any order: what must hold whatever came before, and how often each was met.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { next } from "../../../src/core/loop/machine.ts";
import { initialState } from "../../../src/core/loop/state.ts";
import type { ProviderTraits } from "../../../src/core/provider.ts";
import { INPUTS } from "../../core/loop/call-table.ts";
import { Player } from "./player.ts";

/** So many sessions a property: the rarest input is met some sixty times. */
const RUNS = { numRuns: 400 };

const numbers = fc.array(fc.nat(9_999), { minLength: 40, maxLength: 400, size: "max" });

/** Plays one list of numbers to its end. */
function play(answers: ProviderTraits["answers"], choices: readonly number[]): Player {
  let at = 0;
  const player = new Player(answers, (below) => {
    at += 1;
    return (choices[at % choices.length] ?? 0) % below;
  });
  for (const opening of ["start", "started"] as const) player.give(INPUTS[opening]);
  while (at < choices.length) player.step();
  return player;
}

describe.each(["each", "together"] as const)("the machine, answers %s, under any input", (answers) => {
  it("keeps what it promises, and meets every input it has", () => {
    const met = new Map<string, number>();
    fc.assert(
      fc.property(numbers, (choices) => {
        for (const [key, count] of play(answers, choices).met) met.set(key, (met.get(key) ?? 0) + count);
      }),
      RUNS,
    );
    for (const type of Object.keys(INPUTS)) expect(met.get(type) ?? 0, type).toBeGreaterThan(20);
  });

  it("is pure: the same inputs lead to the same commands, and nothing given to it is changed", () => {
    fc.assert(
      fc.property(numbers, (choices) => {
        const { inputs, commands } = play(answers, choices);
        let state = initialState(answers);
        const again = inputs.flatMap((input) => {
          const step = next(deepFreeze(state), deepFreeze(input));
          ({ state } = step);
          return step.commands;
        });
        expect(again).toEqual(commands);
      }),
    );
  });
});

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
