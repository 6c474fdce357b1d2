import { defineAgent, defineTool, openSession, run } from "loophost";
import type { SessionResult, TurnGuard } from "loophost";
import { budget } from "loophost/budget";
import { scriptedProvider, settleMicrotasks } from "loophost/testing";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";

import type { HostEvent } from "../../../src/core/provider.ts";
import { anything, call, done, needs } from "../../support/host-events.ts";

const spend = (tokens: number): HostEvent => ({
  type: "usage",
  usage: { inputTokens: tokens, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 },
});
const note = defineTool({ name: "note", description: "Notes", input: anything, execute: () => "noted" });
const agent = defineAgent({ name: "tester", instructions: "", tools: [note] });

describe("a turn guard", () => {
  const turns = () => [
    [call("a", "note"), spend(600), needs("a")],
    [spend(600), done],
  ];

  it.each(["each", "together"] as const)(
    "is asked after every turn with what was used so far, answers %s [A-144] [A-145]",
    async (answers) => {
      const reports: unknown[] = [];
      const guard = (report: { turns: number; usage: { inputTokens: number } }) => {
        reports.push([report.turns, report.usage.inputTokens]);
        return "continue" as const;
      };
      await run(agent, { provider: scriptedProvider({ answers, turns: turns() }), prompt: "go", guard });
      expect(reports).toEqual([
        [1, 600],
        [2, 1200],
      ]);
    },
  );

  it("speaks for the run it was asked about: what it says of one that was stopped does not let the next one go on", async () => {
    const words: ((said: "continue" | { halt: string }) => void)[] = [];
    const guard = () => new Promise<"continue" | { halt: string }>((resolve) => words.push(resolve));
    const provider = scriptedProvider();
    await using session = await openSession(agent, { provider, guard });
    const stop = new AbortController();
    const first = session.send("one", { signal: stop.signal });
    provider.emit({ type: "input.taken" }, { type: "turn.began" }, call("a", "note"), needs("a"));
    await expect.poll(() => words.length).toBe(1);
    stop.abort();
    await expect(first.result()).rejects.toMatchObject({ code: "aborted" });
    provider.emit(done);

    const second = session.send("two");
    provider.emit({ type: "input.taken" }, { type: "turn.began" }, call("b", "note"), needs("b"));
    await expect.poll(() => words.length).toBe(2);
    words[0]?.("continue");
    await settleMicrotasks();
    expect(provider.sent).not.toContainEqual(expect.objectContaining({ type: "tool_result", callId: "b" }));
    words[1]?.({ halt: "enough" });
    await expect(second.result()).rejects.toMatchObject({ code: "halted" });
  });

  it("is not waited for by a run because of a turn that ended between two runs", async () => {
    const guard = () => "continue" as const;
    const provider = scriptedProvider({ turns: [[done], [done]] });
    await using session = await openSession(agent, { provider, guard });
    await session.send("one").result();
    const ours = provider.sent.flatMap((input) => (input.type === "message" ? [input.id] : []))[0];
    provider.emit(
      { type: "turn.began" },
      { type: "turn.done", ending: "completed", stopReason: null, inputId: ours },
    );
    expect((await session.send("two").result()).ending).toBe("completed");
  });

  it("halts the run with its reason, before the results of the turn go back [A-144]", async () => {
    const provider = scriptedProvider({ answers: "together", turns: turns() });
    const halted = run(agent, { provider, prompt: "go", guard: () => ({ halt: "enough" }) });
    await expect(halted).rejects.toMatchObject({
      code: "halted",
      message: expect.stringContaining("enough"),
      result: { turns: 1 },
    });
    expect(provider.sent.map((input) => input.type)).toEqual(["message", "interrupt"]);
  });

  it("that throws halts the run instead of crashing it [A-146] [L-05]", async () => {
    const guard = () => {
      throw new Error("no database");
    };
    const halted = run(agent, { provider: scriptedProvider({ turns: turns() }), prompt: "go", guard });
    await expect(halted).rejects.toMatchObject({
      code: "halted",
      cause: expect.objectContaining({ message: "no database" }),
    });
  });

  it("wins over the turn limit when both would stop the run [A-145]", async () => {
    const provider = scriptedProvider({ answers: "together", turns: turns() });
    const stopped = run(agent, {
      provider,
      prompt: "go",
      limits: { maxTurns: 1 },
      guard: () => ({ halt: "enough" }),
    });
    await expect(stopped).rejects.toMatchObject({ code: "halted" });
  });

  it.each([
    ["tokens", { maxTokens: 500 }],
    ["turns", { maxTurns: 1 }],
    ["money", { maxCost: 0.001, prices: { inputPerMillion: 3, outputPerMillion: 15 } }],
    ["time", { maxMs: 0 }],
  ])("made by budget() halts on %s", async (_, bounds) => {
    const started = run(agent, {
      provider: scriptedProvider({ turns: turns() }),
      prompt: "go",
      guard: budget(bounds),
    });
    await expect(started).rejects.toMatchObject({
      code: "halted",
      message: expect.stringContaining("budget"),
    });
  });

  it.each([
    ["tokens", { maxTokens: 1 }],
    ["turns", { maxTurns: 1 }],
    ["time", { maxMs: 0 }],
  ])("made by budget() lets a run end with the turn that uses up its %s", async (_, bounds) => {
    const isLast: boolean[] = [];
    const guard: TurnGuard = (report) => {
      isLast.push(report.isLast);
      return isLast.length < 2 ? "continue" : budget(bounds)(report);
    };
    const ended = run(agent, { provider: scriptedProvider({ turns: turns() }), prompt: "go", guard });
    expect(await ended).toMatchObject({ ending: "completed", turns: 2 });
    expect(isLast).toEqual([false, true]);
  });
});

