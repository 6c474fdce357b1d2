// What clients may see while the store has not answered yet: what is in it, and nothing that may still be lost.

import { memoryStore } from "loophost/stores/memory";
import { manualClock, settleMicrotasks } from "loophost/testing";
import { describe, expect, it } from "vitest";

import { local } from "../../src/providers/local/local.ts";
import { EventLog } from "../../src/server/log/event-log.ts";
import { openStream } from "../../src/server/log/event-stream.ts";
import { createAgent, snapshotOf } from "../../src/server/records/agent-record.ts";
import { Collection } from "../../src/server/records/collection.ts";
import { createEnvironment } from "../../src/server/records/environment-record.ts";
import type { SessionRecord } from "../../src/server/records/session-record.ts";
import { createSession } from "../../src/server/records/session-record.ts";
import { ConversationCache } from "../../src/server/session/conversation-cache.ts";
import { LiveSessions } from "../../src/server/session/live-sessions.ts";
import { readEvents } from "../../src/server/wire/user-events.ts";
import { wireEvent } from "../../src/server/wire/wire-events.ts";
import { follow, gate, GONE, listed, message, refusal, say, scripted, startHost } from "./support.ts";

/** A store that holds back appends, while it is told to. */
function heldStore() {
  const kept = memoryStore();
  const { log } = kept;
  let held: Record<"met" | "go", ReturnType<typeof gate<void>>> | undefined;
  const append: typeof log.append = async (...call) => {
    held?.met.open();
    await held?.go.opened;
    return log.append(...call);
  };
  return {
    kept,
    store: { ...kept, log: { ...log, append } },
    /** From here on; resolves when there is such a call. */
    hold: () => {
      held = { met: gate(), go: gate() };
      return held.met.opened;
    },
    release: () => {
      held?.go.open();
      held = undefined;
    },
  };
}

it("a message that is taken stays in the listing until the store has that it was [I5]", async () => {
  const held = heldStore();
  const first = gate<string>();
  await using server = await startHost(
    scripted(() => first.opened, "two"),
    { store: held.store },
  );
  const id = await server.session();
  const messages = async () =>
    (await listed(server.client, id)).filter(({ type }) => type === "user.message");
  await using stream = await follow(server.client, id);
  await say(server.client, id, "one");
  await say(server.client, id, "two");
  const isHeld = held.hold();
  first.open("done");
  await isHeld;
  const seen = await messages();
  held.release();
  expect(seen).toMatchObject([
    { content: [{ text: "one" }] },
    { content: [{ text: "two" }], processed_at: null },
  ]);
  await stream.idle("end_turn");
  await stream.idle("end_turn", stream.types().indexOf("session.status_idle") + 1);
  expect((await messages()).map(({ id: messageId }) => messageId)).toEqual(
    seen.map(({ id: messageId }) => messageId),
  );
});

it("what a session is doing is shown once it is kept [S7-6]", async () => {
  const held = heldStore();
  await using server = await startHost(() => new Promise(() => undefined), { store: held.store });
  const id = await server.session();
  const isHeld = held.hold();
  const posted = say(server.client, id, "go");
  await isHeld;
  let hasShown = false;
  const looked = server.client.beta.sessions.retrieve(id).finally(() => {
    hasShown = true;
  });
  // Others are answered meanwhile.
  for (let count = 0; count < 3; count += 1) await server.client.beta.agents.list();
  const wasEarly = hasShown;
  held.release();
  await posted;
  expect(await looked).toMatchObject({ status: "running" });
  expect(wasEarly).toBe(false);
});

it("the mark of an open session is in the store with the event that opens it, and gone with the one that ends it [S7-restart]", async () => {
  const store = memoryStore();
  await using server = await startHost(
    scripted("one", () => new Promise(() => undefined)),
    { store },
  );
  const id = await server.session();
  await using stream = await follow(server.client, id);
  const marked = async () => (await store.records.list("host.open", "", 10)).map(({ key }) => key);
  await say(server.client, id, "go");
  await stream.idle("end_turn");
  expect(await marked()).toEqual([]);
  await say(server.client, id, "go on");
  await stream.until("session.status_running", stream.types().indexOf("session.status_idle"));
  expect(await marked()).toEqual([id]);
});

