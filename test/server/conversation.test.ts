// Conversations through the official client, over HTTP: what a client sees, in which order, and what it may answer when.

import { manualClock } from "loophost/testing";
import { describe, expect, it } from "vitest";

import type { TranscriptMessage } from "../../src/core/transcript.ts";
import { answer, call, follow, gate, listed, message, say, scripted, startHost, stopOf } from "./support.ts";

/** What the model was told of its calls. */
function resultsIn(messages: readonly TranscriptMessage[]): string[] {
  return messages.flatMap((said) =>
    said.role !== "tool"
      ? []
      : said.results.map(
          ({ callId, result }) => `${callId}: ${JSON.stringify(result.content)} ${result.isError}`,
        ),
  );
}

describe("a turn", () => {
  it("is told in the order of the real service, and listed in the order it was streamed [F2-1] [F2-2] [S7-3] [S7-6]", async () => {
    await using server = await startHost(scripted("Hello."));
    const id = await server.session();
    await using stream = await follow(server.client, id);
    await say(server.client, id, "Hi");
    await stream.idle("end_turn");

    expect(stream.types()).toEqual([
      "session.status_running",
      "session.thread_status_running",
      "user.message",
      "span.model_request_start",
      "agent.message",
      "span.model_request_end",
      "session.thread_status_idle",
      "session.usage",
      "session.status_idle",
    ]);
    expect(await listed(server.client, id)).toEqual(stream.events);
    for (const event of stream.events)
      expect(event).toMatchObject({ id: expect.any(String), processed_at: expect.any(String) });
    expect(stream.events.at(-1)).toMatchObject({ stop_reason: { type: "end_turn" }, stop_details: null });
    expect(await server.client.beta.sessions.retrieve(id)).toMatchObject({ status: "idle" });
  });

  it("answers a custom tool and ends [S7-4]", async () => {
    const asked: TranscriptMessage[][] = [];
    await using server = await startHost(
      scripted([call("c1", "add", { a: 2, b: 3 })], ({ messages }) => {
        asked.push([...messages]);
        return [
          { type: "text", text: "It is 5." },
          { type: "usage", inputTokens: 60, outputTokens: 15 },
        ];
      }),
    );
    const id = await server.session(["add"]);
    await using stream = await follow(server.client, id);
    const sent = await server.client.beta.sessions.events.send(id, { events: [message("2+3?")] });
    expect(sent.data).toMatchObject([{ type: "user.message", processed_at: null, id: expect.any(String) }]);

    const use = await stream.until("agent.custom_tool_use");
    expect(use).toMatchObject({ name: "add", input: { a: 2, b: 3 }, session_thread_id: null });
    const idle = await stream.idle("requires_action");
    expect(idle["stop_reason"]).toEqual({ type: "requires_action", event_ids: [use.id] });
    expect(await server.client.beta.sessions.retrieve(id)).toMatchObject({ status: "idle" });

    const from = stream.events.length;
    await server.client.beta.sessions.events.send(id, { events: [answer(use.id, "5")] });
    await stream.idle("end_turn");
    expect(stream.types().slice(from)).toEqual([
      "user.custom_tool_result",
      "session.status_running",
      "session.thread_status_running",
      "span.model_request_start",
      "agent.message",
      "span.model_request_end",
      "session.thread_status_idle",
      "session.usage",
      "session.status_idle",
    ]);
    expect(resultsIn(asked[0] ?? [])).toEqual(['c1: [{"type":"text","text":"5"}] false']);
    expect(await server.client.beta.sessions.retrieve(id)).toMatchObject({
      usage: { input_tokens: 60, output_tokens: 15 },
    });
  });

  it("waits for an answer as long as it takes [F2-5]", async () => {
    const clock = manualClock();
    await using server = await startHost(scripted([call("c1", "a")], "done"), { clock });
    const id = await server.session(["a"]);
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    const use = await stream.until("agent.custom_tool_use");
    await stream.idle("requires_action");
    await clock.advance(20 * 60_000);
    await server.client.beta.sessions.events.send(id, { events: [answer(use.id, "at last")] });
    expect(await stream.idle("end_turn")).toBeDefined();
  });

  it("with neither text nor call is an end_turn without a message [F2-7]", async () => {
    await using server = await startHost(scripted([]));
    const id = await server.session();
    await using stream = await follow(server.client, id);
    await say(server.client, id, "Hi");
    await stream.idle("end_turn");
    expect(stream.types()).not.toContain("agent.message");
  });

  it("that starts with the session needs no send", async () => {
    await using server = await startHost(scripted("Hello."));
    const agent = await server.client.beta.agents.create({ name: "helper", model: "m" });
    const environment = await server.client.beta.environments.create({ name: "dev" });
    const session = await server.client.beta.sessions.create({
      agent: { type: "agent", id: agent.id },
      environment_id: environment.id,
      initial_events: [message("Hi")],
    });
    expect(session.status).toBe("running");
    const { data } = await server.client.beta.sessions.events.list(session.id, { types: ["user.message"] });
    expect(data).toHaveLength(1);
  });

  it("remembers the conversation over many runs", async () => {
    const asked: number[] = [];
    await using server = await startHost(({ messages }) => {
      asked.push(messages.length);
      return "ok";
    });
    const id = await server.session();
    await using stream = await follow(server.client, id);
    for (const text of ["one", "two", "three"]) {
      const from = stream.events.length;
      await say(server.client, id, text);
      await stream.idle("end_turn", from);
    }
    expect(asked).toEqual([1, 3, 5]);
  });
});

