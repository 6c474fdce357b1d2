import type { SessionEvent } from "loophost";
import { defineAgent, defineTool, LoophostError, openSession } from "loophost";
import { memoryStore } from "loophost/stores/memory";
import { readLog } from "loophost/stores/sessions";
import { manualClock, scriptedProvider, settleMicrotasks } from "loophost/testing";
import { describe, expect, it } from "vitest";

import type { HostEvent } from "../../../src/core/provider.ts";
import { anything, call, done, needs } from "../../support/host-events.ts";

/** An agent whose tools note what they did; `gate` holds one back until it is released. */
function agentWith(tools: Parameters<typeof defineAgent>[0]["tools"], limits = {}) {
  return defineAgent({ name: "tester", instructions: "", tools, limits });
}

function counter(name = "count") {
  const calls: unknown[] = [];
  const tool = defineTool({
    name,
    description: "Counts",
    input: anything,
    execute: (input) => calls.push(input),
  });
  return { tool, calls };
}

describe("tools", () => {
  it("start the moment their call is seen, in parallel, and are answered each on its own [A-020] [I8]", async () => {
    const releases = new Map<string, () => void>();
    const slow = defineTool({
      name: "slow",
      description: "Waits",
      input: anything,
      execute: (_, { callId }) =>
        new Promise<string>((resolve) => releases.set(callId, () => resolve(callId))),
    });
    const provider = scriptedProvider({ turns: [[call("a", "slow"), call("b", "slow")], [done]] });
    await using session = await openSession(agentWith([slow]), { provider });
    const run = session.send("go");
    await settleMicrotasks();
    expect([...releases.keys()]).toEqual(["a", "b"]); // before the turn has ended
    releases.get("b")?.();
    await settleMicrotasks();
    expect(provider.sent.at(-1)).toMatchObject({ type: "tool_result", callId: "b" });
    provider.emit(needs("a", "b"));
    releases.get("a")?.();
    expect((await run.result()).toolCalls.map(({ id }) => id)).toEqual(["a", "b"]);
  });

  it("go back all together, in call order, where the host wants that [A-020] [B-26]", async () => {
    const { tool } = counter();
    const provider = scriptedProvider({
      answers: "together",
      turns: [[call("a", "count"), call("b", "count"), needs("a", "b")], [done]],
    });
    await using session = await openSession(agentWith([tool]), { provider });
    const { events } = await session.send("go").result();
    const types = events.map((event) => event.type);
    expect(types.lastIndexOf("tool.posted")).toBeLessThan(types.lastIndexOf("turn.started"));
    expect(provider.sent.map((input) => (input.type === "tool_result" ? input.callId : input.type))).toEqual([
      "message",
      "a",
      "b",
    ]);
  });

  it("are executed once, however often the host names the call [I2] [A-019] [A-130]", async () => {
    const { tool, calls } = counter();
    const provider = scriptedProvider({
      turns: [[call("a", "count"), call("a", "count"), needs("a"), needs("a"), call("a", "count")], [done]],
    });
    await using session = await openSession(agentWith([tool]), { provider });
    await session.send("go").result();
    expect(calls).toHaveLength(1);
  });

  it("are not executed again when the result could not be posted; the result is posted again [I3] [L-06]", async () => {
    const clock = manualClock();
    const { tool, calls } = counter();
    let failures = 2;
    const provider = scriptedProvider({
      turns: [[call("a", "count"), needs("a")], [done]],
      onSend: ([input]) => {
        if (input?.type === "tool_result" && failures-- > 0)
          throw new LoophostError("host_failed", "try later", { status: 503 });
      },
    });
    await using session = await openSession(agentWith([tool]), { provider, clock });
    const run = session.send("go");
    await clock.advance(10_000);
    const result = await run.result();
    expect(calls).toHaveLength(1);
    expect(result.events.filter((event) => event.type === "retrying")).toHaveLength(2);
  });

  it("keep their result for a later run when the host refuses the post for good [I3]", async () => {
    const { tool, calls } = counter();
    let refuse = true;
    const provider = scriptedProvider({
      turns: [[call("a", "count"), needs("a")], [done]],
      onSend: ([input]) => {
        if (input?.type === "tool_result" && refuse)
          throw new LoophostError("host_rejected", "no", { status: 403 });
      },
    });
    await using session = await openSession(agentWith([tool]), { provider });
    await expect(session.send("go").result()).rejects.toMatchObject({ code: "host_rejected", status: 403 });
    refuse = false;
    expect((await session.resume().result()).terminal).toBe("end_turn");
    expect(calls).toHaveLength(1);
  });

  it("are left alone when the host already has an answer from elsewhere [I2]", async () => {
    const { tool, calls } = counter();
    const provider = scriptedProvider({
      turns: [[{ type: "call.answered", id: "a" }, call("a", "count"), needs("a"), done]],
    });
    await using session = await openSession(agentWith([tool]), { provider });
    await session.send("go").result();
    expect(calls).toEqual([]);
  });
});