it("a session is deleted once; whoever comes meanwhile finds it gone, and it does not come back", async () => {
  const held = heldStore();
  await using server = await startHost(() => "ok", { store: held.store });
  const id = await server.session();
  await using stream = await follow(server.client, id);
  await say(server.client, id, "go");
  await stream.idle("end_turn");
  const isHeld = held.hold();
  const { sessions } = server.client.beta;
  const first = sessions.delete(id);
  await isHeld;
  for (const late of [sessions.delete(id), sessions.archive(id), sessions.update(id, { title: "t" })])
    expect(await refusal(late)).toBe(GONE);
  held.release();
  await first;
  await stream.ended;
  expect(await refusal(sessions.retrieve(id))).toBe(GONE);
  expect(await held.kept.records.get("host.sessions", id)).toBeUndefined();
});

it("a session whose log cannot be written is had from the store again, even while somebody uses it", async () => {
  const kept = memoryStore();
  let isFull = true;
  const append: typeof kept.log.append = async (id, fence, entries, along) => {
    if (isFull) throw new Error("the disk is full");
    return kept.log.append(id, fence, entries, along);
  };
  const records = new Collection<SessionRecord>(kept.records, "sessions");
  const live = new LiveSessions(records, {
    store: { ...kept, log: { ...kept.log, append } },
    clock: manualClock(),
    provider: () => local({ model: () => "ok" }),
    files: { get: () => Promise.resolve(), read: () => Promise.reject(new Error("no files here")) },
    conversations: new ConversationCache(memoryStore().records),
    observers: [],
    prices: {},
    onRunning: () => undefined,
    onError: () => undefined,
  });
  const agent = snapshotOf(createAgent({ name: "helper", model: "m" }));
  const record = createSession({}, agent, createEnvironment({ name: "dev" }));
  await live.create(record, []);
  const long = gate();
  const user = live.use(record.id, () => long.opened);
  const go = readEvents({ events: [message("go")] });
  await expect(live.post(record.id, go)).rejects.toThrow("the disk is full");
  isFull = false;
  expect(await live.post(record.id, go)).toMatchObject([{ type: "user.message" }]);
  long.open();
  await user;
});

describe("a stream", () => {
  const options = {
    previews: new Set<string>(),
    clock: manualClock(),
    pingIntervalMs: 15_000,
    eventName: "type",
  } as const;
  const text = async (reader: ReadableStreamDefaultReader<Uint8Array>) =>
    new TextDecoder().decode((await reader.read()).value);

  it("misses nothing that is written while it reads where the log ends [S7-2]", async () => {
    const kept = memoryStore();
    const read = gate();
    const store = {
      ...kept.log,
      async read(...args: Parameters<typeof kept.log.read>) {
        const page = await kept.log.read(...args);
        await read.opened;
        return page;
      },
    };
    const log = new EventLog(store, "s", () => undefined);
    log.append(wireEvent("agent.message", { count: 1 }));
    await log.written();
    const reader = openStream(log, { ...options, after: 1 }).getReader();
    await settleMicrotasks();
    log.append(wireEvent("agent.message", { count: 2 }));
    await log.written();
    read.open();
    expect(await text(reader)).toContain('"count":2');
    await reader.cancel();
  });

  it("that cannot be read on lets go of its session [I10] [I12]", async () => {
    const clock = manualClock();
    const kept = memoryStore();
    const store = { ...kept.log, read: () => Promise.reject(new Error("unreadable")) };
    const log = new EventLog(store, "s", () => undefined);
    const reader = openStream(log, { ...options, clock, after: 0 }).getReader();
    await expect(reader.read()).rejects.toThrow("unreadable");
    expect(log.isQuiet).toBe(true);
    expect(clock.waiting).toBe(0);
  });

  it("of a session that is over ends at once [I12]", async () => {
    const log = new EventLog(memoryStore().log, "s", () => undefined);
    log.end();
    const reader = openStream(log, { ...options, after: undefined }).getReader();
    expect(await reader.read()).toMatchObject({ done: true });
    expect(log.isQuiet).toBe(true);
  });
});
