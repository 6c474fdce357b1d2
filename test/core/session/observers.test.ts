import { AsyncLocalStorage } from "node:async_hooks";

import type { About, HostEvent, Observer, SessionEvent } from "loophost";
import { defineAgent, defineTool, openSession, run } from "loophost";
import { local } from "loophost/providers/local";
import { memoryStore } from "loophost/stores/memory";
import { scriptedProvider } from "loophost/testing";
import { expect, it } from "vitest";

import { anything, call, done, needs } from "../../support/host-events.ts";

const current = new AsyncLocalStorage<string>();

const look = defineTool({
  name: "look",
  description: "Looks.",
  input: anything,
  execute: async (_, { metadata, traceContext }) => {
    await Promise.resolve();
    return { inside: current.getStore(), metadata, traceContext };
  },
});
const agent = defineAgent({ name: "watched", instructions: "Look.", model: "m-1", tools: [look] });

/** An observer whose context is around all it may stand around, and what it was told. */
function watcher(name: string): Observer & { readonly told: string[]; readonly abouts: Set<About> } {
  const told: string[] = [];
  const abouts = new Set<About>();
  return {
    told,
    abouts,
    event(event, about) {
      told.push(event.type);
      abouts.add(about);
    },
    tool: ({ id }, _, work) => current.run(`${name} ${id}`, work),
    send(inputs, _, work) {
      told.push(`send ${inputs.map(({ type }) => type).join()}`);
      return work();
    },
    model({ model }, _, work) {
      told.push(`ask ${model}`);
      return current.run(`${name} model`, work);
    },
    traceContext: ({ runId }, callId) => ({ traceparent: `${runId} ${callId}` }),
  };
}

/** A model that calls `look` twice at once, then answers; what context each request was made in. */
function looker(): { readonly provider: ReturnType<typeof local>; readonly askedIn: (string | undefined)[] } {
  const askedIn: (string | undefined)[] = [];
  const provider = local({
    model: ({ messages }) => {
      askedIn.push(current.getStore());
      if (messages.at(-1)?.role === "tool") return "seen";
      return [
        { type: "tool_call", id: "a", name: "look", input: {} },
        { type: "tool_call", id: "b", name: "look", input: {} },
        { type: "usage", inputTokens: 3 },
      ];
    },
  });
  return { provider, askedIn };
}

it("tells one that is listed twice once", async () => {
  let told = 0;
  const provider = local({ model: () => "hi" });
  const twice: Observer = { event: () => void (told += 1) };
  const events: SessionEvent[] = [];
  await run(agent, {
    provider,
    prompt: "go",
    observers: [twice, twice],
    onEvent: (event) => events.push(event),
  });
  expect(told).toBe(events.length);
});

it("is told every event in order, and stands around each tool, each send and each request [A-227] [A-231]", async () => {
  const { provider, askedIn } = looker();
  const one = watcher("one");
  const result = await run(agent, {
    provider,
    prompt: "look",
    observers: [one, watcher("two")],
    metadata: { tenant: "t1" },
  });
  const order = [
    "run.started",
    "send message",
    "ask m-1",
    "turn.started",
    "model.asked",
    "usage",
    "tool.called",
    "tool.called",
    "turn.ended",
    "tool.started",
    "tool.started",
    "tool.finished",
    "tool.finished",
    "send tool_result,tool_result",
    "ask m-1",
    "tool.posted",
    "tool.posted",
    "turn.started",
    "model.asked",
    "text.delta",
    "message",
    "turn.ended",
    "run.ended",
  ];
  expect(one.told).toEqual(order);
  expect(askedIn).toEqual(["two model", "two model"]);
  expect([...one.abouts]).toMatchObject([
    { sessionId: result.sessionId, runId: "run_1", metadata: { tenant: "t1" }, agent: { name: "watched" } },
  ]);
  expect(result.events.find(({ type }) => type === "model.asked")).toMatchObject({ turn: 1, model: "m-1" });
});

it("a tool runs in its observers' context, each call in its own, with the session's metadata [A-022]", async () => {
  const { provider } = looker();
  const { events } = await run(agent, {
    provider,
    prompt: "look",
    observers: [watcher("one")],
    metadata: { tenant: "t1" },
  });
  const said = events.flatMap((event) =>
    event.type === "tool.finished" ? event.result.content.map((block) => JSON.stringify(block)) : [],
  );
  for (const id of ["a", "b"]) {
    const text = said.find((one) => one.includes(`one ${id}`));
    expect(text).toContain("t1");
    expect(text).toContain(`run_1 ${id}`);
  }
});

const twice = (_: unknown, __: unknown, work: () => unknown) => [work(), work()][0];
const late = async (_: unknown, __: unknown, work: () => unknown) => {
  await Promise.resolve();
  return work();
};
const throws = () => {
  throw new Error("observer");
};

it.each([
  ["throws everywhere", throws],
  ["gives promises that reject", () => Promise.reject(new Error("observer"))],
  ["does the work twice", twice],
  ["does the work later", late],
  ["gives another value and does no work", () => "mine"],
])("a run is the same when an observer %s", async (_, method) => {
  const observer = everywhere(method);
  const told = async (observers: readonly Observer[]) => {
    const { provider } = looker();
    await using session = await openSession(agent, { provider, observers, store: memoryStore() });
    const events: SessionEvent[] = [];
    for await (const event of session.send("look")) events.push(event);
    return JSON.stringify(events)
      .replaceAll(session.id, "id")
      .replaceAll(/"durationMs":\d+/g, "");
  };
  expect(await told([observer, observer])).toBe(await told([]));
});