describe("a terminal tool", () => {
  const finish = defineTool({
    name: "finish",
    description: "Finishes",
    input: anything,
    execute: () => "ok",
  });
  const terminal = defineAgent({
    name: "tester",
    instructions: "",
    tools: [note, finish],
    terminalTool: "finish",
  });

  it("is asked for until it is called; those turns count [A-148] [A-149]", async () => {
    const provider = scriptedProvider({ turns: [[done], [call("f", "finish"), needs("f")], [done]] });
    const result = await run(terminal, { provider, prompt: "go" });
    expect(result).toMatchObject({ terminal: "end_turn", stopReason: "end_turn", turns: 3 });
    expect(provider.sent[1]).toMatchObject({
      type: "message",
      content: [{ text: expect.stringContaining("finish") }],
    });
  });

  it("called and failed is not called: it is asked for again", async () => {
    let tries = 0;
    const submit = defineTool({
      name: "submit",
      description: "Hands in",
      input: anything,
      execute: () => {
        tries += 1;
        if (tries === 1) throw new Error("not yet");
        return "taken";
      },
    });
    const submitting = defineAgent({ name: "s", instructions: "", tools: [submit], terminalTool: "submit" });
    const turns = [[call("a", "submit"), needs("a")], [done], [call("b", "submit"), needs("b")], [done]];
    const provider = scriptedProvider({ turns });
    const result = await run(submitting, { provider, prompt: "go" });
    expect([result.ending, tries]).toEqual(["completed", 2]);
    expect(provider.sent.filter(({ type }) => type === "message")).toHaveLength(2);
  });

  it("called in any turn is enough, and does not end the run by itself [A-149] [A-150]", async () => {
    const provider = scriptedProvider({
      turns: [
        [call("f", "finish"), needs("f")],
        [{ type: "message", text: "bye" }, done],
      ],
    });
    expect(await run(terminal, { provider, prompt: "go" })).toMatchObject({ text: "bye", turns: 2 });
  });

  it("never called ends the run well with a stop reason that says so, after the re-prompts [A-148]", async () => {
    const provider = scriptedProvider({ turns: [[done], [done], [done]] });
    const result = await run(terminal, { provider, prompt: "go" });
    expect(result).toMatchObject({ terminal: "end_turn", stopReason: "no_terminal_tool", turns: 3 });
  });

  it("with no re-prompts allowed finishes at once, and the allowance is new for each run [A-149]", async () => {
    const none = defineAgent({
      name: "t",
      instructions: "",
      tools: [finish],
      terminalTool: { name: "finish", maxReprompts: 0 },
    });
    expect(await run(none, { provider: scriptedProvider({ turns: [[done]] }), prompt: "go" })).toMatchObject({
      turns: 1,
    });
    await using session = await openSession(terminal, {
      provider: scriptedProvider({ turns: Array.from({ length: 6 }, () => [done]) }),
    });
    for (const prompt of ["one", "two"]) expect((await session.send(prompt).result()).turns).toBe(3);
  });

  it("must be one of the agent's tools [A-006]", () => {
    expect(() => defineAgent({ name: "t", instructions: "", terminalTool: "finish" })).toThrow(
      /not one of its tools/,
    );
  });
});