describe("steering", () => {
  it("interrupt stops the host and the tools, and the run ends as interrupted", async () => {
    let aborted = false;
    const stubborn = defineTool({
      name: "stubborn",
      description: "Never ends",
      input: anything,
      execute: (_, { signal }) => new Promise(() => signal.addEventListener("abort", () => (aborted = true))),
    });
    const provider = scriptedProvider({ turns: [[call("a", "stubborn"), needs("a")]] });
    await using session = await openSession(agentWith([stubborn]), { provider });
    const run = session.send("go");
    await settleMicrotasks();
    await session.interrupt();
    await settleMicrotasks();
    expect(provider.sent.at(-1)).toEqual({ type: "interrupt" });
    provider.emit(done);
    expect(await run.result()).toMatchObject({
      terminal: "end_turn",
      ending: "interrupted",
      stopReason: "end_turn",
    });
    expect(aborted).toBe(true);
  });

  it("interrupt ends the run also when the host never took its message", async () => {
    const provider = scriptedProvider();
    await using session = await openSession(agentWith([]), { provider });
    const run = session.send("go");
    await session.interrupt();
    provider.emit(done);
    expect(await run.result()).toMatchObject({ ending: "interrupted" });
  });

  it("a run started after an interrupt does not end with the interrupt's own idle [I7]", async () => {
    const provider = scriptedProvider({ turns: [[], [{ type: "message", text: "second" }, done]] });
    await using session = await openSession(agentWith([]), { provider });
    const abort = new AbortController();
    const first = session.send("first", { signal: abort.signal });
    await settleMicrotasks();
    abort.abort();
    await expect(first.result()).rejects.toMatchObject({ code: "aborted" });
    const second = session.send("second");
    expect(
      provider.sent.some((input) => input.type === "message" && JSON.stringify(input).includes("second")),
    ).toBe(false);
    provider.emit(done); // the interrupt's
    expect((await second.result()).text).toBe("second");
  });

  it("a call that needs approval waits for it, and is denied with the reason [I9]", async () => {
    const { tool, calls } = counter();
    const careful = { ...tool, needsApproval: () => true };
    const provider = scriptedProvider({
      turns: [[call("a", "count"), call("b", "count"), needs("a", "b")], [done]],
    });
    await using session = await openSession(agentWith([careful]), { provider });
    const run = session.send("go");
    const seen: SessionEvent[] = [];
    for await (const event of run) {
      seen.push(event);
      if (event.type !== "run.waiting") continue;
      await session.approve("a");
      await session.deny("b", "too dear");
    }
    expect(seen.filter((event) => event.type === "approval.requested")).toHaveLength(2);
    expect(calls).toHaveLength(1);
    const denied = provider.sent.find((input) => input.type === "tool_result" && input.callId === "b");
    expect(denied).toMatchObject({
      result: { isError: true, content: [{ text: expect.stringContaining("too dear") }] },
    });
    await expect(session.approve("a")).rejects.toMatchObject({ code: "already_decided" });
    await expect(session.approve("x")).rejects.toThrow(/does not wait for approval/);
  });

  it("asks onApproval, and takes a check that throws for a no [I9]", async () => {
    const { tool, calls } = counter();
    const careful = { ...tool, needsApproval: () => true };
    const provider = scriptedProvider({ turns: [[call("a", "count"), needs("a")], [done]] });
    const onApproval = () => {
      throw new Error("no network");
    };
    await using session = await openSession(agentWith([careful]), { provider, onApproval });
    await session.send("go").result();
    expect(calls).toEqual([]);
  });

  it.each([{ allow: "no" }, { allow: 1 }, 1, "yes", null, undefined, [true]])(
    "takes %j of onApproval for a no: only true grants [I9]",
    async (said) => {
      const { tool, calls } = counter();
      const careful = { ...tool, needsApproval: () => true };
      const provider = scriptedProvider({ turns: [[call("a", "count"), needs("a")], [done]] });
      const onApproval = () => JSON.parse(JSON.stringify({ said })).said;
      await using session = await openSession(agentWith([careful]), { provider, onApproval });
      expect((await session.send("go").result()).terminal).toBe("end_turn");
      expect(calls).toEqual([]);
    },
  );

  it("closes without waiting for onApproval, and takes what it says later for no decision [I9]", async () => {
    const { tool } = counter();
    const careful = { ...tool, needsApproval: () => true };
    const provider = scriptedProvider({ turns: [[call("a", "count"), needs("a")], [done]] });
    const store = memoryStore();
    const asked = Promise.withResolvers<boolean>();
    const options = { provider, store, clock: manualClock(), onApproval: () => asked.promise };
    const session = await openSession(agentWith([careful]), options);
    const run = session.send("go");
    await settleMicrotasks();
    await session.close();
    asked.resolve(false);
    await expect(run.result()).rejects.toMatchObject({ code: "session_closed" });
    await settleMicrotasks();
    const types = [];
    for await (const { entry } of readLog(store, session.id)) types.push(Object(entry).type);
    expect(types).toContain("run.waiting");
    expect(types).not.toContain("decided");
  });

  it("waits for onApproval also when it would return with what is up to others [I9]", async () => {
    const { tool, calls } = counter();
    const careful = { ...tool, needsApproval: () => true };
    const provider = scriptedProvider({ turns: [[call("a", "count"), needs("a")], [done]] });
    const onApproval = () => settleMicrotasks().then(() => true);
    await using session = await openSession(agentWith([careful]), { provider, onApproval });
    expect((await session.send("go", { ifWaiting: "return" }).result()).terminal).toBe("end_turn");
    expect(calls).toHaveLength(1);
  });

  it("gives a host's own tool its verdict by the same path [I9]", async () => {
    const verdict: HostEvent = { type: "verdict.needed", id: "v", name: "bash", input: { command: "rm" } };
    const provider = scriptedProvider({ turns: [[verdict, needs("v")], [done]] });
    await using session = await openSession(agentWith([]), {
      provider,
      onApproval: ({ name }) => ({ allow: false, why: `${name} is off` }),
    });
    await session.send("go").result();
    expect(provider.sent.at(-1)).toEqual({ type: "verdict", callId: "v", allow: false, why: "bash is off" });
  });

  it("an external tool's call waits for session.answer()", async () => {
    const external = defineTool({ name: "ask_boss", description: "Ask", input: anything });
    const provider = scriptedProvider({ turns: [[call("a", "ask_boss"), needs("a")], [done]] });
    await using session = await openSession(agentWith([external]), { provider });
    const run = session.send("go");
    for await (const event of run) if (event.type === "run.waiting") await session.answer("a", "yes");
    expect(provider.sent.at(-1)).toMatchObject({
      callId: "a",
      result: { content: [{ text: "yes" }], isError: false },
    });
  });

  it("sends a raw event, and one run at a time [A-153] [L-22]", async () => {
    const provider = scriptedProvider();
    await using session = await openSession(agentWith([]), { provider });
    await session.sendEvent({ type: "user.special" });
    expect(provider.sent).toEqual([{ type: "raw", event: { type: "user.special" } }]);
    const run = session.send("go");
    expect(() => session.send("more")).toThrow(expect.objectContaining({ code: "session_busy" }));
    provider.emit({ type: "session.over", ending: "deleted", stopReason: null });
    expect(await run.result()).toMatchObject({ terminal: "terminated", ending: "deleted" });
    expect(() => session.send("more")).toThrow(expect.objectContaining({ code: "session_closed" }));
  });
});

