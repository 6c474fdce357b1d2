// The campaign of faults, in short: `npm run faults` makes thousands of such runs.

import { LoophostError } from "loophost";
import { describe, expect, it } from "vitest";

import { drawAccidents } from "./faults/accidents.ts";
import { tryOut } from "./faults/campaign.ts";
import type { Conversation } from "./faults/conversation.ts";
import type { Observed } from "./faults/faulty-run.ts";
import { runUndisturbed } from "./faults/faulty-run.ts";
import type { Done } from "./faults/table.ts";
import { byFault } from "./faults/table.ts";
import { judge } from "./faults/verdict.ts";

const RUNS = 120;

describe("a hosted session behind a network that breaks by seed", () => {
  it("comes to the right result or a typed error, runs no call twice, sends nothing twice, and never hangs [I2] [I3] [I5] [I7] [I12]", async () => {
    const seeds = Array.from({ length: RUNS }, (_, index) => index + 1);
    const done: Done[] = [];
    const work = async () => {
      for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) done.push(await tryOut(seed));
    };
    await Promise.all(Array.from({ length: 24 }, work));
    expect(done.flatMap(({ wrong }) => wrong ?? []).join("\n\n")).toBe("");
    // A campaign that breaks nothing proves nothing.
    const broken = byFault(done).map(({ fault }) => fault);
    expect(broken).toEqual(
      expect.arrayContaining(["cut", "lose reply", "refuse 429", "duplicate", "reorder"]),
    );
    expect(done.filter(({ ended }) => ended === "right").length).toBeGreaterThan(RUNS / 2);
  }, 60_000);

  it("meets the same accidents by the same seed", () => {
    const plan = (seed: number) => JSON.stringify(drawAccidents(seed));
    expect(plan(7)).toBe(plan(7));
    expect(plan(7)).not.toBe(plan(8));
  });
});

describe("the judge of such a run", () => {
  const conversation: Conversation = { prompts: ["Go on."], calls: [2] };
  const peaceful = runUndisturbed(conversation);

  /** What is wrong with the undisturbed run, once it is changed. */
  async function brokenIn(change: (observed: Observed) => Partial<Observed>): Promise<string> {
    const due = await peaceful;
    return judge(conversation, { ...due, ...change(due) }, due).broken.join("; ");
  }

  it("lets the undisturbed run pass", async () => {
    expect(await brokenIn(() => ({}))).toBe("");
  });

  it.each<[string, (observed: Observed) => Partial<Observed>]>([
    ["it never ended", () => ({ hangs: true })],
    [
      "its result is not the undisturbed run's",
      ({ results }) => ({ results: results.map((result) => ({ ...result, text: "Else." })) }),
    ],
    [
      "its result is not the undisturbed run's",
      ({ results }) => ({ results: results.map((result) => ({ ...result, turns: 1 })) }),
    ],
    ["calls ran twice: 100", ({ notes }) => ({ notes: [...notes, 100] })],
    [
      "the host has 1 messages or answers too many",
      ({ host }) => ({ host: { ...host, messages: [...host.messages, "Go on."] } }),
    ],
    [
      "the host has 1 messages or answers too many",
      ({ host }) => ({ host: { ...host, answered: [...host.answered, ...host.answered.slice(0, 1)] } }),
    ],
    ["the session could not be taken up again", () => ({ lost: new Error("x") })],
    ["calls were never answered", ({ host }) => ({ host: { ...host, answered: [] } })],
    ["2 timers or requests are left over", () => ({ leftOver: 2 })],
    ["what was thrown is no LoophostError", () => ({ error: new TypeError("x") })],
    ["no fault explains its error timeout", () => ({ error: new LoophostError("timeout", "x") })],
    [
      "no fault explains its error host_failed",
      () => ({
        error: new LoophostError("host_failed", "x", { status: 500 }),
        happened: [{ kind: "post message", request: 1, fault: { how: "refuse", status: 503 } }],
      }),
    ],
    [
      "no fault explains its error host_rejected",
      () => ({
        error: new LoophostError("host_rejected", "x", { status: 429 }),
        happened: [{ kind: "post result", request: 1, fault: { how: "refuse", status: 429 } }],
      }),
    ],
  ])("finds that %s", async (sentence, change) => {
    expect(await brokenIn(change)).toContain(sentence);
  });
});
