// A session of ten turns with two calls each, killed at every operation of its journal and its network.

import { expect, it } from "vitest";

import { KILLS, killEach } from "./agentcore-kills.ts";

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
