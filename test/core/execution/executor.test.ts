import { describe, expect, it, vi } from "vitest";
import { z } from "zod";

import type { JournalEntry } from "../../../src/core/journal/entry.ts";
import { textResult } from "../../../src/core/results.ts";
import type { ToolContext } from "../../../src/core/tool.ts";
import { defineTool } from "../../../src/core/tool.ts";
import { memoryStore } from "../../../src/stores/memory.ts";
import { settleMicrotasks } from "../../../src/testing/manual-clock.ts";
import { setUp } from "./executor-setup.ts";
import { callOf, gatedTool, toolThat } from "./tool-calls.ts";

const STARTED: JournalEntry = { type: "call.started", id: "c", name: "t", input: {} };

describe("executing a call", () => {
  it("records that it started, runs it, records its result, and only then says so [I3]", async () => {
    const order: string[] = [];
    const { executor, dispatched, told, written, clock } = await setUp([
      toolThat(async () => {
        order.push(...written().map(({ type }) => type), "runs");
        await clock.advance(7);
        return "done";
      }),
    ]);
    await executor.execute(callOf("c"));
    expect(order).toEqual(["call.started", "runs"]);
    expect(written()).toMatchObject([
      { type: "call.started", id: "c", name: "t", input: {} },
      { type: "call.finished", id: "c", result: textResult("done") },
    ]);
    expect(told).toEqual([{ type: "tool.started", id: "c", name: "t" }]);
    expect(dispatched).toEqual([
      { type: "finished", id: "c", result: textResult("done"), durationMs: 7, replayed: false },
    ]);
  });

  it("takes the result of a tool that changes its input in place for that of the call it was given", async () => {
    const pay = defineTool({
      name: "t",
      description: "d",
      input: { type: "object" },
      execute: (input) => void (input["euros"] = 500),
    });
    const { executor, dispatched } = await setUp([pay]);
    await executor.execute(callOf("c", { input: { euros: 5 } }));
    await executor.execute(callOf("c", { input: { euros: 5 } }));
    expect(dispatched).toMatchObject([{ replayed: false }, { replayed: true }]);
  });

  it("hands the tool its context, and the same idempotency key at every attempt [A-134] [I4]", async () => {
    const seen: ToolContext[] = [];
    const tool = toolThat((context) => void seen.push(context), { ifCrashed: "rerun" });
    await (await setUp([tool])).executor.execute(callOf("c"));
    await (await setUp([tool], { earlier: [STARTED] })).executor.execute(callOf("c"));
    expect(seen).toHaveLength(2);
    for (const context of seen)
      expect(context).toMatchObject({
        callId: "c",
        sessionId: "session_1",
        idempotencyKey: "session_1:c",
        context: { tenant: "x" },
      });
  });

  it("forgets a call that is over: progress told by a tool that has returned reaches nobody", async () => {
    const contexts: ToolContext[] = [];
    const tool = toolThat((context) => {
      contexts.push(context);
      context.progress("half");
      return "done";
    });
    const { executor, told } = await setUp([tool]);
    await executor.execute(callOf("c"));
    contexts[0]!.progress("too late");
    expect(told.filter(({ type }) => type === "tool.progress")).toEqual([
      { type: "tool.progress", id: "c", name: "t", progress: "half" },
    ]);
  });

  it("answers for a tool that fails, is unknown or gets bad input, and goes on [B-29] [F4-throw] [F4-unknown-tool] [F4-schema]", async () => {
    const strict = defineTool({
      name: "strict",
      description: "d",
      input: z.object({ id: z.string() }),
      execute: () => "ran",
    });
    const fails = toolThat(() => {
      throw new Error("sold out");
    });
    const { executor, dispatched } = await setUp([fails, strict]);
    await executor.execute(callOf("a"));
    await executor.execute(callOf("b", { name: "missing" }));
    await executor.execute(callOf("c", { name: "strict", input: { id: 1 } }));
    await executor.execute(callOf("d", { name: "strict", input: { id: "x" } }));
    expect(dispatched.map((input) => input.type === "finished" && input.result.isError)).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  it("leaves a call of an external tool to be answered from outside", async () => {
    const external = defineTool({ name: "t", description: "d", input: { type: "object" } });
    const { executor, dispatched, written } = await setUp([external]);
    await executor.execute(callOf("c"));
    expect(dispatched).toEqual([{ type: "answer.needed", id: "c" }]);
    expect(written()).toMatchObject([]);
  });

  it("rejects when the journal cannot be written, and does not run the tool [I3]", async () => {
    const store = memoryStore();
    const ran = vi.fn<() => string>(() => "ran");
    const { executor, dispatched } = await setUp([toolThat(ran)], { store });
    await store.log.claim("session_1", { owner: "somebody else", ttlMs: 0, force: true }); // somebody else takes the session over
    await expect(executor.execute(callOf("c"))).rejects.toThrow(
      expect.objectContaining({ code: "stale_owner" }),
    );
    expect(ran).not.toHaveBeenCalled();
    expect(dispatched).toEqual([]);
  });
});

describe("several calls", () => {
  it("run at the same time, as many as the limit allows, the others in order [I8] [A-020] [B-25] [F4-parallel]", async () => {
    const { tool, started, finish } = gatedTool();
    const { executor, dispatched } = await setUp([tool], { limits: { maxParallelTools: 2 } });
    const ids = ["a", "b", "c", "d", "e"];
    const executing = Promise.all(ids.map((id) => executor.execute(callOf(id))));
    await settleMicrotasks();
    expect(started).toEqual(["a", "b"]);
    finish("b");
    await settleMicrotasks();
    expect(started).toEqual(["a", "b", "c"]);
    finish("c");
    finish("a");
    await settleMicrotasks();
    expect(started).toEqual(ids);
    finish("e");
    finish("d");
    await executing;
    expect(dispatched.map((input) => input.type === "finished" && input.id)).toEqual([
      "b",
      "c",
      "a",
      "e",
      "d",
    ]);
  });

  it("run eight at once unless the agent says otherwise [A-020] [F4-parallel]", async () => {
    const { tool, started } = gatedTool();
    const { executor } = await setUp([tool]);
    const executing = Array.from({ length: 9 }, (_, index) => executor.execute(callOf(String(index))));
    await settleMicrotasks();
    expect(started).toHaveLength(8);
    executor.cancel();
    await Promise.all(executing);
  });

  it("of a tool with a limit of its own wait for one another, and keep no other tool from its place", async () => {
    const { tool, started, finish } = gatedTool();
    const other = toolThat(() => "done", { name: "other" });
    const limits = { limits: { maxParallelTools: 2 } };
    const { executor, dispatched } = await setUp([{ ...tool, maxParallel: 1 }, other], limits);
    const executing = Promise.all(["a", "b", "c"].map((id) => executor.execute(callOf(id))));
    await executor.execute(callOf("d", { name: "other" }));
    expect(started).toEqual(["a"]);
    expect(dispatched).toMatchObject([{ id: "d" }]);
    for (const [index, id] of ["a", "b", "c"].entries()) {
      expect(started).toHaveLength(index + 1);
      finish(id);
      await settleMicrotasks();
    }
    await executing;
  });

  it("each have a deadline of their own, counted from when they start [I8] [B-27] [F4-abort-ignoring-tool]", async () => {
    const { tool, started } = gatedTool();
    const { executor, clock, dispatched } = await setUp([tool], {
      limits: { maxParallelTools: 1, toolTimeoutMs: 100 },
    });
    const executing = Promise.all(["a", "b"].map((id) => executor.execute(callOf(id))));
    await clock.advance(100);
    expect(started).toEqual(["a", "b"]);
    expect(dispatched).toHaveLength(1);
    await clock.advance(99);
    expect(dispatched).toHaveLength(1);
    await clock.advance(1);
    await executing;
    for (const input of dispatched)
      expect(input).toMatchObject({
        durationMs: 100,
        result: textResult("Error: t timed out after 100 ms", true),
      });
  });

  it("give their place back when they fail, so that none waits for ever [I12]", async () => {
    const fails = toolThat(() => Promise.reject(new Error("no")));
    const { executor, dispatched } = await setUp([fails], { limits: { maxParallelTools: 1 } });
    await Promise.all(["a", "b", "c"].map((id) => executor.execute(callOf(id))));
    expect(dispatched).toHaveLength(3);
  });
});

describe("cancelling", () => {
  it("returns at once from tools that ignore it, drops their results, and records none [I12] [F4-abort-ignoring-tool]", async () => {
    const { tool, started, finish } = gatedTool();
    const { executor, dispatched, written, clock } = await setUp([tool], { limits: { maxParallelTools: 2 } });
    const executing = ["a", "b", "c"].map((id) => executor.execute(callOf(id)));
    await settleMicrotasks();
    executor.cancel(["a", "c", "unknown"]);
    await Promise.all([executing[0], executing[2]]);
    expect(started).toEqual(["a", "b"]);
    finish("a");
    finish("b");
    await Promise.all(executing);
    expect(dispatched.map((input) => "id" in input && input.id)).toEqual(["b"]);
    expect(written().map((entry) => `${entry.type} ${"id" in entry ? entry.id : ""}`)).toEqual([
      "call.started a",
      "call.started b",
      "call.finished b",
    ]);
    expect(clock.waiting).toBe(0);
  });

  it("reaches a call whose input is still being checked, or whose start is being recorded", async () => {
    const ran = vi.fn<() => string>(() => "ran");
    const gate = Promise.withResolvers<undefined>();
    const { executor, dispatched, write } = await setUp([toolThat(ran, { needsApproval: () => false })]);
    const checked = executor.execute(callOf("checked"));
    executor.cancel(["checked"]);
    await checked;

    write.mockImplementationOnce(() => gate.promise.then(() => 1));
    const recorded = executor.execute(callOf("recorded"));
    await settleMicrotasks();
    expect(write).toHaveBeenCalledOnce();
    executor.cancel(["recorded"]);
    gate.resolve(undefined);
    await recorded;
    expect(ran).not.toHaveBeenCalled();
    expect(dispatched).toEqual([]);
  });
});

describe("approval", () => {
  it("is asked for where the tool needs it, and not again once it is given", async () => {
    const ran = vi.fn<() => string>(() => "ran");
    const { executor, dispatched, written } = await setUp([toolThat(ran, { needsApproval: true })]);
    await executor.execute(callOf("c"));
    expect(dispatched).toEqual([{ type: "approval.needed", id: "c" }]);
    expect(written()).toMatchObject([]);
    await executor.execute(callOf("c", { approved: true }));
    expect(ran).toHaveBeenCalledOnce();
    expect(dispatched.at(-1)).toMatchObject({ type: "finished", result: textResult("ran") });
  });

  it("may be given while it is being asked for, and the call can still be cancelled then", async () => {
    const { tool, started } = gatedTool();
    const asking = { ...tool, needsApproval: () => true };
    const setup = await setUp([asking]);
    const { executor, dispatched } = setup;
    let approved: Promise<void> | undefined;
    const asked = vi.spyOn(dispatched, "push").mockImplementationOnce(() => {
      approved = executor.execute(callOf("c", { approved: true }));
      return 1;
    });
    await executor.execute(callOf("c"));
    expect(asked).toHaveBeenCalledOnce();
    await settleMicrotasks();
    expect(started).toEqual(["c"]);
    executor.cancel(["c"]);
    await approved;
    expect(dispatched).toEqual([]);
  });

  it("depends on the input where the tool says so", async () => {
    const tool = defineTool({
      name: "t",
      description: "d",
      input: z.object({ amount: z.string().transform(Number) }),
      execute: () => "paid",
      needsApproval: ({ amount }) => amount > 100,
    });
    const { executor, dispatched } = await setUp([tool]);
    await executor.execute(callOf("small", { input: { amount: "5" } }));
    await executor.execute(callOf("large", { input: { amount: "500" } }));
    expect(dispatched.map(({ type }) => type)).toEqual(["finished", "approval.needed"]);
  });

  const breaks: Record<string, () => unknown> = {
    throws: () => {
      throw new Error("no connection");
    },
    rejects: () => Promise.reject(new Error("no connection")),
    "answers nothing": () => undefined,
    "answers later": () => Promise.resolve(true),
    "answers a text": () => "no",
  };

  it.each(Object.entries(breaks))(
    "is asked for when the check %s: it fails closed [I9]",
    async (_, check) => {
      const { executor, dispatched } = await setUp([
        toolThat(() => "ran", { needsApproval: check as () => boolean }),
      ]);
      await executor.execute(callOf("c"));
      expect(dispatched).toEqual([{ type: "approval.needed", id: "c" }]);
    },
  );

  it("is asked for when the check does not come back: it fails closed [I9] [I8]", async () => {
    const check = (() => new Promise(() => undefined)) as unknown as () => boolean;
    const { executor, dispatched, clock } = await setUp([toolThat(() => "ran", { needsApproval: check })]);
    const executing = executor.execute(callOf("c"));
    await clock.advance(30_000);
    await executing;
    expect(dispatched).toEqual([{ type: "approval.needed", id: "c" }]);
  });

  it("is not asked for what would be refused anyway [F4-schema] [F4-malformed]", async () => {
    const tool = defineTool({
      name: "t",
      description: "d",
      input: z.object({ id: z.string() }),
      execute: () => "ran",
      needsApproval: true,
    });
    const { executor, dispatched } = await setUp([tool]);
    await executor.execute(callOf("a", { input: { id: 1 } }));
    await executor.execute(callOf("b", { problem: "Unterminated string" }));
    expect(dispatched).toMatchObject([
      { type: "finished", result: { isError: true } },
      { type: "finished", result: { isError: true } },
    ]);
  });
});