it("what follows from a turn is decided in order: the guard, the limit, calls, the terminal tool, the end [A-012]", async () => {
  const finisher = defineAgent({ name: "tester", instructions: "", tools: [note], terminalTool: "note" });
  const play = (turns: HostEvent[][], bounds: object) =>
    run(finisher, { provider: scriptedProvider({ answers: "together", turns }), prompt: "go", ...bounds });
  const halt = { guard: () => ({ halt: "enough" }) };
  const limits = { maxTurns: 1 };
  await expect(play([[done]], { ...halt, limits })).rejects.toMatchObject({ code: "halted" });
  await expect(play([[call("a", "note"), needs("a")]], { limits })).rejects.toMatchObject({
    code: "max_turns_exceeded",
  });
  await expect(play([[done]], { limits })).rejects.toMatchObject({ code: "max_turns_exceeded" });
  expect(await play([[call("a", "note"), needs("a")], [done]], {})).toMatchObject({ turns: 2 });
  expect(await play([[done], [call("a", "note"), needs("a")], [done]], {})).toMatchObject({ turns: 3 });
});

describe("structured output", () => {
  const weather = defineAgent({
    name: "weather",
    instructions: "",
    output: z.object({ celsius: z.number() }),
  });
  const submit = (id: string, input: unknown) => [call(id, "submit_output", input), needs(id)];

  it("is validated, typed, and the run ends with it", async () => {
    const provider = scriptedProvider({ turns: [submit("a", { celsius: 21 }), [done]] });
    const result = await run(weather, { provider, prompt: "go" });
    expectTypeOf(result).toEqualTypeOf<SessionResult<{ celsius: number }>>();
    expect(result.output).toEqual({ celsius: 21 });
  });

  it("that is invalid is refused with what is wrong, and handed in again", async () => {
    const provider = scriptedProvider({
      turns: [submit("a", { celsius: "warm" }), submit("b", { celsius: 21 }), [done]],
    });
    expect((await run(weather, { provider, prompt: "go" })).output).toEqual({ celsius: 21 });
    expect(provider.sent[1]).toMatchObject({
      result: { isError: true, content: [{ text: expect.stringContaining("celsius") }] },
    });
  });

  it("that never comes, or whose schema breaks, fails the run, and nothing says it ended well before", async () => {
    const seen: string[] = [];
    const provider = () => scriptedProvider({ turns: [[done], [done], [done]] });
    const owed = run(weather, {
      provider: provider(),
      prompt: "go",
      onEvent: (event) => seen.push(event.type),
    });
    await expect(owed).rejects.toMatchObject({ code: "no_output", result: { turns: 3 } });
    expect(seen).not.toContain("run.ended");
    expect(seen.at(-1)).toBe("run.failed");
    let checks = 0;
    const breaks = z.object({ celsius: z.number() }).refine(() => {
      if ((checks += 1) > 1) throw new Error("broken");
      return true;
    });
    const broken = defineAgent({ name: "weather", instructions: "", output: breaks });
    const handedIn = scriptedProvider({ turns: [submit("a", { celsius: 21 }), [done]] });
    await expect(run(broken, { provider: handedIn, prompt: "go" })).rejects.toMatchObject({
      code: "no_output",
    });
  });

  it("is not owed by a run the host ended otherwise", async () => {
    const refused: HostEvent = { type: "turn.done", ending: "refusal", stopReason: "refusal" };
    const result = await run(weather, { provider: scriptedProvider({ turns: [[refused]] }), prompt: "go" });
    expect(result).toMatchObject({ ending: "refusal", output: undefined });
  });

  it("leaves agents without one untyped", async () => {
    const result = await run(agent, { provider: scriptedProvider({ turns: [[done]] }), prompt: "go" });
    expectTypeOf(result.output).toEqualTypeOf<undefined>();
  });
});
