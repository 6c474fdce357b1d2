import type { Session, SessionEvent } from "loophost";
import { defineAgent, defineTool, openSession } from "loophost";
import { claude } from "loophost/providers/claude";
import { describe, expect, it } from "vitest";

import type { Fate, FakeHost, FakeHostOptions, Told } from "./fake-host.ts";
import { fakeHost } from "./fake-host.ts";

const RUNNING = { type: "session.status_running" };
const DONE = { type: "session.status_idle", stop_reason: { type: "end_turn" } };

/** Says something and rests, whenever it is asked. */
function obliging(event: Told, host: FakeHost): void {
  if (event.type !== "user.message" && event.type !== "user.define_outcome") return;
  host.tell(RUNNING, { type: "agent.message", content: [{ type: "text", text: "Here." }] }, DONE);
}

const calling = (thread?: string) => ({
  type: "agent.custom_tool_use",
  id: "call_1",
  name: "add",
  input: {},
  ...(thread && { session_thread_id: thread }),
});

let added = 0;
const add = defineTool({
  name: "add",
  description: "Adds",
  input: { type: "object" },
  execute: () => {
    added += 1;
    return "5";
  },
});

async function session(
  host: FakeHost,
  events: SessionEvent[] = [],
  retry: object = { firstDelayMs: 5, maxDelayMs: 20 },
): Promise<Session> {
  added = 0;
  return openSession(defineAgent({ name: "a", instructions: "b", model: "m", tools: [add] }), {
    provider: claude({
      baseUrl: host.url,
      agentId: "agent_1",
      environmentId: "env_1",
      retry,
    }),
    onEvent: (event) => events.push(event),
  });
}

const refusedTwice =
  (status: number) =>
  (_: Told, times: number): Fate =>
    times <= 2 ? status : "taken";

describe("a message", () => {
  it.each([429, 500, 503, 529])("refused with %i is sent again, and told of as retried", async (status) => {
    await using host = await fakeHost({ fate: refusedTwice(status), react: obliging });
    const events: SessionEvent[] = [];
    await using open = await session(host, events);
    expect(await open.send("Hello").result()).toMatchObject({ ending: "completed", text: "Here." });
    expect(host.log.filter(({ type }) => type === "user.message")).toHaveLength(1);
    expect(events.filter(({ type }) => type === "retrying")).toMatchObject([{ attempt: 1 }, { attempt: 2 }]);
  });

  it("refused for what it says is not sent again", async () => {
    await using host = await fakeHost({ fate: () => 400 });
    await using open = await session(host);
    await expect(open.send("Hello").result()).rejects.toMatchObject({ code: "host_rejected", status: 400 });
    expect(host.posts).toHaveLength(1);
  });

  it("whose reply is lost is found, and the same text sent before is not taken for it [I5] [L-29]", async () => {
    const fate = (_: Told, times: number): Fate => (times === 2 ? "reply lost" : "taken");
    await using host = await fakeHost({ fate, react: obliging });
    await using open = await session(host);
    for (const turn of [1, 2, 3])
      expect(await open.send("Again").result(), `message ${turn}`).toMatchObject({ text: "Here.", turns: 1 });
    expect(host.posts).toHaveLength(3);
  });

  it("whose reply is lost is ours, though the host cannot be asked for a while [I5]", async () => {
    await using host = await fakeHost({ fate: () => "reply lost", react: obliging, refusedLists: 5 });
    await using open = await session(host);
    expect(await open.send("Hello").result()).toMatchObject({ text: "Here.", ending: "completed" });
    expect(host.posts).toHaveLength(1);
  });

  it("lost on its way is looked for, and never sent again unseen: it may still arrive [I5]", async () => {
    await using host = await fakeHost({ fate: () => "lost" });
    await using open = await session(host);
    const failed = open.send("Hello").result();
    await expect(failed).rejects.toMatchObject({ code: "host_unreachable", mayRetry: false });
    await expect(failed).rejects.toThrow("It may have arrived");
    expect(host.posts).toHaveLength(1);
  });

  it("that arrives late, after its connection was lost, is waited for [I5]", async () => {
    await using host = await fakeHost({ fate: () => "lost" });
    await using open = await session(host, [], { firstDelayMs: 500 });
    const run = open.send("Hello");
    await expect.poll(() => host.posts.length).toBe(1);
    host.tell({ type: "user.message", content: [{ type: "text", text: "Hello", citations: null }] });
    obliging({ type: "user.message" }, host);
    expect(await run.result()).toMatchObject({ ending: "completed", text: "Here." });
  });

  it("goes after the interrupt that was sent before it", async () => {
    await using host = await fakeHost({
      fate: (event, times) => (event.type === "user.interrupt" && times === 1 ? 529 : "taken"),
      react: (event, on) => {
        if (event.type === "user.interrupt") on.tell(DONE);
        else if (on.posts.length === 1)
          on.tell(RUNNING, calling(), { ...DONE, stop_reason: blockedOn("call_1") });
        else obliging(event, on);
      },
    });
    const events: SessionEvent[] = [];
    await using open = await session(host, events);
    const abort = new AbortController();
    const stuck = open.send("Wait", { signal: abort.signal });
    await expect.poll(() => events.some(({ type }) => type === "tool.called")).toBe(true);
    abort.abort();
    await expect(stuck.result()).rejects.toMatchObject({ code: "aborted" });
    expect(await open.send("Next").result()).toMatchObject({ text: "Here." });
    expect(host.log.map(({ type }) => type).filter((type) => /interrupt|message$/.test(type))).toEqual([
      "user.message",
      "user.interrupt",
      "user.message",
      "agent.message",
    ]);
  });

  it("takes its instructions along in one request", async () => {
    await using host = await fakeHost({ react: obliging });
    await using open = await session(host);
    await open.send("Hello", { system: "Be brief." }).result();
    expect(host.posts).toMatchObject([
      [{ type: "user.message" }, { type: "system.message", content: [{ text: "Be brief." }] }],
    ]);
  });
});

