// The order of things inside one session that the in-process host never shows by itself: answers that come before the
// turn that asked has ended, two answers at once, a store that fails, a process that went away.

import { LoophostError } from "loophost";
import type { HostEvent, HostInput, Provider, Store } from "loophost";
import { memoryStore } from "loophost/stores/memory";
import { manualClock, settleMicrotasks } from "loophost/testing";
import { describe, expect, it } from "vitest";

import { local } from "../../../src/providers/local/local.ts";
import type { ModelFunction } from "../../../src/providers/local/models/function-model.ts";
import { createAgent, snapshotOf } from "../../../src/server/records/agent-record.ts";
import { Collection } from "../../../src/server/records/collection.ts";
import { createEnvironment } from "../../../src/server/records/environment-record.ts";
import type { SessionRecord } from "../../../src/server/records/session-record.ts";
import { createSession } from "../../../src/server/records/session-record.ts";
import { ConversationCache } from "../../../src/server/session/conversation-cache.ts";
import type { SessionHost } from "../../../src/server/session/host.ts";
import { LiveSessions } from "../../../src/server/session/live-sessions.ts";
import { markedIds } from "../../../src/server/session/open-marks.ts";
import { HostedSession } from "../../../src/server/session/session.ts";
import type { UserEvent } from "../../../src/server/wire/user-events.ts";
import { readEvents } from "../../../src/server/wire/user-events.ts";
import type { WireEvent } from "../../../src/server/wire/wire-events.ts";
import { answer, call, customTool, message, scripted } from "../support.ts";

const NO_FILES = {
  get: () => Promise.reject(new Error("no files here")),
  read: () => Promise.reject(new Error("no files here")),
};

function hostOf(provider: SessionHost["provider"]): Omit<SessionHost, "store"> {
  return {
    clock: manualClock(),
    provider,
    files: NO_FILES,
    conversations: new ConversationCache(memoryStore().records),
    prices: {},
    observers: [],
    onRunning: () => undefined,
    onError: () => undefined,
  };
}

/** A new session of an agent with the tool `t`. */
function newSession(): SessionRecord {
  const agent = createAgent({ name: "helper", model: "m", tools: [customTool("t") as never] });
  return createSession({}, snapshotOf(agent), createEnvironment({ name: "dev" }));
}

/** A session whose loop host says what the test makes it say. */
function sessionUnderTest(changes: Partial<SessionRecord> = {}, store: Store = memoryStore()) {
  let emit: ((event: HostEvent) => void) | undefined;
  const sent: HostInput[] = [];
  let opened = 0;
  const provider: Provider = {
    name: "by hand",
    traits: { answers: "together", history: "here", worksAlone: false },
    open: (request) => {
      ({ emit } = request);
      opened += 1;
      emit({ type: "reply.owed" });
      return Promise.resolve({
        sessionId: "inner",
        send(inputs) {
          sent.push(...inputs);
          return Promise.resolve();
        },
        catchUp: () => Promise.resolve(),
        transcript: () => [],
        close: () => Promise.resolve(),
      });
    },
  };
  const record = { ...newSession(), ...changes };
  const saved: SessionRecord[] = [];
  const host = { ...hostOf(() => provider), store };
  const session = new HostedSession(record, host, {
    writesOf(changed) {
      saved.push(changed);
      return [];
    },
    forget: () => [],
    onQuiet: () => undefined,
  });
  const events: WireEvent[] = [];
  session.log.follow({
    take: (items) => {
      for (const { seq, event } of items) if (seq !== undefined) events.push(event);
    },
    end: () => undefined,
  });
  return {
    session,
    sent,
    opened: () => opened,
    saved,
    events,
    emit: (event: HostEvent) => emit?.(event),
    types: () => events.map(({ type }) => type),
    uses: () => events.filter(({ type }) => type === "agent.custom_tool_use").map(({ id }) => id),
  };
}

const post = (...events: unknown[]): readonly UserEvent[] => readEvents({ events: events as never });
const callOf = (id: string): HostEvent => ({ type: "call", id, name: "t", input: {} });
const waitsFor = (...needs: string[]): HostEvent => ({
  type: "turn.done",
  ending: "requires_action",
  stopReason: null,
  needs,
});

/** A session at work, whose model has called the tool under these ids and has not ended its turn. */
async function calling(...ids: readonly string[]) {
  const one = sessionUnderTest();
  one.session.post(post(message("go")));
  await expect.poll(() => one.opened()).toBe(1);
  one.emit({ type: "turn.began" });
  for (const id of ids) one.emit(callOf(id));
  await expect.poll(() => one.uses()).toHaveLength(ids.length);
  const [first, second] = one.uses();
  return { ...one, first, second };
}

/** A session that waits for the answers to two calls. */
async function waiting() {
  const one = await calling("c1", "c2");
  one.emit(waitsFor("c1", "c2"));
  await settleMicrotasks();
  return one;
}

