// Every callback of a user's is contained: what it throws, at once or as a promise that rejects, ends nothing. An unhandled
// rejection fails the file by itself.

import { defineAgent, run } from "loophost";
import { runConformance } from "loophost/conformance";
import { logTo, recordTo } from "loophost/observe";
import { systemClock } from "loophost/provider-kit";
import { local } from "loophost/providers/local";
import { provision, pruneVersions } from "loophost/provisioning";
import { embeddedHost } from "loophost/server";
import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { describe, expect, it } from "vitest";

import { Budget } from "../../src/providers/agentcore/control/wait.ts";
import { fakeHost } from "../provisioning/fake-host.ts";

const agent = defineAgent({ name: "a", instructions: "" });
const provider = local({ model: () => "done" });

/** The two ways to fail. */
const FAILING: Record<string, () => void> = {
  "throws at once": () => {
    throw new Error("no");
  },
  // oxlint-disable-next-line typescript/no-misused-promises -- what JavaScript, and a careless caller, may well give
  "gives a promise that rejects": () => Promise.reject(new Error("no")),
};

describe.each(Object.entries(FAILING))("a callback that %s", (_, fails) => {
  it("of logTo() and recordTo() disturbs no run", async () => {
    const observers = [logTo(fails), recordTo(fails, { onError: fails })];
    expect(await run(agent, { provider, prompt: "Hi", observers })).toMatchObject({ text: "done" });
  });

  it("onEvent of sessions() disturbs no run of a worker", async () => {
    await using app = sessions({ agents: [{ agent, provider }], onEvent: fails, onError: fails });
    await app.work();
    const chat = await app.create("a");
    await chat.send("Hi");
    expect(await chat.result()).toMatchObject({ text: "done" });
  });

  it("onPruned keeps nothing from being pruned", async () => {
    const store = memoryStore();
    const fake = fakeHost();
    for (const instructions of ["one", "two", "three"])
      await provision(fake.provider, defineAgent({ name: "a", instructions }), { store });
    const { pruned } = await pruneVersions(fake.provider, "a", { keep: 1, store, onPruned: fails });
    expect(pruned).toHaveLength(2);
  });

  it("onCheck does not end a conformance run", async () => {
    const host = embeddedHost({ model: () => "Hello." });
    const fetch = async (input: Request | URL | string, init?: RequestInit) =>
      host.fetch(new Request(input, init));
    const report = await runConformance({ baseUrl: "http://host", fetch, only: ["errors"], onCheck: fails });
    expect(report.checks.length).toBeGreaterThan(1);
    await host.close();
  });

  it("onProgress of agentcore's waits does not end them", () => {
    const budget = new Budget(systemClock, { timeoutMs: 1_000, onProgress: fails });
    expect(() => budget.tell({ phase: "ready", id: "h", status: "READY", polls: 1 })).not.toThrow();
  });
});
