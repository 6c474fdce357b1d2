import { describe, expect, it } from "vitest";

import { blocked, idle, reading, running } from "./reading.ts";

const types = (events: readonly { type: string }[]) => events.map(({ type }) => type);

const failing = (message: string, status: string) => ({
  type: "session.error",
  error: { type: "model_overloaded_error", message, retry_status: { type: status } },
});

describe("the end of a turn", () => {
  it("says why a model refused [I7]", () => {
    const { hear } = reading();
    const stop_details = { category: "bio", explanation: "Not this." };
    expect(hear(running, idle({ type: "refusal" }, { stop_details })).at(-1)).toMatchObject({
      ending: "refusal",
      details: { message: "Not this.", code: "bio" },
    });
    expect(hear(idle({ type: "refusal" }, { stop_details: null })).at(-1)).toMatchObject({
      ending: "refusal",
    });
  });

  it("says what failed last, of this work and not of the one before [F1-10]", () => {
    const { hear } = reading();
    const first = hear(
      running,
      failing("one", "retrying"),
      failing("two", "exhausted"),
      idle({ type: "retries_exhausted" }),
    );
    expect(first.at(-1)).toMatchObject({
      ending: "retries_exhausted",
      details: { message: "two", code: "model_overloaded_error" },
    });
    const second = hear(running, idle({ type: "retries_exhausted" }));
    expect(second.at(-1)).not.toHaveProperty("details.message");
    const over = hear(running, failing("three", "terminal"), { type: "session.status_terminated" });
    expect(over.at(-1)).toMatchObject({ type: "session.over", details: { message: "three" } });
  });

  it("says what a session has cost when that is why it rests", () => {
    const { hear } = reading();
    const usage = {
      type: "session.usage",
      usage: { list_cost: { amount: "201", currency: "USD" } },
      budget: { type: "limit", max_list_cost: { amount: "200", currency: "USD" } },
    };
    const end = hear(running, usage, idle({ type: "budget_reached" })).at(-1);
    expect(end).toMatchObject({
      ending: "budget_reached",
      details: { message: expect.stringContaining("201 of 200") },
    });
  });

  it("counts the tries of the host's own, and starts again with new work", () => {
    const { hear } = reading();
    const tries = (events: readonly unknown[]) =>
      events.filter((event) => (event as { type: string }).type === "retrying");
    expect(tries(hear(running, failing("busy", "retrying"), failing("busy", "retrying")))).toMatchObject([
      { attempt: 1, reason: "The host tries again by itself: busy", raw: failing("busy", "retrying") },
      { attempt: 2 },
    ]);
    expect(tries(hear(idle(), running, failing("busy", "retrying")))).toMatchObject([{ attempt: 1 }]);
  });

  it("tells of a failure once: as retrying with the event in raw, else as it is", () => {
    const { read } = reading();
    expect(types(read(running, failing("busy", "retrying"), failing("broken", "exhausted")))).toEqual([
      "turn.began",
      "retrying",
      "provider",
    ]);
  });

  it("does not come with a retry of the host's: the work after it is the same turn [F1-10]", () => {
    const { hear } = reading();
    const told = hear(running, { type: "session.status_rescheduled" }, running, idle());
    expect(types(told)).toEqual(["turn.began", "turn.done"]);
  });
});

describe("an interrupt", () => {
  const interrupt = { type: "user.interrupt", id: "i", processed_at: "2026-01-01T00:00:00Z" };

  it("by anybody makes the rest that follows its end, also of a blocked session [F1-11]", () => {
    for (const before of [[running], [running, blocked("c")]]) {
      const { hear } = reading();
      expect(hear(...before, interrupt, idle()).at(-1)).toMatchObject({ ending: "interrupted" });
      expect(hear(running, idle()).at(-1)).toMatchObject({ ending: "completed" });
    }
  });

  it("of a resting session changes nothing, nor does one that is only queued [F1-11]", () => {
    const { hear } = reading();
    expect(hear(interrupt, running, idle()).at(-1)).toMatchObject({ ending: "completed" });
    expect(hear(interrupt, running, { ...interrupt, processed_at: null }, idle()).at(-1)).toMatchObject({
      ending: "completed",
    });
  });

  it("of a child thread is not the session's [F1-12]", () => {
    const { hear } = reading();
    const created = { type: "session.thread_created", session_thread_id: "child", agent_name: "scout" };
    const told = hear(running, created, { ...interrupt, session_thread_id: "child" }, idle());
    expect(told.at(-1)).toMatchObject({ ending: "completed" });
  });
});

describe("a workflow run", () => {
  const run = (type: string) => ({ type: `workflow_run.${type}`, workflow_run_id: "w" });

  it("holds the turn open while the agent rests, until it has woken and rests again", () => {
    const { hear, clock } = reading();
    expect(types(hear(running, run("created"), run("status_running"), idle(), run("status_idle")))).toEqual([
      "turn.began",
    ]);
    expect(hear(run("status_ended"), running)).toEqual([]);
    expect(clock.waiting).toBe(0);
    expect(hear(idle())).toMatchObject([{ type: "turn.done", ending: "completed" }]);
  });

  it("ends it where nobody wakes", async () => {
    const { hear, clock, later } = reading();
    hear(running, run("created"), idle(), run("status_ended"));
    expect(later).toEqual([]);
    await clock.advance(30_000);
    expect(later).toMatchObject([{ type: "turn.done", ending: "completed" }]);
  });

  it("does not hold what somebody stops, nor what the agent is blocked by", () => {
    const { hear } = reading();
    hear(running, run("created"), idle());
    expect(hear({ type: "user.interrupt" })).toMatchObject([{ type: "turn.done", ending: "interrupted" }]);
    expect(types(hear(running, blocked("c"), running, idle({ type: "budget_reached" })))).toEqual([
      "turn.began",
      "turn.done",
      "turn.began",
      "turn.done",
    ]);
  });
});