describe("limits", () => {
  it("a run past its deadline fails, whatever its tools do [A-004] [L-18]", async () => {
    const clock = manualClock();
    const hung = defineTool({
      name: "hung",
      description: "Hangs",
      input: anything,
      timeoutMs: 10_000_000,
      execute: () => new Promise(() => undefined),
    });
    const provider = scriptedProvider({ turns: [[call("a", "hung"), needs("a")]] });
    await using session = await openSession(agentWith([hung], { runTimeoutMs: 5_000 }), { provider, clock });
    const run = session.send("go");
    await clock.advance(5_000);
    await expect(run.result()).rejects.toMatchObject({ code: "timeout" });
    expect(provider.sent.at(-1)).toEqual({ type: "interrupt" });
    expect(clock.waiting).toBe(0);
  });

  it.each(["each", "together"] as const)(
    "N turns are allowed, one more is not, answers %s [A-147] [F4-turn-limit]",
    async (answers) => {
      const { tool, calls } = counter();
      const turn = (id: string) => [call(id, "count"), needs(id)];
      const play = (maxTurns: number) => {
        const provider = scriptedProvider({ answers, turns: [turn("a"), turn("b"), [done]] });
        return openSession(agentWith([tool], { maxTurns }), { provider }).then((session) =>
          session.send("go").result(),
        );
      };
      expect((await play(3)).turns).toBe(3);
      calls.length = 0;
      await expect(play(2)).rejects.toMatchObject({ code: "max_turns_exceeded", result: { turns: 2 } });
      expect(calls).toHaveLength(2);
    },
  );
});

