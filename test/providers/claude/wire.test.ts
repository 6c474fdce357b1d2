import { describe, expect, it } from "vitest";

import { keyOf, toWire } from "../../../src/providers/claude/session/wire.ts";
import { only, reading } from "./reading.ts";

describe("events of the wire in our words", () => {
  it.each([
    [{ type: "end_turn" }, "completed"],
    [{ type: "requires_action", event_ids: ["e1"] }, "requires_action"],
    [{ type: "retries_exhausted" }, "retries_exhausted"],
    [{ type: "budget_reached" }, "budget_reached"],
    [{ type: "refusal" }, "refusal"],
    [{ type: "satisfied" }, "completed"],
    [{ type: "max_iterations_reached" }, "completed"],
    [{ type: "failed" }, "terminated"],
    [{ type: "something_new" }, "terminated"],
    [null, "terminated"],
  ])(
    "an idle for %j is the ending %s, its reason kept verbatim [A-120] [A-040] [A-041] [A-142]",
    (stop_reason, ending) => {
      expect(only({ type: "session.status_idle", id: "i", stop_reason })).toMatchObject({
        type: "turn.done",
        ending,
        stopReason: stop_reason,
      });
    },
  );

  it("a thread's idle is not the session's, and neither an error nor a verdict on an outcome is an end [A-036] [A-142]", () => {
    const idle = { type: "session.thread_status_idle", session_thread_id: "main" };
    expect(only({ ...idle, stop_reason: { type: "end_turn" } }).type).toBe("provider");
    expect(only({ type: "session.error", error: { retry_status: { type: "exhausted" } } }).type).toBe(
      "provider",
    );
    expect(only({ type: "span.outcome_evaluation_end", result: "satisfied" }).type).toBe("outcome.evaluated");
  });

  it.each(["session.status_terminated", "session.deleted"])("%s ends the session [A-036]", (type) => {
    expect(only({ type }).type).toBe("session.over");
  });

  it("custom tool calls are ours; the host's own are watched, never run [A-027] [A-043]", () => {
    expect(only({ type: "agent.custom_tool_use", id: "c", name: "add", input: { a: 1 } })).toMatchObject({
      type: "call",
      id: "c",
      input: { a: 1 },
    });
    expect(only({ type: "agent.custom_tool_use", id: "c", name: "add" })).toMatchObject({ input: {} });
    expect(only({ type: "agent.tool_use", id: "t", name: "bash", input: {} }).type).toBe(
      "server_tool.called",
    );
  });

  it.each([
    ["allow", 1],
    ["deny", 1],
    ["ask", 2],
    ["perhaps", 2],
    [undefined, 1],
  ])("permission %s of a host's tool: unknown ones are asked about [I9]", (evaluated_permission, count) => {
    const told = reading().read({
      type: "agent.mcp_tool_use",
      id: "t",
      name: "x",
      input: {},
      evaluated_permission,
    });
    expect(told.map(({ type }) => type)).toEqual(["server_tool.called", "verdict.needed"].slice(0, count));
  });

  it("text is that of the text blocks, as the deltas were; other blocks leave no gap [A-042] [A-046]", () => {
    const content = [{ type: "text", text: "a" }, { type: "redacted" }, { type: "text", text: "b" }];
    expect(only({ type: "agent.message", id: "m", content })).toMatchObject({ type: "message", text: "ab" });
    const begun = { type: "event_start", event: { type: "agent.message", id: "m" } };
    const piece = { type: "event_delta", event_id: "m", delta: { content: { type: "text", text: "a" } } };
    expect(reading().hear(begun, piece)).toMatchObject([{ type: "text.delta", text: "a" }]);
  });

  it("what a session has cost is told in the smallest unit of its currency [F1-15]", () => {
    const usage = { input_tokens: 9, list_cost: { amount: "716", currency: "USD" } };
    expect(only({ type: "session.usage", usage })).toMatchObject({
      type: "usage",
      usage: { inputTokens: 0 },
      cost: { minorUnits: 716, currency: "USD" },
    });
    expect(only({ type: "session.usage", usage: { input_tokens: 9 } }).type).toBe("provider");
  });

  it.each([
    ["satisfied", "satisfied"],
    ["needs_revision", "needs_revision"],
    ["never seen", "failed"],
  ])("the verdict %s on an outcome is %s: one we do not know is none to go by [I9]", (result, verdict) => {
    const event = {
      type: "span.outcome_evaluation_end",
      outcome_id: "o",
      result,
      explanation: "e",
      iteration: 2,
    };
    const told = { type: "outcome.evaluated", outcomeId: "o", verdict, explanation: "e", iteration: 2 };
    expect(only(event)).toMatchObject(told);
  });

  it("usage is read from model_usage or usage [A-044]", () => {
    const usage = { input_tokens: 3, output_tokens: 2, cache_read_input_tokens: 1 };
    const read = { inputTokens: 3, outputTokens: 2, cacheReadTokens: 1, cacheWriteTokens: 0 };
    expect(only({ type: "span.model_request_end", model_usage: usage })).toMatchObject({
      type: "usage",
      usage: read,
    });
    expect(only({ type: "span.model_request_end", usage })).toMatchObject({ usage: read });
  });

  it("what has no word of ours passes through, and every event keeps the wire's own [A-025]", () => {
    for (const type of ["agent.thinking", "workflow_run.created", "never.seen", "user.tool_result"]) {
      const event = { type, id: "x", extra: 1 };
      expect(only(event)).toMatchObject({ type: "provider", raw: event });
    }
  });

  it("an event told again once it is processed is not a repeat", () => {
    const queued = { type: "user.message", id: "u", processed_at: null };
    expect(keyOf(queued)).not.toBe(keyOf({ ...queued, processed_at: "2026-01-01T00:00:00Z" }));
    expect(keyOf({ type: "event_delta", event_id: "m" })).toBeUndefined();
  });
});

describe("our inputs in the wire's words", () => {
  it("are as the wire has them; an event given in its own form is passed on untouched [A-119] [A-045] [A-143]", () => {
    expect(toWire({ type: "message", content: [{ type: "text", text: "hi" }] })).toEqual({
      type: "user.message",
      content: [{ type: "text", text: "hi" }],
    });
    expect(
      toWire({
        type: "tool_result",
        callId: "c",
        result: { content: [{ type: "text", text: "5" }], isError: false },
      }),
    ).toEqual({
      type: "user.custom_tool_result",
      custom_tool_use_id: "c",
      content: [{ type: "text", text: "5" }],
      is_error: false,
    });
    expect(toWire({ type: "verdict", callId: "t", allow: true, why: "fine" })).toEqual({
      type: "user.tool_confirmation",
      tool_use_id: "t",
      result: "allow",
    });
    expect(toWire({ type: "verdict", callId: "t", allow: false, why: "no" })).toMatchObject({
      result: "deny",
      deny_message: "no",
    });
    expect(toWire({ type: "interrupt" })).toEqual({ type: "user.interrupt" });
    const outcome = { type: "user.define_outcome", description: "d", rubric: { type: "text", content: "r" } };
    expect(toWire({ type: "raw", event: outcome })).toBe(outcome);
    const image = { type: "image", mediaType: "image/png", data: "AA==" } as const;
    expect(toWire({ type: "message", content: [image] })).toMatchObject({
      content: [{ source: { type: "base64", media_type: "image/png", data: "AA==" } }],
    });
  });
});
