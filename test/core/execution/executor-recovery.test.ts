// What the executor makes of calls an earlier process recorded.

import { describe, expect, it, vi } from "vitest";

import type { JournalEntry } from "../../../src/core/journal/entry.ts";
import type { Call } from "../../../src/core/loop/state.ts";
import { resultText, textResult } from "../../../src/core/results.ts";
import type { IfCrashed, ToolContext } from "../../../src/core/tool.ts";
import { setUp } from "./executor-setup.ts";
import { callOf, toolThat } from "./tool-calls.ts";

const STARTED: JournalEntry = { type: "call.started", id: "c", name: "t", input: {} };

/** Executes a call that had started when its process died, of a tool that says what to do about that. */
async function recover(ifCrashed: IfCrashed | undefined, call: Partial<Call> = {}) {
  const ran = vi.fn<(context: ToolContext) => string>(() => "ran");
  const tool = toolThat(ran, ifCrashed === undefined ? {} : { ifCrashed });
  const setup = await setUp([tool], { earlier: [STARTED] });
  const executing = setup.executor.execute(callOf("c", call));
  await setup.clock.advance(30_000);
  await executing;
  return { ...setup, ran };
}

describe("a call the journal knows", () => {
  it("is answered from the journal when it has a result; nothing runs and nothing is written [I2] [I3]", async () => {
    const ran = vi.fn<() => string>(() => "ran");
    const finished: JournalEntry = { type: "call.finished", id: "c", result: textResult("recorded") };
    const { executor, dispatched, told, written } = await setUp([toolThat(ran, { needsApproval: true })], {
      earlier: [STARTED, finished],
    });
    await executor.execute(callOf("c"));
    expect(dispatched).toEqual([
      { type: "finished", id: "c", result: textResult("recorded"), durationMs: 0, replayed: true },
    ]);
    expect(ran).not.toHaveBeenCalled();
    expect(told).toEqual([]);
    expect(written()).toEqual([]);
  });

  it("is over when its result was posted [I2]", async () => {
    const ran = vi.fn<() => string>(() => "ran");
    const { executor, dispatched } = await setUp([toolThat(ran)], {
      earlier: [STARTED, { type: "calls.posted", ids: ["c"] }],
    });
    await executor.execute(callOf("c"));
    expect(dispatched).toEqual([{ type: "call.answered", id: "c" }]);
    expect(ran).not.toHaveBeenCalled();
  });
});

describe("a call that had started when its process died", () => {
  const unknown = { type: "finished", result: { isError: true }, replayed: false };

  it.each([undefined, "fail"] as const)(
    "ifCrashed %s: tells the model that nobody knows [I4]",
    async (ifCrashed) => {
      const { ran, dispatched, written } = await recover(ifCrashed);
      expect(ran).not.toHaveBeenCalled();
      expect(dispatched).toMatchObject([unknown]);
      const [finished] = dispatched;
      expect(finished?.type === "finished" && resultText(finished.result)).toBe(
        "t was started, but this process stopped before its result was known. " +
          "It may or may not have taken effect. Check before calling it again.",
      );
      expect(written().map(({ type }) => type)).toEqual(["call.finished"]);
    },
  );

  it("is not taken for new because its tool is gone [I4]", async () => {
    const { executor, dispatched } = await setUp([], { earlier: [STARTED] });
    await executor.execute(callOf("c"));
    expect(dispatched).toMatchObject([unknown]);
  });

  it('ifCrashed "rerun": runs it again, and records that it did [I4]', async () => {
    const { ran, dispatched, written } = await recover("rerun");
    expect(ran).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ idempotencyKey: "session_1:c" }));
    expect(dispatched).toMatchObject([{ type: "finished", result: textResult("ran"), replayed: false }]);
    expect(written().map(({ type }) => type)).toEqual(["call.started", "call.finished"]);
  });

  it("is run again by the second process and by the third, and by no fourth: it may be what ends them", async () => {
    for (const [starts, isRun] of [
      [1, true],
      [2, true],
      [3, false],
    ] as const) {
      const ran = vi.fn<() => string>(() => "ran");
      const earlier = Array.from({ length: starts }, () => STARTED);
      const { executor, dispatched } = await setUp([toolThat(ran, { ifCrashed: "rerun" })], { earlier });
      await executor.execute(callOf("c"));
      expect([starts, ran.mock.calls.length]).toEqual([starts, isRun ? 1 : 0]);
      expect(dispatched).toMatchObject([{ type: "finished", result: { isError: !isRun } }]);
    }
  });

  it('ifCrashed "ask": waits for approval, and runs once it is given [I4]', async () => {
    const asked = await recover("ask");
    expect(asked.ran).not.toHaveBeenCalled();
    expect(asked.dispatched).toEqual([{ type: "approval.needed", id: "c" }]);
    const allowed = await recover("ask", { approved: true });
    expect(allowed.ran).toHaveBeenCalledOnce();
    expect(allowed.dispatched).toMatchObject([{ type: "finished", result: textResult("ran") }]);
  });

  describe("ifCrashed a probe", () => {
    it("answers with what it finds, and runs nothing [I4]", async () => {
      const probe = vi.fn<(key: string) => Promise<unknown>>(async () => ({ id: 42 }));
      const { ran, dispatched } = await recover({ probe });
      expect(probe).toHaveBeenCalledExactlyOnceWith("session_1:c");
      expect(ran).not.toHaveBeenCalled();
      expect(dispatched).toMatchObject([{ type: "finished", result: textResult('{"id":42}') }]);
    });

    it("runs the call when it finds nothing [I4]", async () => {
      const { ran, dispatched } = await recover({ probe: async () => undefined });
      expect(ran).toHaveBeenCalledOnce();
      expect(dispatched).toMatchObject([{ type: "finished", result: textResult("ran") }]);
    });

    const cannotTell: Record<string, () => Promise<unknown>> = {
      rejects: () => Promise.reject(new Error("no connection")),
      throws: () => {
        throw new Error("no connection");
      },
      "never comes back": () => new Promise(() => undefined),
      "finds what cannot be sent": async () => ({ big: 1n }),
    };

    it.each(Object.entries(cannotTell))(
      "tells the model that nobody knows when it %s [I4] [I8]",
      async (_, probe) => {
        const { ran, dispatched } = await recover({ probe });
        expect(ran).not.toHaveBeenCalled();
        expect(dispatched).toMatchObject([unknown]);
      },
    );
  });
});