describe("a host that waits for calls nobody saw", () => {
  const lost: HostEvent = needs("ghost");

  it("is answered after a look into its history [A-013] [A-014]", async () => {
    const { tool, calls } = counter();
    const provider = scriptedProvider({
      turns: [[lost], [done]],
      onCatchUp: (emit) => emit(call("ghost", "count")),
    });
    await using session = await openSession(agentWith([tool]), { provider });
    const result = await session.send("go").result();
    expect(calls).toHaveLength(1);
    expect(result.toolCalls.map(({ id }) => id)).toEqual(["ghost"]);
  });

  it("fails the run with a typed error when its history does not hold them either [A-013]", async () => {
    await using session = await openSession(agentWith([]), {
      provider: scriptedProvider({ turns: [[lost]] }),
    });
    await expect(session.send("go").result()).rejects.toMatchObject({ code: "unresolved_requires_action" });
    await using empty = await openSession(agentWith([]), {
      provider: scriptedProvider({ turns: [[needs()]] }),
    });
    await expect(empty.send("go").result()).rejects.toMatchObject({ code: "unresolved_requires_action" });
  });
});

describe("attaching to a session", () => {
  it("runs what is unanswered first, then sends the prompt [A-155] [A-156] [A-157]", async () => {
    const { tool, calls } = counter();
    const past = [
      call("old", "count"),
      { type: "call.answered", id: "old" } as const,
      call("open", "count", { n: 2 }),
      needs("open"),
    ];
    const provider = scriptedProvider({ past, turns: [[done], [{ type: "message", text: "new" }, done]] });
    await using session = await openSession(agentWith([tool]), { provider, sessionId: "s1" });
    expect(calls).toEqual([]);
    const result = await session.send("next").result();
    expect(calls).toEqual([{ n: 2 }]);
    expect(provider.sent.map((input) => input.type)).toEqual(["tool_result", "message"]);
    expect(result).toMatchObject({ text: "new", turns: 1, toolCalls: [{ id: "open" }] });
  });

  it("with nothing open and no prompt ends at once [A-158] [L-02]", async () => {
    await using session = await openSession(agentWith([]), {
      provider: scriptedProvider({ past: [done] }),
      sessionId: "s1",
    });
    expect((await session.resume().result()).terminal).toBe("end_turn");
  });

  it("answers from the journal what an earlier process had finished, and runs it not again [I2] [I3]", async () => {
    const { tool, calls } = counter();
    const store = memoryStore();
    const past = [{ type: "turn.began" } as const, call("a", "count"), needs("a")];
    const dead = scriptedProvider({ past, onSend: () => new Promise(() => undefined) });
    const first = await openSession(agentWith([tool]), { provider: dead, store, sessionId: "s1" });
    first
      .resume()
      .result()
      .catch(() => undefined);
    await settleMicrotasks(); // the tool ran, its result is journalled, the post never comes back: here the process dies
    const provider = scriptedProvider({ past, turns: [[done]] });
    await using second = await openSession(agentWith([tool]), {
      provider,
      store,
      sessionId: "s1",
      ifOwned: "take",
    });
    const result = await second.resume().result();
    expect(calls).toHaveLength(1);
    expect(result.events.find((event) => event.type === "tool.finished")).toMatchObject({ replayed: true });
  });

  it("refuses the writes of an owner that was replaced [I6]", async () => {
    const { tool } = counter();
    const store = memoryStore();
    const provider = scriptedProvider({ turns: [[call("a", "count"), needs("a")]] });
    await using stale = await openSession(agentWith([tool]), { provider, store, sessionId: "s1" });
    await using _ = await openSession(agentWith([tool]), {
      provider: scriptedProvider(),
      store,
      sessionId: "s1",
      ifOwned: "take",
    });
    await expect(stale.send("go").result()).rejects.toMatchObject({ code: "stale_owner" });
  });
});
