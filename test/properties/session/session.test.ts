// Prompts, stops, decisions and deaths in any order, over every store, on two hosts: a session gives its user what owed.ts says.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { Happened } from "./owed.ts";
import { rules, wrongs } from "./owed.ts";
import { anySteps, HOSTS, play, STORES } from "./world.ts";

describe.each(HOSTS)("a session on %s", (host) => {
  it.each(STORES)("gives its user what it owes, whatever comes in which order: %s", async (store) => {
    await fc.assert(
      fc.asyncProperty(anySteps, async (chosen) => {
        expect(wrongs(await play(host, store, chosen))).toEqual([]);
      }),
      // The example: both messages were once taken for one, since both bore one id.
      { numRuns: host === "local" ? 20 : 4, examples: [[["resume", "ask to pay", "die", "say", "reopen"]]] },
    );
  });
});

describe("the rules", () => {
  const fair: readonly Happened[] = [
    { what: "said", text: "pay 1" },
    { what: "asked", heard: ["pay 1"] },
    { what: "said", text: "hello 2" },
    { what: "decided", text: "pay 1", allow: true, counts: true },
    { what: "ran", text: "pay 1" },
    { what: "asked", heard: ["pay 1", "hello 2"] },
    { what: "ended", isKept: true },
    { what: "said", text: "hello 3" },
    { what: "stopped", atOnce: true, text: "hello 3" },
    { what: "said", text: "hello 4" },
    { what: "kept", text: "hello 4" },
    { what: "died" },
    { what: "asked", heard: ["pay 1", "hello 2", "hello 4"] },
  ];
  const plant = (at: number, ...instead: readonly Happened[]) => fair.toSpliced(at, 1, ...instead);
  const allowed = { what: "decided", text: "pay 1", allow: true, counts: true } as const;

  it("find nothing wrong with a history that is right", () => expect(wrongs(fair)).toEqual([]));

  it.each<[keyof typeof rules, readonly Happened[]]>([
    ["a message is delivered once", plant(5, { what: "asked", heard: ["pay 1", "hello 2", "hello 2"] })],
    [
      "messages are delivered in the order they were sent",
      plant(5, { what: "asked", heard: ["hello 2", "pay 1"] }),
    ],
    [
      "nothing is delivered that nobody said",
      plant(5, { what: "asked", heard: ["pay 1", "hello 2", "boo"] }),
    ],
    ["a message on record is delivered in the end, unless it was stopped", fair.slice(0, -1)],
    [
      "a message stopped at once is never delivered",
      plant(8, { what: "stopped", atOnce: true, text: "hello 2" }),
    ],
    ["a call runs only once it is allowed, and once", plant(3)],
    ["a call runs only once it is allowed, and once", plant(3, { ...allowed, allow: false })],
    [
      "a call runs only once it is allowed, and once",
      plant(4, { what: "ran", text: "pay 1" }, { what: "ran", text: "pay 1" }),
    ],
    ["the first decision is the only one that counts", plant(3, allowed, { ...allowed, allow: false })],
    ["an end is on record before it is told", plant(6, { what: "ended", isKept: false })],
  ])("notice a planted fault: %s", (rule, history) => {
    expect(rules[rule]?.(history)).not.toEqual([]);
  });
});
