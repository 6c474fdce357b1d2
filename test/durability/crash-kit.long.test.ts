import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import type { KillAt } from "loophost/testing/node";
import { crashTest } from "loophost/testing/node";
import { describe, expect, it } from "vitest";

import { findBrokenPromises } from "../../src/testing/crash/findings.ts";
import { placesOf } from "../../src/testing/crash/kill-point.ts";
import { crash, TURNS } from "./crash/campaign.ts";

const TIMEOUT_MS = 60_000;

describe("a session whose process is killed by SIGKILL and started again", () => {
  it.each([
    { host: "local", seed: 11 },
    { host: "local", seed: 12 },
    { host: "local", seed: 13 },
    { host: "claude", seed: 21 },
    { host: "claude", seed: 22 },
    { host: "claude", seed: 23 },
  ] as const)(
    "loses nothing and runs no call twice, over SQLite and a faulty network: $host, seed $seed [I2] [I3] [I4] [I5] [I6]",
    { timeout: TIMEOUT_MS },
    async ({ host, seed }) => {
      const killAt = { seed, kills: 4, within: 8 };
      const outcome = await crash({ host, killAt, faultSeed: seed });
      expect(outcome.wrong).toBe(undefined);
      expect(outcome.deaths).toHaveLength(4);
      expect(outcome).toMatchObject({ toolsFinished: TURNS * 2, runTwice: 0, sentTwice: 0 });
    },
  );

  it("tells the model that the outcome is unknown, and does not run the call again, by default [I4]", async () => {
    const { report, wrong } = await crash({
      host: "local",
      killAt: { tool: 3, when: "after" },
      ifCrashed: "fail",
    });
    expect(wrong).toBe(undefined);
    expect(report).toMatchObject({ kills: 1, restarts: 1, repeated: [] });
    // Whether the call beside it had begun, and had its effect, is up to the machine.
    expect(report?.executions).toBeLessThanOrEqual(TURNS * 2);
    expect(report?.effects.filter(({ life }) => life === 1)).toHaveLength(3);
    expect(JSON.stringify(report?.journal)).toContain("may or may not have taken effect");
  });

  it("runs a call again with the same idempotency key where its tool says so [I4]", async () => {
    const { report, wrong } = await crash({
      host: "local",
      killAt: { tool: 3, when: "after" },
      ifCrashed: "rerun",
    });
    expect(wrong).toBe(undefined);
    expect(report).toMatchObject({ kills: 1, deaths: ["after effect 3"], executions: TURNS * 2 + 1 });
    expect(report?.repeated).toHaveLength(1);
    expect(report?.effects.map(({ life }) => life)).toContain(2);
  });

  it("can be killed after a while, too", async () => {
    const { report, wrong } = await crash({ host: "local", killAt: { afterMs: 1 } });
    expect(wrong).toBe(undefined);
    expect(report?.deaths).toEqual(["after 1 ms"]);
  });
});

const execArgv = ["--conditions=loophost:source"];

describe("crashTest", () => {
  it("says which promise was broken, by which call, and where it was killed", async () => {
    const module = new URL("./crash/lying-probe.ts", import.meta.url);
    const broken = crashTest({ module, killAt: { tool: 1, when: "after" }, execArgv });
    await expect(broken).rejects.toThrow(
      /pay c1 had 2 effects, against its policy "probe"[^]*after effect 1/,
    );
  });

  it("rejects with what the session failed with", async () => {
    const module = new URL("./crash/failing-session.ts", import.meta.url);
    await expect(crashTest({ module, execArgv })).rejects.toThrow(
      "Life 1 failed with invalid_options: there is no such place. It was not killed.",
    );
  });

  it("rejects a session that does not end, and leaves neither a process nor a folder behind", async () => {
    const module = new URL("./crash/endless-session.ts", import.meta.url);
    const { TMPDIR } = process.env;
    const folder = await mkdtemp(join(tmpdir(), "crash-kit-test-"));
    process.env["TMPDIR"] = folder;
    try {
      await expect(crashTest({ module, timeoutMs: 1_000, execArgv })).rejects.toThrow(
        "not over after 1000 ms",
      );
      expect(await readdir(folder)).toEqual([]);
    } finally {
      if (TMPDIR === undefined) delete process.env["TMPDIR"];
      else process.env["TMPDIR"] = TMPDIR;
      await rm(folder, { recursive: true });
    }
    const { stdout } = await promisify(execFile)("ps", ["-eo", "args"]);
    expect(stdout).not.toContain("endless-session.ts");
  });

  it("rejects a module that runs no session", async () => {
    const module = new URL("./scenario.ts", import.meta.url);
    await expect(crashTest({ module, execArgv })).rejects.toThrow(/ended without a word/);
  });
});

describe("places to be killed at", () => {
  it("are the same for the same seed, and others for another", () => {
    const drawn = (seed: number) => JSON.stringify(placesOf({ seed, kills: 8 }));
    expect(drawn(1)).toBe(drawn(1));
    expect(drawn(1)).not.toBe(drawn(2));
  });

  it.each<KillAt>([
    { write: 0, when: "before" },
    { tool: 1.5, when: "after" },
    { afterMs: -1 },
    [{ request: Number.NaN, when: "after" }],
  ])("are refused when they are none: %j", (killAt) => {
    expect(() => placesOf(killAt)).toThrow(/killAt cannot be/);
  });
});

describe("what is promised of a call", () => {
  const started = { type: "call.started", id: "c1", name: "pay", input: {} };
  const finished = { type: "call.finished", id: "c1", result: { content: [], isError: false } };
  const unknown = { ...finished, result: { content: [], isError: true } };
  const effect = { callId: "c1", idempotencyKey: "s:c1", note: "", life: 1 };
  const other = { ...effect, callId: "c0" };

  it.each([
    ["ran once", [started, finished], [effect], "fail"],
    ["never took effect, and said so", [started, unknown], [], "fail"],
    ["took effect, and was not known to", [started, unknown], [effect], "fail"],
    ["ran again as its tool says", [started, started, finished], [effect, effect], "rerun"],
    ["ran again after approval", [started, started, finished], [effect, effect], "ask"],
    ["was started twice, and took effect once", [started, started, finished], [effect], "probe"],
  ] as const)("is kept by one that %s", (_, journal, effects, policy) => {
    expect(findBrokenPromises({ journal: [...journal], effects, policies: { pay: policy } })).toEqual([]);
  });

  it.each([
    ["ran twice", [started, started, finished], [effect, effect], "fail", "2 effects, against"],
    ["ran twice in one start", [started, finished], [effect, effect], "rerun", "recorded as started 1 times"],
    [
      "ran again after its result",
      [started, finished, started],
      [effect, effect],
      "rerun",
      "ran again although",
    ],
    ["got lost", [started], [effect], "fail", "never came to a result"],
    ["is on no record", [], [effect], "fail", "does not know of it"],
    [
      "has a result and no effect",
      [{ ...started, id: "c0" }, { ...finished, id: "c0" }, started, finished],
      [other],
      "fail",
      "never had an effect",
    ],
  ] as const)("is broken by one that %s", (_, journal, effects, policy, problem) => {
    const broken = findBrokenPromises({ journal: [...journal], effects, policies: { pay: policy } });
    expect(broken.join("\n")).toContain(problem);
  });
});
