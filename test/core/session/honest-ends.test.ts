// What a run says of its end is true, and what its user's callbacks do stays theirs.

import { defineAgent, defineTool, openSession, run } from "loophost";
import { local } from "loophost/providers/local";
import { memoryStore } from "loophost/stores/memory";
import { manualClock, scriptedProvider, settleMicrotasks } from "loophost/testing";
import { describe, expect, it } from "vitest";

import { deadline } from "../../../src/core/async/deadline.ts";
import { anything, call, done, needs } from "../../support/host-events.ts";

const act = defineTool({ name: "act", description: "Acts", input: anything, execute: () => "acted" });
const agent = defineAgent({ name: "actor", instructions: "", tools: [act] });
const usage = { inputTokens: 7, outputTokens: 3, cacheReadTokens: 0, cacheWriteTokens: 0 };

it.each(["each", "together"] as const)(
  "the results of the last turn go out before the stop at maxTurns: answers %s",
  async (answers) => {
    const provider = scriptedProvider({
      answers,
      turns: [[call("a", "act"), call("b", "act"), needs("a", "b")]],
    });
    await using session = await openSession(agent, { provider, limits: { maxTurns: 1 } });
    await expect(session.send("go").result()).rejects.toMatchObject({ code: "max_turns_exceeded" });
    await settleMicrotasks();
    expect(provider.sent.slice(1)).toMatchObject([
      { type: "tool_result", callId: "a" },
      { type: "tool_result", callId: "b" },
      { type: "interrupt" },
    ]);
  },
);

it("run() without anything to run is misuse", async () => {
  const provider = scriptedProvider();
  await expect(run(agent, { provider })).rejects.toMatchObject({ code: "invalid_options" });
  expect(provider.closed).toBe(false);
});

it("a run that failed has no end: its partial result claims none", async () => {
  await using session = await openSession(agent, { provider: scriptedProvider() });
  const started = session.send("go", { signal: AbortSignal.abort() });
  const error = await started.result().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "aborted", result: { turns: 0, text: "" } });
  for (const claim of ["terminal", "ending", "stopReason"])
    expect((error as { result: object }).result).not.toHaveProperty(claim);
});

describe("resume() with nothing open", () => {
  const provider = local({ model: () => "hello" });

  it("says so", async () => {
    await using session = await openSession(agent, { provider });
    expect(await session.resume().result()).toMatchObject({ details: { code: "nothing_open" }, turns: 0 });
  });

  it("says so in another process, tells the last answer for whoever did not hear it, and counts no tokens twice", async () => {
    const store = memoryStore();
    const turn = [{ type: "usage", usage }, { type: "message", text: "hello" }, done] as const;
    const first = await openSession(agent, { provider: scriptedProvider({ turns: [turn] }), store });
    expect((await first.send("go").result()).usage).toEqual(usage);
    await first.close();
    const past = [{ type: "message.seen" }, { type: "turn.began" }, ...turn] as const;
    await using next = await openSession(agent, {
      provider: scriptedProvider({ past }),
      store,
      sessionId: first.id,
    });
    expect(await next.resume().result()).toMatchObject({
      text: "hello",
      details: { code: "nothing_open" },
      usage: { inputTokens: 0, outputTokens: 0 },
    });
  });
});