describe("two calls", () => {
  it("answered one by one: idle again with what is left, and no running between [F2-3] [S7-5]", async () => {
    await using server = await startHost(scripted([call("c1", "a"), call("c2", "b")], "done"));
    const id = await server.session(["a", "b"]);
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    const idle = await stream.idle("requires_action");
    const [first, second] = (idle["stop_reason"] as { event_ids: string[] }).event_ids;

    let from = stream.events.length;
    await server.client.beta.sessions.events.send(id, { events: [answer(first, "1")] });
    const again = await stream.idle("requires_action", from);
    expect(again["stop_reason"]).toEqual({ type: "requires_action", event_ids: [second] });
    expect(stream.types().slice(from)).toEqual([
      "user.custom_tool_result",
      "session.thread_status_idle",
      "session.usage",
      "session.status_idle",
    ]);

    from = stream.events.length;
    await server.client.beta.sessions.events.send(id, { events: [answer(second, "2")] });
    await stream.idle("end_turn", from);
    expect(stream.types().slice(from, from + 2)).toEqual([
      "user.custom_tool_result",
      "session.status_running",
    ]);
  });

  it("answered together go on without another idle", async () => {
    await using server = await startHost(scripted([call("c1", "a"), call("c2", "b")], "done"));
    const id = await server.session(["a", "b"]);
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    const idle = await stream.idle("requires_action");
    const [first, second] = (idle["stop_reason"] as { event_ids: string[] }).event_ids;
    await server.client.beta.sessions.events.send(id, { events: [answer(second, "2"), answer(first, "1")] });
    await stream.idle("end_turn");
    const idles = stream.events.filter(({ type }) => type === "session.status_idle").map(stopOf);
    expect(idles).toEqual(["requires_action", "end_turn"]);
  });

  it("are run by the official tool runner", async () => {
    await using server = await startHost(
      scripted([call("c1", "add", { n: 1 }), call("c2", "add", { n: 2 })], "done"),
    );
    const id = await server.session(["add"]);
    await say(server.client, id, "go");
    const stop = new AbortController();
    const runner = server.client.beta.sessions.events.toolRunner(id, {
      signal: stop.signal,
      maxIdleMs: 50,
      tools: [
        {
          type: "custom",
          name: "add",
          description: "adds",
          input_schema: { type: "object" },
          run: (input: { n: number }) => String(input.n + 1),
          parse: (input: unknown) => input as { n: number },
        },
      ],
    });
    const posted: boolean[] = [];
    for await (const { posted: isPosted } of runner) posted.push(isPosted);
    expect(posted).toEqual([true, true]);
    const texts = (await listed(server.client, id)).filter(({ type }) => type === "agent.message");
    expect(texts).toHaveLength(1);
  });

  it("are all there before one of them is answered, eight of them, and can be answered at once [I8]", async () => {
    const names = Array.from({ length: 8 }, (_, index) => `t${index}`);
    await using server = await startHost(
      scripted(
        names.map((name) => call(name, name)),
        "done",
      ),
    );
    const id = await server.session(names);
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    const uses: (string | undefined)[] = [];
    for (let seen = 0; uses.length < names.length;) {
      const use = await stream.until("agent.custom_tool_use", seen);
      seen = stream.events.indexOf(use) + 1;
      uses.push(use.id);
    }
    const { events } = server.client.beta.sessions;
    await Promise.all(uses.map((use) => events.send(id, { events: [answer(use, "ok")] })));
    await stream.idle("end_turn");
    const results = (await listed(server.client, id)).filter(
      ({ type }) => type === "user.custom_tool_result",
    );
    expect(results).toHaveLength(names.length);
  });
});

