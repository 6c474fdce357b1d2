// Outcomes in this process: graded when the model thinks it is done, gone over until the grader is content; as the hosted ones are.

import { defineAgent, openSession } from "loophost";
import type { Provider, Store } from "loophost";
import { claude } from "loophost/providers/claude";
import { local } from "loophost/providers/local";
import type { ModelFunction } from "loophost/providers/local";
import { embeddedHost } from "loophost/server";
import { memoryStore } from "loophost/stores/memory";
import { describe, expect, it, onTestFinished } from "vitest";

import { call } from "../../server/support.ts";

const agent = defineAgent({ name: "poet", instructions: "Write.", model: "m" });
const outcome = { description: "A poem about the sea", rubric: "It rhymes.", maxIterations: 2 };

/** A grader that gives these verdicts, one after the other. */
function grader(...verdicts: readonly string[]): ModelFunction {
  let graded = 0;
  return ({ messages }) => {
    if (messages.at(-1)?.role === "tool") return "graded";
    const result = verdicts[graded] ?? "failed";
    graded += 1;
    return [
      call(`g${graded}`, "submit_output", { result, explanation: `because ${graded}` }),
      { type: "usage", inputTokens: 7, outputTokens: 1 },
    ];
  };
}

/** A model that writes one poem after the other, and notes what it was told last. */
function poet(told: string[] = []): ModelFunction {
  return ({ messages }) => {
    told.push(JSON.stringify(messages.at(-1)));
    return `poem ${told.length}`;
  };
}

/** One model for both, as a hosted session has it. */
function both(writes: ModelFunction, grades: ModelFunction): ModelFunction {
  return (request, context) => (request.instructions.includes("rubric") ? grades : writes)(request, context);
}

const verdictsOf = (events: readonly { readonly type: string }[]) =>
  events.flatMap((event) =>
    event.type === "outcome.evaluated" && "verdict" in event ? [event.verdict] : [],
  );

async function work(provider: Provider, store?: Store) {
  await using session = await openSession(agent, { provider, store });
  return await session.send({ outcome }).result();
}

const hosts: Readonly<Record<string, (model: ModelFunction) => Promise<Provider>>> = {
  "local()": async (model) => local({ model }),
  "claude() on the embedded host": async (model) => {
    const host = embeddedHost({ model });
    const { url } = await host.listen();
    onTestFinished(() => host.close());
    return claude({ baseUrl: url });
  },
};

describe.each(Object.entries(hosts))("an outcome on %s", (_, start) => {
  it("is refused when it is none, or has an option that is none, before the model is asked [A-141]", async () => {
    const provider = await start(() => expect.unreachable());
    for (const odd of [
      ...[0, 1.5, 21, Number.NaN, "2"].map((maxIterations) => ({ ...outcome, maxIterations })),
      { ...outcome, rubric: " " },
      { ...outcome, description: "" },
      { ...outcome, max_iterations: 5 },
    ]) {
      await using session = await openSession(agent, { provider });
      const sent = session.send({ outcome: odd as never }).result();
      await expect(sent).rejects.toMatchObject({ code: "invalid_options" });
    }
  });

  it("is gone over until the grader is content [A-140] [A-142]", async () => {
    const told: string[] = [];
    const result = await work(await start(both(poet(told), grader("needs_revision", "satisfied"))));
    expect(result).toMatchObject({
      terminal: "end_turn",
      ending: "completed",
      text: "poem 2",
      outcome: { verdict: "satisfied", explanation: "because 2", iteration: 1 },
    });
    expect(verdictsOf(result.events)).toEqual(["needs_revision", "satisfied"]);
    expect(told[0]).toContain("The work will be graded by this rubric");
    expect(told[1]).toContain("because 1");
  });

  it("is given up after so many iterations [A-142]", async () => {
    const result = await work(await start(both(poet(), grader("needs_revision", "needs_revision"))));
    expect(result).toMatchObject({ ending: "completed", outcome: { verdict: "max_iterations_reached" } });
  });
});

describe("in this process, an outcome", () => {
  it("may be graded by another model, whose tokens count", async () => {
    const asked: (string | undefined)[] = [];
    const result = await work(
      local({
        model: () => "a poem",
        grader: (request, context) => {
          asked.push(request.modelId);
          return grader("satisfied")(request, context);
        },
      }),
    );
    expect(result.outcome).toMatchObject({ verdict: "satisfied" });
    expect(asked[0]).toBe("m");
    expect(result.usage.inputTokens).toBe(7);
  });

  it("that fails ends the run as terminated, also when nobody can grade it [A-142]", async () => {
    expect(await work(local({ model: () => "a poem", grader: grader("failed") }))).toMatchObject({
      ending: "terminated",
      stopReason: "failed",
      outcome: { verdict: "failed", explanation: "because 1" },
    });
    const broken = () => Promise.reject(new Error("no model there"));
    expect(await work(local({ model: () => "a poem", grader: broken }))).toMatchObject({
      ending: "terminated",
      outcome: { verdict: "failed", explanation: expect.stringContaining("no model there") },
    });
  });

  it("that is interrupted while it is graded says so, and the session goes on", async () => {
    const grading = Promise.withResolvers<void>();
    const provider = local({
      model: () => "a poem",
      grader: () => {
        grading.resolve();
        return new Promise(() => undefined);
      },
    });
    await using session = await openSession(agent, { provider });
    const run = session.send({ outcome });
    await grading.promise;
    await session.interrupt();
    const result = await run.result();
    expect(result).toMatchObject({ ending: "interrupted", outcome: { verdict: "interrupted" } });
    expect(await session.send("And now?").result()).toMatchObject({ ending: "completed", text: "a poem" });
  });

  it("is graded by the process that takes the session up, where the other one died at it", async () => {
    const store = memoryStore();
    const grading = Promise.withResolvers<void>();
    const dying = local({
      model: poet(),
      grader: () => {
        grading.resolve();
        return new Promise(() => undefined);
      },
    });
    const first = await openSession(agent, { provider: dying, store });
    const lost = first.send({ outcome }).result();
    lost.catch(() => undefined);
    await grading.promise;
    // Nothing more comes of it: another process takes the session.
    const provider = local({ model: () => expect.unreachable(), grader: grader("satisfied") });
    await using session = await openSession(agent, {
      provider,
      store,
      sessionId: first.id,
      ifOwned: "take",
    });
    const result = await session.resume().result();
    expect(result).toMatchObject({ ending: "completed", outcome: { verdict: "satisfied" } });
    expect(await session.resume().result()).toMatchObject({ turns: 0 });
  });
});