const blockedOn = (...event_ids: string[]) => ({ type: "requires_action", event_ids });

describe("an outcome", () => {
  it("is worked towards in a run of its own, and its last verdict is in the result [A-140] [A-142]", async () => {
    const verdict = (result: string, iteration: number) => ({
      type: "span.outcome_evaluation_end",
      outcome_id: "outc_1",
      result,
      iteration,
      explanation: `${result}!`,
    });
    await using host = await fakeHost({
      react: (event, on) => {
        if (event.type === "user.define_outcome")
          on.tell(RUNNING, verdict("needs_revision", 0), verdict("satisfied", 1), DONE);
      },
    });
    await using open = await session(host);
    const outcome = { description: "A poem", rubric: "It rhymes" };
    const result = await open.send({ outcome }).result();
    expect(result).toMatchObject({ ending: "completed", outcome: { verdict: "satisfied", iteration: 1 } });
    expect(host.posts).toMatchObject([[{ type: "user.define_outcome", rubric: { content: "It rhymes" } }]]);
  });
});

describe("an answer", () => {
  const blocking =
    (thread?: string): FakeHostOptions["react"] =>
    (event, host) => {
      if (event.type === "user.message")
        host.tell(RUNNING, calling(thread), { ...DONE, stop_reason: blockedOn("call_1") });
      else if (event.type === "user.custom_tool_result") host.tell(RUNNING, DONE);
    };
  const isResult = ({ type }: Told) => type === "user.custom_tool_result";

  it.each<[string, (event: Told, times: number) => Fate]>([
    ["refused", (event, times) => (isResult(event) && times === 1 ? 529 : "taken")],
    ["lost on its way", (event, times) => (isResult(event) && times === 1 ? "lost" : "taken")],
    [
      "taken, and its reply lost",
      (event, times) => (isResult(event) && times === 1 ? "reply lost" : "taken"),
    ],
  ])("%s gets there once, and its tool runs once [I3] [I5]", async (_, fate) => {
    await using host = await fakeHost({ fate, react: blocking() });
    await using open = await session(host);
    expect(await open.send("Add").result()).toMatchObject({ ending: "completed" });
    expect(added).toBe(1);
    expect(host.log.filter(isResult)).toHaveLength(1);
  });

  it("refused because somebody else gave it is a success, whenever that is heard of [I5]", async () => {
    await using host = await fakeHost({
      fate: (event) => {
        if (!isResult(event)) return "taken";
        host.tell({ ...event, id: "theirs" }, RUNNING, DONE);
        return 400;
      },
      react: blocking(),
    });
    await using open = await session(host);
    expect(await open.send("Add").result()).toMatchObject({ ending: "completed" });
  });

  it("refused while the host waits for it fails the run", async () => {
    await using host = await fakeHost({
      fate: (event) => (isResult(event) ? 400 : "taken"),
      react: blocking(),
    });
    await using open = await session(host);
    await expect(open.send("Add").result()).rejects.toMatchObject({ code: "host_rejected", status: 400 });
  });

  it("to a thread that was archived is dropped, and the run goes on", async () => {
    const created = { type: "session.thread_created", session_thread_id: "child", agent_name: "scout" };
    await using host = await fakeHost({
      fate: (event) => {
        if (!isResult(event)) return "taken";
        setTimeout(() => host.tell(DONE), 20);
        return 400;
      },
      objects: { "/v1/sessions/sesn_1/threads/child": { id: "child", archived_at: "2026-01-01T00:00:00Z" } },
      react: (event, on) => {
        if (event.type === "user.message") on.tell(RUNNING, created, calling("child"));
      },
    });
    const events: SessionEvent[] = [];
    await using open = await session(host, events);
    expect(await open.send("Add").result()).toMatchObject({ ending: "completed" });
    expect(events).toContainEqual(
      expect.objectContaining({
        type: "provider",
        raw: expect.objectContaining({ id: "call_1", status: 400 }),
      }),
    );
  });
});