describe("an interrupt", () => {
  it("while calls wait closes them, then is echoed, then ends the turn [F2-6] [S7-7]", async () => {
    const asked: TranscriptMessage[][] = [];
    await using server = await startHost(
      scripted([call("c1", "a"), call("c2", "b")], ({ messages }) => {
        asked.push([...messages]);
        return "after";
      }),
    );
    const id = await server.session(["a", "b"]);
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    const idle = await stream.idle("requires_action");
    const [first, second] = (idle["stop_reason"] as { event_ids: string[] }).event_ids;
    await server.client.beta.sessions.events.send(id, { events: [answer(first, "kept")] });

    const from = stream.events.length;
    await server.client.beta.sessions.events.send(id, {
      events: [{ type: "user.interrupt" }, message("next")],
    });
    await stream.idle("end_turn", from);
    const firstEnd = stream.events.length;
    await stream.idle("end_turn", firstEnd);

    const since = stream.events.slice(from).filter(({ type }) => type !== "session.thread_status_idle");
    const types = since.map(({ type }) => type);
    const start = types.indexOf("agent.tool_result");
    expect(types.slice(start, start + 8)).toEqual([
      "agent.tool_result",
      "user.interrupt",
      "session.usage",
      "session.status_idle",
      "session.status_running",
      "session.thread_status_running",
      "user.message",
      "span.model_request_start",
    ]);
    expect(since[start]).toMatchObject({ tool_use_id: second, is_error: true });
    // What was answered before the interrupt is not lost to the model.
    expect(resultsIn(asked[0] ?? [])).toEqual([
      'c1: [{"type":"text","text":"kept"}] false',
      'c2: [{"type":"text","text":"This call was stopped before it had a result. It may have taken effect; check before repeating it."}] true',
    ]);
  });

  it("stops the model at once and ends with end_turn", async () => {
    const asked = gate();
    await using server = await startHost(
      scripted((_, signal) => {
        asked.open();
        return new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason)),
        );
      }),
    );
    const id = await server.session();
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    await asked.opened;
    await server.client.beta.sessions.events.send(id, { events: [{ type: "user.interrupt" }] });
    await stream.idle("end_turn");
    expect(stream.types().slice(4)).toEqual([
      "span.model_request_end",
      "user.interrupt",
      "session.thread_status_idle",
      "session.usage",
      "session.status_idle",
    ]);
  });

  it("of an idle session does nothing", async () => {
    await using server = await startHost(scripted("Hello."));
    const id = await server.session();
    await server.client.beta.sessions.events.send(id, { events: [{ type: "user.interrupt" }] });
    expect((await listed(server.client, id)).map(({ type }) => type)).toEqual(["user.interrupt"]);
  });
});

describe("messages that come while a turn runs", () => {
  it("wait, and are taken in order, each after the idle before it", async () => {
    const release = gate();
    const heard: string[] = [];
    await using server = await startHost(async ({ messages }) => {
      heard.push(JSON.stringify(messages.at(-1)));
      await release.opened;
      return "ok";
    });
    const id = await server.session();
    await using stream = await follow(server.client, id);
    await say(server.client, id, "one");
    await stream.until("span.model_request_start");
    const { data } = await server.client.beta.sessions.events.send(id, {
      events: [message("two"), message("three")],
    });
    expect(data?.map((event) => event.processed_at)).toEqual([null, null]);

    // Listed once each, also while they wait.
    const waiting = (await listed(server.client, id)).filter(({ type }) => type === "user.message");
    expect(waiting.map((event) => event.processed_at === null)).toEqual([false, true, true]);

    release.open();
    for (let count = 0, from = 0; count < 3; count += 1) {
      await stream.idle("end_turn", from);
      from =
        stream.events.findIndex((event, index) => index >= from && event.type === "session.status_idle") + 1;
    }
    const messages = (await listed(server.client, id)).filter(({ type }) => type === "user.message");
    expect(messages.map((event) => event.processed_at === null)).toEqual([false, false, false]);
    expect(heard).toHaveLength(3);
    expect(heard[2]).toContain("three");
  });
});
