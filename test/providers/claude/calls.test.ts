import { describe, expect, it } from "vitest";

import { blocked, idle, reading, running } from "./reading.ts";

const custom = (id: string, thread?: string) => ({
  type: "agent.custom_tool_use",
  id,
  name: "add",
  input: { a: 1 },
  ...(thread && { session_thread_id: thread }),
});
const bash = (id: string, evaluated_permission?: string) => ({
  type: "agent.tool_use",
  id,
  name: "bash",
  input: { command: "ls" },
  evaluated_permission,
});
const verdict = (tool_use_id: string, result: string) => ({
  type: "user.tool_confirmation",
  tool_use_id,
  result,
});
const hostResult = (tool_use_id: string) => ({ type: "agent.tool_result", tool_use_id, is_error: true });
const result = { content: [{ type: "text", text: "ok" }], isError: false } as const;

describe("calls of custom tools", () => {
  it("count as answered when the host answers them itself: stopped, or denied", () => {
    const { hear } = reading();
    const told = hear(running, custom("c"), blocked("c"), hostResult("c"));
    expect(told.at(-1)).toMatchObject({ type: "call.answered", id: "c" });
    expect(told).not.toContainEqual(expect.objectContaining({ type: "server_tool.finished" }));
  });

  it("of a thread that ends are nobody's any more; those of others stay [F1-12]", () => {
    const { hear, reader } = reading();
    const thread = (type: string) => ({ type, session_thread_id: "child", agent_name: "scout" });
    hear(running, thread("session.thread_created"), custom("c1", "child"), custom("c2"));
    const told = hear(thread("session.thread_status_terminated"));
    expect(told).toMatchObject([
      { type: "thread.changed", status: "terminated", thread: "child", agentName: "scout" },
      { type: "call.answered", id: "c1" },
    ]);
    expect([reader.calls.isAnswered("c1"), reader.calls.isAnswered("c2")]).toEqual([true, false]);
  });

  it("are remembered for the work they belong to, and no longer [I10]", () => {
    const { hear, reader } = reading();
    hear(running, custom("c"), { type: "user.custom_tool_result", custom_tool_use_id: "c" }, idle());
    expect(reader.calls.isAnswered("c")).toBe(true);
    hear(running);
    expect(reader.calls.isAnswered("c")).toBe(false);
  });
});

describe("calls of the host's tools that run here", () => {
  it("are ours to answer, in the words such answers have", () => {
    const { hear, reader } = reading("bash");
    expect(hear(running, bash("b", "allow"), blocked("b"))).toMatchObject([
      { type: "turn.began" },
      { type: "call", id: "b", name: "bash", input: { command: "ls" } },
      { type: "turn.done", needs: ["b"] },
    ]);
    expect(reader.calls.toWire({ type: "tool_result", callId: "b", result })).toMatchObject({
      type: "user.tool_result",
      tool_use_id: "b",
    });
    expect(hear({ type: "user.tool_result", tool_use_id: "b" })).toMatchObject([
      { type: "call.answered", id: "b" },
    ]);
  });

  it.each(["ask", "never seen"])(
    "are asked about first when their permission is %s, and run once allowed [I9]",
    (permission) => {
      const { hear, reader } = reading("bash");
      expect(hear(running, bash("b", permission), blocked("b"))).toMatchObject([
        {},
        { type: "verdict.needed", id: "b" },
        { type: "turn.done", needs: ["b"] },
      ]);
      expect(hear(verdict("b", "allow"))).toMatchObject([
        { type: "call.answered", id: "b" },
        { type: "call", id: "b:allowed", name: "bash" },
      ]);
      expect(hear(blocked("b"))).toMatchObject([{ type: "turn.done", needs: ["b:allowed"] }]);
      expect(reader.calls.toWire({ type: "tool_result", callId: "b:allowed", result })).toMatchObject({
        type: "user.tool_result",
        tool_use_id: "b",
      });
      expect(hear({ type: "user.tool_result", tool_use_id: "b" })).toMatchObject([
        { type: "call.answered", id: "b:allowed" },
      ]);
    },
  );

  it.each(["deny", "never seen"])("never run after the verdict %s [I9]", (word) => {
    const { hear } = reading("bash");
    const told = hear(running, bash("b", "ask"), verdict("b", word), hostResult("b"), bash("d", "deny"));
    expect(told.map(({ type }) => type)).not.toContain("call");
  });

  it("are the host's everywhere else, and of an MCP server always", () => {
    expect(reading().hear(bash("b", "allow"))).toMatchObject([{ type: "server_tool.called" }]);
    const mcp = { ...bash("m", "allow"), type: "agent.mcp_tool_use" };
    expect(reading("bash").hear(mcp)).toMatchObject([{ type: "server_tool.called" }]);
  });
});

describe("calls a worker is to run", () => {
  it("are told as waiting once the host waits for them, and as answered once it has an answer [F1-8]", () => {
    const { hear } = reading();
    const told = hear(running, bash("b", "allow"), blocked("b"), hostResult("b"), running, idle());
    expect(told.map(({ type }) => type)).toEqual([
      "turn.began",
      "server_tool.called",
      "call",
      "turn.done",
      "server_tool.finished",
      "call.answered",
      "turn.began",
      "turn.done",
    ]);
    expect(told[2]).toMatchObject({ id: "b", name: "bash", isOthers: true });
  });

  it("are waited for together with ours", () => {
    const { hear } = reading();
    const told = hear(running, bash("b", "allow"), custom("c"), blocked("b", "c"));
    expect(told.at(-1)).toMatchObject({ type: "turn.done", needs: ["b", "c"] });
    const later = hear({ type: "user.custom_tool_result", custom_tool_use_id: "c" }, blocked("b"));
    expect(later).toMatchObject([{ type: "call.answered" }, { type: "turn.done", needs: ["b"] }]);
  });

  it("can be answered from here all the same", () => {
    const { hear, reader } = reading();
    hear(running, bash("b", "allow"), blocked("b"));
    const answer = { type: "tool_result", callId: "b", result } as const;
    expect(reader.calls.toWire(answer)).toMatchObject({ type: "user.tool_result", tool_use_id: "b" });
  });
});
