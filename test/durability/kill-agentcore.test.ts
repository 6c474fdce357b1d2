// The shortest session there is, killed everywhere; the long tests kill longer ones.

import { expect, it } from "vitest";

import type { KILLS } from "./agentcore-kills.ts";
import { killEach } from "./agentcore-kills.ts";

const SHORT: typeof KILLS = [
  ["write", "after"],
  ["request", "after"],
];

it.each(SHORT)(
  "runs no call twice and has no answer taken twice; a turn nobody can know is one error: killed at each %s, %s it [I2] [A-056]",
  async (of, when) => {
    const { wrong, kills } = await killEach(1, of, when);
    expect(wrong).toEqual([]);
    expect(kills).toBeGreaterThan(2);
  },
);