describe("answers that come before the turn has ended", () => {
  it("all of them: no idle is owed, and the session never leaves running [S7-5]", async () => {
    const one = await calling("c1", "c2");
    one.session.post(post(answer(one.first, "1")));
    one.session.post(post(answer(one.second, "2")));
    await settleMicrotasks();
    one.emit(waitsFor("c1", "c2"));
    await settleMicrotasks();

    expect(one.types()).not.toContain("session.status_idle");
    expect(one.types().filter((type) => type === "session.status_running")).toHaveLength(1);
    expect(one.sent.filter(({ type }) => type === "tool_result")).toHaveLength(2);
    expect(one.session.record.status).toBe("running");
  });

  it("in the very tick in which the turn ends: still none", async () => {
    const one = await calling("c1");
    one.session.post(post(answer(one.first, "1")));
    one.emit(waitsFor("c1"));
    await settleMicrotasks();
    expect(one.types()).not.toContain("session.status_idle");
    expect(one.sent.filter(({ type }) => type === "tool_result")).toHaveLength(1);
  });

  it("a part of them: the idle asks for the rest only", async () => {
    const one = await calling("c1", "c2");
    one.session.post(post(answer(one.first, "1")));
    expect(one.types()).not.toContain("session.status_idle");
    one.emit(waitsFor("c1", "c2"));
    await settleMicrotasks();
    expect(one.events.at(-1)).toMatchObject({
      stop_reason: { type: "requires_action", event_ids: [one.second] },
    });
  });

  it("all of them, with instructions: the turn ends before the model is asked again", async () => {
    const one = await calling("c1");
    const brief = { type: "system.message", content: [{ type: "text", text: "Be brief." }] };
    one.session.post(post(answer(one.first, "1"), brief));
    await settleMicrotasks();
    expect(one.opened()).toBe(1);
    one.emit(waitsFor("c1"));
    await settleMicrotasks();
    expect(one.opened()).toBe(2);
    expect(one.sent.map(({ type }) => type)).toEqual(["continue", "continue"]);
    expect(one.types()).not.toContain("session.status_idle");
    expect(one.types().filter((type) => type === "span.model_request_end")).toHaveLength(1);
  });

  it("a message may still queue then, since nothing is asked for yet", async () => {
    const one = await calling("c1");
    expect(one.session.post(post(message("more")))).toMatchObject([{ processed_at: null }]);
    one.emit(waitsFor("c1"));
    await settleMicrotasks();
    expect(() => one.session.post(post(message("even more")))).toThrow("waits for the results");
  });
});

describe("a post", () => {
  it("is taken whole or not at all [S7-4]", async () => {
    const { session, events, first } = await waiting();
    const before = events.length;
    expect(() => session.post(post(answer(first, "1"), answer("sevt_nobody", "2")))).toThrow("sevt_nobody");
    expect(() => session.post(post(answer(first, "1"), message("hi")))).toThrow("waits for the results");
    expect(() => session.post(post(answer(first, "1"), answer(first, "again")))).toThrow("answered already");
    await settleMicrotasks();
    expect(events).toHaveLength(before);
  });

  it("cannot answer what another has just answered [F3-duplicate]", async () => {
    const { session, first, second } = await waiting();
    session.post(post(answer(first, "1")));
    expect(() => session.post(post(answer(first, "1")))).toThrow("answered already");
    session.post(post(answer(second, "2")));
    expect(() => session.post(post(answer(second, "2")))).toThrow("answered already");
  });

  it("with the last answers and a message after them takes both", async () => {
    const { session, types, first, second } = await waiting();
    const echoes = session.post(post(answer(first, "1"), answer(second, "2"), message("and then")));
    expect(echoes.map((echo) => echo.processed_at === null)).toEqual([false, false, true]);
    await settleMicrotasks();
    expect(types().filter((type) => type === "session.status_idle")).toHaveLength(1);
  });

  it("with the last answer and an interrupt keeps the answer and ends the turn", async () => {
    const { session, events, types, first, second } = await waiting();
    session.post(post(answer(first, "1"), answer(second, "2"), { type: "user.interrupt" }));
    await settleMicrotasks();
    expect(types()).not.toContain("agent.tool_result");
    expect(events.at(-1)).toMatchObject({ type: "session.status_idle", stop_reason: { type: "end_turn" } });
  });
});

it("saves what the session is doing before it says so [S7-6]", async () => {
  const one = sessionUnderTest();
  let savedAtIdle: string | undefined;
  one.session.log.follow({
    take: (items) => {
      if (items.some(({ event }) => event.type === "session.status_idle"))
        savedAtIdle = one.saved.at(-1)?.status;
    },
    end: () => undefined,
  });
  one.session.post(post(message("go")));
  await settleMicrotasks();
  one.emit({ type: "turn.began" });
  one.emit({ type: "turn.done", ending: "completed", stopReason: null });
  await settleMicrotasks();
  expect(savedAtIdle).toBe("idle");
  expect(one.session.isQuiet).toBe(false); // it is followed
});

