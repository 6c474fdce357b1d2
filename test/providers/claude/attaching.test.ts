import type { SessionEvent } from "loophost";
import { manualClock } from "loophost/testing";
import { describe, expect, it, vi } from "vitest";

import { attach, blocked, DONE, inside, message, RUNNING, says } from "./attached.ts";
import type { FakeHost } from "./fake-host.ts";
import { fakeHost } from "./fake-host.ts";

describe("a server that differs from Anthropic's own", () => {
  const past = (host: FakeHost) => {
    host.tell(message("Hello"), RUNNING);
    for (let count = 1; count <= 30; count += 1) host.tell(says(`${count}`));
    host.tell(DONE);
  };

  it.each(["next_page", "has_more"] as const)(
    "and pages with %s is read to the end [A-159]",
    async (paging) => {
      await using host = await fakeHost({ paging, pageSize: 7, objects: inside("cloud") });
      past(host);
      await using session = await attach(host, { server: { pageSize: 7 } });
      const result = await session.resume({}).result();
      expect(result.ending).toBe("completed");
      const lists = host.requests.filter(({ line }) => line.endsWith("/events"));
      expect(lists).toHaveLength(5);
    },
  );

  it("and lists the oldest first, whatever it is asked, is read in order after a stream was lost [I1]", async () => {
    await using host = await fakeHost({
      ignoresOrder: true,
      objects: inside("cloud"),
      react: (event, on) => {
        if (event.type !== "user.message") return;
        on.tell(RUNNING, says("one"));
        on.cut();
        on.tell(says("two"), says("three"), DONE);
      },
    });
    await using session = await attach(host, { server: { listsNewestFirst: false } });
    expect((await session.send("Hello").result()).text).toBe("one\ntwo\nthree");
  });

  it("and numbers its stream is told where to go on from", async () => {
    await using host = await fakeHost({ sendsIds: true, objects: inside("cloud") });
    const events: SessionEvent[] = [];
    await using session = await attach(host, {}, { onEvent: (event) => events.push(event) });
    const run = session.send("Hello");
    await expect.poll(() => host.log.length).toBe(1);
    host.tell(RUNNING, { ...says("one"), id: "last_heard" });
    await expect.poll(() => events.at(-1)?.type).toBe("message");
    host.cut();
    await expect.poll(() => events.map(({ type }) => type)).toContain("stream.restored");
    const streams = host.requests.filter(({ line }) => line.endsWith("/stream"));
    expect(streams.map(({ lastEventId }) => lastEventId)).toEqual([undefined, "last_heard"]);
    host.tell(DONE);
    expect((await run.result()).text).toBe("one");
  });

  it("and ends its stream with a word that is no event is read on", async () => {
    await using host = await fakeHost({ objects: inside("cloud") });
    await using session = await attach(host);
    const run = session.send("Hello");
    await expect.poll(() => host.log.length).toBe(1);
    host.write("data: [DONE]\n\n");
    host.tell(RUNNING, says("one"), DONE);
    expect((await run.result()).text).toBe("one");
  });
});

describe("a session that cannot be attached to", () => {
  it("is given up when its opening is, and nothing is left behind [I12]", async () => {
    await using host = await fakeHost({ objects: inside("cloud") });
    const clock = manualClock();
    const abort = new AbortController();
    const asked = vi.fn<typeof fetch>(withoutStreams);
    const opening = attach(host, { clock, fetch: asked }, { signal: abort.signal });
    await expect.poll(() => new Request(asked.mock.lastCall?.[0] ?? host.url).url).toContain("/stream");
    expect(clock.waiting).toBe(1);
    abort.abort();
    await expect(opening).rejects.toMatchObject({ code: "aborted" });
    await expect.poll(() => clock.waiting).toBe(0);
  });

  it("is given up after some silent tries [I7]", async () => {
    await using host = await fakeHost({ objects: inside("cloud") });
    const clock = manualClock();
    let error: unknown;
    attach(host, { clock, fetch: withoutStreams }).catch((thrown: unknown) => (error = thrown));
    await expect
      .poll(() => clock.advance(60_000).then(() => error))
      .toMatchObject({
        code: "host_unreachable",
        message: expect.stringContaining("silent for 45000 ms"),
      });
  });

  /** A way to the host on which no stream ever opens. */
  const withoutStreams: typeof fetch = (input, init) =>
    new Request(input, init).url.includes("/stream")
      ? new Promise((_, reject) => {
          init?.signal?.addEventListener("abort", () => reject(new DOMException("Stopped", "AbortError")));
        })
      : fetch(input, init);
});

describe("others at work in the session", () => {
  it("may send a message nobody here hears: the turns of a run are counted on", async () => {
    const call = (id: string) => ({
      type: "agent.custom_tool_use",
      id,
      name: "bash",
      input: { command: id },
    });
    await using host = await fakeHost({
      objects: inside("cloud"),
      react: (event, on) => {
        if (event.type === "user.message" && on.posts.length === 1)
          on.tell(RUNNING, call("c1"), blocked("c1"));
        if (event["custom_tool_use_id"] === "c2") on.tell(RUNNING, DONE);
        if (event["custom_tool_use_id"] !== "c1") return;
        on.tell(RUNNING);
        on.cut();
        on.tell({ ...message("Me too"), processed_at: null }, call("c2"), blocked("c2"));
      },
    });
    await using session = await attach(host);
    expect(await session.send("Go").result()).toMatchObject({ turns: 3, ending: "completed" });
  });

  it("say what they say in their threads, not in the result [F1-12]", async () => {
    const thread = { session_thread_id: "child", agent_name: "scout" };
    await using host = await fakeHost({
      objects: inside("cloud"),
      react: (event, on) => {
        if (event.type !== "user.message") return;
        on.tell(RUNNING, {
          type: "session.thread_status_running",
          session_thread_id: "main",
          agent_name: "a",
        });
        on.tell(
          { type: "session.thread_created", ...thread },
          says("Mine.", "main"),
          says("Theirs.", "child"),
        );
        on.tell({ type: "session.thread_status_idle", ...thread }, DONE);
      },
    });
    const events: SessionEvent[] = [];
    await using session = await attach(host, {}, { onEvent: (event) => events.push(event) });
    expect((await session.send("Go").result()).text).toBe("Mine.");
    expect(events.filter(({ type }) => type === "thread.changed")).toMatchObject([
      { status: "created", thread: "child", agentName: "scout" },
      { status: "idle", thread: "child" },
    ]);
    expect(events.find((event) => event.type === "message" && event.text === "Theirs.")).toMatchObject({
      thread: "child",
    });
  });

  it("may delete it: a run under way ends so, though nobody said it", async () => {
    await using host = await fakeHost({ objects: inside("cloud") });
    await using session = await attach(host);
    const run = session.send("Go");
    await expect.poll(() => host.log.length).toBe(1);
    host.tell(RUNNING);
    host.delete();
    expect(await run.result()).toMatchObject({ ending: "deleted", terminal: "terminated" });
  });
});