it.each([
  ["throws everywhere", throws, (told: number) => told + 2],
  ["gives promises that reject", () => Promise.reject(new Error("observer")), (told: number) => told + 2],
  ["does as it should", (_: unknown, __: unknown, work?: () => unknown) => work?.(), () => 0],
])(
  "counts what is dropped of an observer that %s, and not what the work itself throws",
  async (_, method, expected) => {
    const provider = scriptedProvider({ onSend: throws });
    let told = 0;
    let about: About | undefined;
    const counts: Observer = {
      event(_event, of) {
        told += 1;
        about = of;
      },
    };
    await using session = await openSession(agent, { provider, observers: [everywhere(method), counts] });
    await expect(session.send("go").result()).rejects.toThrow("observer");
    // Beside events: one send, and one question for the trace, for the journal.
    expect(about?.observerErrors).toBe(expected(told));
  },
);

it("tells all observers an event that one of them causes after the one that caused it", async () => {
  const provider = scriptedProvider({ turns: [[{ type: "message", text: "hi" }]] });
  const second: string[] = [];
  const first: Observer = {
    event(event) {
      if (event.type === "message" && event.text === "hi")
        provider.emit({ type: "message", text: "more" }, done);
    },
  };
  const other: Observer = {
    event(event) {
      second.push(event.type === "message" ? event.text : event.type);
    },
  };
  await using session = await openSession(agent, { provider, observers: [first, other] });
  await session.send("go").result();
  expect(second.slice(0, 4)).toEqual(["run.started", "turn.started", "hi", "more"]);
});

it("the trace of a run is on record for the process that goes on with it", async () => {
  const store = memoryStore();
  const ask = defineTool({ name: "ask", description: "Asks.", input: anything });
  const asking = defineAgent({ name: "a", instructions: "", tools: [ask] });
  const first = scriptedProvider({ turns: [[call("c1", "ask"), needs("c1")]] });
  const { sessionId } = await run(asking, {
    provider: first,
    store,
    prompt: "go",
    observers: [watcher("w")],
  });

  const seen = watcher("later");
  const past: HostEvent[] = [
    { type: "message.seen" },
    { type: "turn.began" },
    call("c1", "ask"),
    needs("c1"),
  ];
  const second = scriptedProvider({ past, turns: [[done]] });
  await using session = await openSession(asking, { provider: second, store, sessionId, observers: [seen] });
  for await (const { type } of session.resume())
    if (type === "run.waiting") await session.answer("c1", "yes");
  expect([...seen.abouts].map(({ begunIn }) => begunIn)).toEqual([{ traceparent: "run_1 undefined" }]);
});

it("without observers nothing is told of the trace, and the journal has no place for it", async () => {
  const store = memoryStore();
  const { sessionId } = await run(agent, { provider: looker().provider, prompt: "look", store });
  const log = await store.log.read(sessionId, 0, 100);
  const started = log.find(({ entry }) => (entry as { type: string }).type === "run.started");
  expect(JSON.stringify(started)).not.toContain("traceContext");
});

it("refuses observers and metadata that are none", async () => {
  const { provider } = looker();
  await expect(openSession(agent, { provider, observers: [1] as never })).rejects.toThrow(/observers/);
  const unawaited = [Promise.resolve(watcher("late"))] as never;
  await expect(openSession(agent, { provider, observers: unawaited })).rejects.toThrow(
    /observers must be a list of observers, awaited/,
  );
  await expect(openSession(agent, { provider, metadata: { a: 1 } as never })).rejects.toThrow(/metadata/);
});

function everywhere(method: (...args: never[]) => unknown): Observer {
  // oxlint-disable-next-line no-unsafe-type-assertion -- what plain JavaScript may give
  return {
    event: method,
    tool: method,
    send: method,
    model: method,
    traceContext: method,
  } as unknown as Observer;
}

it("progress of a tool is told while it runs, the newest unread, and is in no result", async () => {
  const loud = defineTool({
    name: "loud",
    description: "Tells.",
    input: anything,
    execute(_, { progress }) {
      for (let step = 1; step <= 1_000; step += 1) progress({ step });
      progress("x".repeat(15_999)); // two quotes more as JSON: one character too long
      progress("y".repeat(15_998));
      progress(1n);
      setTimeout(() => progress("too late"));
      return "done";
    },
  });
  const provider = scriptedProvider({ turns: [[call("c", "loud"), needs("c")], [done]] });
  const told: unknown[] = [];
  const observer: Observer = {
    event(event) {
      if (event.type === "tool.progress") told.push(event.progress);
    },
  };
  const telling = defineAgent({ name: "a", instructions: "", tools: [loud] });
  await using session = await openSession(telling, { provider, observers: [observer] });
  const started = session.send("go");
  const result = await started.result();
  await new Promise((resolve) => setTimeout(resolve));
  const steps = Array.from({ length: 1_000 }, (_, index) => ({ step: index + 1 }));
  expect(told).toEqual([...steps, "y".repeat(15_998)]);
  expect(result.events.filter(({ type }) => type === "tool.progress")).toEqual([]);
  const read: SessionEvent[] = [];
  for await (const event of started) read.push(event);
  const about = read.filter((event) => event.type === "tool.progress");
  expect(about).toEqual([{ type: "tool.progress", id: "c", name: "loud", progress: "y".repeat(15_998) }]);
});