it("leaves memory when it has nothing to do and nobody follows [I10]", async () => {
  const store = memoryStore();
  const records = new Collection<SessionRecord>(store.records, "sessions");
  const model = scripted([call("c1", "t")], "done");
  const clock = manualClock();
  const live = new LiveSessions(records, { ...hostOf(() => local({ model })), store, clock });
  const record = newSession();
  const { id } = record;
  await live.create(record, post(message("go")));
  await settleMicrotasks();
  expect(live.size).toBe(1); // it waits for an answer
  await clock.advance(60_000);
  await settleMicrotasks();
  expect(live.size).toBe(0); // it has waited long
  const [callId] = await live.use(id, async ({ log }) => {
    const events = await log.read(0, 100);
    return events.filter(({ event }) => event.type === "agent.custom_tool_use").map(({ event }) => event.id);
  });
  await live.use(id, (session) => session.post(post(answer(callId, "1"))));
  await settleMicrotasks();
  expect(live.size).toBe(0);
  expect(await records.get(id)).toMatchObject({ status: "idle" });
});

it("tells who waits when the store fails, and stops what runs", async () => {
  const store = memoryStore();
  const one = sessionUnderTest(
    {},
    { ...store, log: { ...store.log, append: () => Promise.reject(new Error("disk full")) } },
  );
  one.session.post(post(message("go")));
  await expect(one.session.log.written()).rejects.toThrow("disk full");
  await expect(one.session.log.written()).rejects.toThrow(LoophostError);
  await settleMicrotasks();
  expect(one.events).toEqual([]);
  expect(one.session.log.isQuiet).toBe(true);
});

describe("when a host starts", () => {
  /** Hosts, one after the other, on one store; the model of each is given. */
  function hosts() {
    const store = memoryStore();
    const records = new Collection<SessionRecord>(store.records, "sessions");
    const clock = manualClock();
    let asked = 0;
    const start = (model: ModelFunction) => {
      const counted: ModelFunction = (request, context) => {
        asked += 1;
        return model(request, context);
      };
      return new LiveSessions(records, { ...hostOf(() => local({ model: counted })), store, clock });
    };
    const begin = async (model: ModelFunction) => {
      const record = newSession();
      await start(model).create(record, post(message("go")));
      await settleMicrotasks();
      return record.id;
    };
    const takeUp = async (live: LiveSessions) => live.takeUp(await markedIds(store.records));
    return { start, takeUp, begin, records, store, clock, asked: () => asked };
  }
  const silent: ModelFunction = () => new Promise(() => undefined);

  it("a session that was at work goes on; one that waits stays in the store [S7-restart]", async () => {
    const { start, takeUp, begin, asked } = hosts();
    const waits = await begin(() => [call("c1", "t")]);
    const worked = await begin(silent);
    expect(asked()).toBe(2);

    const next = start(silent);
    await takeUp(next);
    await settleMicrotasks();
    expect(asked()).toBe(3);
    expect(next.size).toBe(1);
    expect(await next.use(worked, ({ record }) => record.status)).toBe("running");
    expect(await next.use(waits, ({ record }) => record.status)).toBe("idle");
  });

  it("what a session does follows from its log; its record may be ahead of that [S7-restart]", async () => {
    const { start, takeUp, begin, records, asked } = hosts();
    const id = await begin(silent);
    await records.change(id, (record) => ({ ...(record as SessionRecord), status: "idle" }));

    const next = start(silent);
    await takeUp(next);
    await settleMicrotasks();
    expect(asked()).toBe(2);
    expect(await next.use(id, ({ record }) => record.status)).toBe("running");
  });

  it("a session that was about to be archived when the host before died waits as before [S7-restart]", async () => {
    const { start, begin, records } = hosts();
    const id = await begin(() => [call("c1", "t")]);
    await records.change(id, (record) => ({
      ...(record as SessionRecord),
      status: "terminated",
      archived_at: "2026-01-01T00:00:00.000Z",
    }));
    expect(await start(silent).use(id, ({ record }) => record)).toMatchObject({
      status: "idle",
      archived_at: null,
    });
  });

  it("a session whose first event the host before did not write is idle, and nothing is open [S7-restart]", async () => {
    const { start, takeUp, records, store } = hosts();
    const record = newSession();
    await start(silent).create(record, []);
    await store.records.put("host.open", record.id, {});
    await records.put({ ...record, status: "running" });

    await takeUp(start(silent));
    await settleMicrotasks();
    expect(await records.get(record.id)).toMatchObject({ status: "idle" });
    expect(await store.records.get("host.open", record.id)).toBeUndefined();
  });

  it("the time it was away does not count as work [S7-restart]", async () => {
    const { start, takeUp, begin, records, clock } = hosts();
    await clock.advance(3_600_000);
    const id = await begin(silent);
    await takeUp(start(() => "done"));
    await settleMicrotasks();
    expect(await records.get(id)).toMatchObject({ status: "idle", stats: { active_seconds: 0 } });
  });
});