describe("a callback of the user's", () => {
  it("that rejects or throws ends neither the run nor the process", async () => {
    const rejected: unknown[] = [];
    const hear = (reason: unknown) => rejected.push(reason);
    process.on("unhandledRejection", hear);
    const broken = {
      onEvent: async () => Promise.reject(new Error("observer")),
      onStep: () => {
        throw new Error("step");
      },
    };
    await using session = await openSession(agent, {
      provider: scriptedProvider({ turns: [[done]] }),
      ...broken,
    });
    expect(await session.send("go").result()).toMatchObject({ ending: "completed" });
    await settleMicrotasks();
    process.off("unhandledRejection", hear);
    expect(rejected).toEqual([]);
  });

  it.each(["a guard", "the schema of the output"])(
    "%s that never answers keeps nobody past the deadline: run() rejects at once",
    async (what) => {
      const { asked, output, guard, provider } = neverAnswering(what);
      const clock = manualClock();
      const failing = run(defineAgent({ name: "a", instructions: "", output }), {
        provider,
        prompt: "go",
        clock,
        limits: { runTimeoutMs: 1_000 },
        guard,
      });
      failing.catch(() => undefined);
      await asked;
      await clock.advance(1_000);
      await expect(failing).rejects.toMatchObject({ code: "timeout" });
    },
  );

  it.each(["a guard", "the schema of the output"])(
    "%s that never answers keeps nobody from interrupting the run",
    async (what) => {
      const { asked, output, guard, provider } = neverAnswering(what);
      await using session = await openSession(defineAgent({ name: "a", instructions: "", output }), {
        provider,
        guard,
      });
      const interrupted = session.send("go");
      await asked;
      await session.interrupt();
      expect(await interrupted.result()).toMatchObject({ terminal: "end_turn", ending: "interrupted" });
    },
  );

  it("a guard is not waited for once its run was interrupted in the middle of a turn", async () => {
    const asked = Promise.withResolvers<void>();
    const model = () => {
      asked.resolve();
      return new Promise<never>(() => undefined);
    };
    const guard = () => new Promise<never>(() => undefined);
    await using session = await openSession(agent, { provider: local({ model }), guard });
    const interrupted = session.send("go");
    await asked.promise;
    await session.interrupt();
    expect(await interrupted.result()).toMatchObject({ ending: "interrupted" });
  });

  it("a guard that never answers in the middle of a run keeps nobody from interrupting it", async () => {
    const asked = Promise.withResolvers<void>();
    const model = () => [{ type: "tool_call" as const, id: "a", name: "act", input: {} }];
    await using session = await openSession(agent, {
      provider: local({ model }),
      guard: () => {
        asked.resolve();
        return new Promise<never>(() => undefined);
      },
    });
    const interrupted = session.send("go");
    await asked.promise;
    await session.interrupt();
    expect(await interrupted.result()).toMatchObject({ ending: "interrupted" });
  });

  it.each([undefined, true, {}, "yes", 1])(
    "a guard that says neither halts the run: %j",
    async (decision) => {
      const provider = scriptedProvider({ turns: [[done]] });
      await using session = await openSession(agent, { provider, guard: () => decision as never });
      await expect(session.send("go").result()).rejects.toMatchObject({ code: "halted" });
    },
  );
});

describe("a deadline", () => {
  it("of run() has the opening inside of it, whatever the provider makes of its signal; what opens late is closed", async () => {
    const clock = manualClock();
    const opened = Promise.withResolvers<void>();
    const scripted = scriptedProvider();
    const provider = {
      ...scripted,
      open: async (request: never) => {
        await opened.promise;
        return scripted.open(request);
      },
    };
    const running = run(agent, { provider, prompt: "go", clock, limits: { runTimeoutMs: 5_000 } });
    const settled = running.catch((thrown: unknown) => thrown);
    await clock.advance(5_000);
    expect(await settled).toMatchObject({ code: "timeout" });
    opened.resolve();
    await settleMicrotasks();
    expect(scripted.closed).toBe(true);
    expect(clock.waiting).toBe(0);
  });

  it("that fires late, after a stall, looks once at what has arrived before it judges", () => {
    let now = 0;
    const timers: { ms: number; callback: () => void }[] = [];
    const clock = {
      now: () => now,
      after: (ms: number, callback: () => void) => {
        timers.push({ ms, callback });
        return () => timers.splice(0);
      },
    };
    const fired: number[] = [];
    const cancel = deadline(clock, 1_000, () => fired.push(now));
    now = 60_000;
    timers.shift()?.callback();
    expect([fired, timers.length]).toEqual([[], 1]);
    cancel();
    expect(timers).toEqual([]);
    deadline(clock, 1_000, () => fired.push(now));
    now += 1_001;
    timers.shift()?.callback();
    expect(fired).toEqual([now]);
  });
});

/** A guard, or a schema of the output, that never answers; `asked` resolves once it is asked. */
function neverAnswering(what: string) {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const never = () => {
    resolve();
    return new Promise<never>(() => undefined);
  };
  let checks = 0;
  // The call that hands the output in is checked first, then the output itself at the end of the run.
  const validate = (value: unknown) => (++checks < 2 ? { value } : never());
  const input = () => ({ type: "object" });
  const output = { "~standard": { version: 1, vendor: "own", validate, jsonSchema: { input } } } as const;
  const model = () => [{ type: "tool_call" as const, id: "o", name: "submit_output", input: {} }];
  return { asked, output, guard: what === "a guard" ? never : undefined, provider: local({ model }) };
}
