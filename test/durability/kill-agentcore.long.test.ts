// A session of ten turns with two calls each, killed at every operation of its journal and its network.

import { expect, it } from "vitest";

import { KILLS, killAll, killEach } from "./agentcore-kills.ts";

/** How many turns are lost at most: before a request only the first message is in doubt, in its midst every turn. */
const MOST_LOST: Readonly<Record<string, number>> = {
  "write before": 63,
  "write after": 42,
  "request before": 1,
  "request after": 21,
  "piece before": 21,
};

it.each(KILLS)(
  "keeps its promises over many turns, killed at each %s, %s it [I2]",
  { timeout: 300_000 },
  async (of, when) => {
    const { wrong, kills, lost } = await killEach(10, of, when);
    expect(wrong).toEqual([]);
    expect(kills).toBeGreaterThanOrEqual(21);
    expect(lost).toBeLessThanOrEqual(MOST_LOST[`${of} ${when}`] ?? 0);
  },
);

it.each(["before", "after"] as const)(
  "loses a turn and is killed again on the way from there, %s each write of that life [I2]",
  { timeout: 300_000 },
  async (when) => {
    const numbers = (most: number) => Array.from({ length: most }, (_, index) => index + 1);
    const lists = numbers(3).flatMap((request) =>
      numbers(20).map((at) => [
        { at: request, of: "request", when: "after" } as const,
        { at, of: "write", when } as const,
      ]),
    );
    const { wrong, lost } = await killAll(1, lists);
    expect(wrong).toEqual([]);
    expect(lost).toBe(lists.length);
  },
);
