// Budgets that could never halt a run are refused; what budgets do to a run is in test/core/loop/policy.test.ts.

import type { Budget, TokenPrices } from "loophost/budget";
import { budget, costOf } from "loophost/budget";
import { describe, expect, expectTypeOf, it } from "vitest";

import { NO_USAGE } from "../../src/core/results.ts";

const prices = { inputPerMillion: 3, outputPerMillion: 15 };

describe("a budget that would halt nothing", () => {
  it.each<[string, unknown, string]>([
    ["nothing at all", undefined, "without a bound"],
    ["no bound", {}, "without a bound"],
    ["a bound that is undefined", { maxTokens: undefined }, "without a bound"],
    ["a misspelt bound", { maxToken: 5 }, 'has no option "maxToken"; the nearest is "maxTokens"'],
    ["a text for a bound", { maxTokens: "5" }, 'maxTokens must be a number, 0 or more; got "5"'],
    ["no number for a bound", { maxMs: Number.NaN }, "maxMs must be"],
    ["a bound below nothing", { maxTurns: -1 }, "maxTurns must be"],
    ["money without prices", { maxCost: 5 }, "maxCost needs prices"],
    ["half a price", { maxCost: 5, prices: { inputPerMillion: 3 } }, "prices.outputPerMillion must be"],
  ])("is refused: %s", (_, bounds, says) => {
    expect(() => budget(bounds as Budget)).toThrow(
      expect.objectContaining({ code: "invalid_options", message: expect.stringContaining(says) }),
    );
  });

  it("of money without prices is refused by the types, too", () => {
    expectTypeOf<{ maxCost: number }>().not.toExtend<Budget>();
    expectTypeOf<{ maxCost: number; prices: TokenPrices; maxMs: number }>().toExtend<Budget>();
    expectTypeOf<{ maxTokens: number }>().toExtend<Budget>();
  });
});

describe("what usage costs", () => {
  it("is counted with the price of input for caches that have none of their own", () => {
    const usage = {
      inputTokens: 1_000_000,
      outputTokens: 100_000,
      cacheReadTokens: 500_000,
      cacheWriteTokens: 0,
    };
    expect(costOf(usage, prices)).toBeCloseTo(3 + 1.5 + 1.5);
    expect(costOf(usage, { ...prices, cacheReadPerMillion: 0.3 })).toBeCloseTo(3 + 1.5 + 0.15);
  });

  it.each<[string, unknown[]]>([
    ["costOf() needs usage", []],
    ["needs prices", [NO_USAGE]],
    ["prices.inputPerMillion", [NO_USAGE, { inputPerMillion: "3", outputPerMillion: 15 }]],
  ])("is not made up: %s", (says, given) => {
    expect(() => costOf(...(given as Parameters<typeof costOf>))).toThrow(
      expect.objectContaining({ code: "invalid_options", message: expect.stringContaining(says) }),
    );
  });
});
