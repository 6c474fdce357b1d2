// A decision is the first one made, and about one call: this name, this input. Everything else is asked about anew.

import type { Session, Store } from "loophost";
import { defineAgent, defineTool, openSession } from "loophost";
import type { ModelFunction } from "loophost/providers/local";
import { local } from "loophost/providers/local";
import { memoryStore } from "loophost/stores/memory";
import { scriptedProvider, settleMicrotasks } from "loophost/testing";
import { afterEach, describe, expect, it } from "vitest";

import { callDigest } from "../../../src/core/journal/call-digest.ts";
import { anything, call, done, needs } from "../../support/host-events.ts";
import { slowStore } from "../../support/slow-store.ts";

const ran: unknown[] = [];
const keys: string[] = [];
const pay = defineTool({
  name: "pay",
  description: "Pays",
  input: anything,
  needsApproval: true,
  execute: (input, { idempotencyKey }) => {
    ran.push(input);
    keys.push(idempotencyKey);
    return "paid";
  },
});
const note = defineTool({
  name: "note",
  description: "Notes",
  input: anything,
  execute: (input, { idempotencyKey }) => {
    ran.push(input);
    keys.push(idempotencyKey);
    return "noted";
  },
});
const ask = defineTool({ name: "ask", description: "Asks somebody", input: anything });
const agent = defineAgent({ name: "payer", instructions: "", tools: [pay, note, ask] });
const sessionId = "s1";

afterEach(() => {
  ran.length = 0;
  keys.length = 0;
});

/** A session whose host waits for one call. */
async function waiting(name: string, store?: Store, input: unknown = {}): Promise<Session> {
  const provider = scriptedProvider({ turns: [[call("a", name, input), needs("a")], [done], [done]] });
  const session = await openSession(agent, { provider, store });
  await session.send("go", { ifWaiting: "return" }).result();
  return session;
}

const decided = { code: "already_decided" };

describe("the first decision holds", () => {
  it.each(["here", "in a store", "in a slow store"])("when two come at once: %s", async (where) => {
    const kept = memoryStore();
    const store = slowStore(kept);
    const session = await waiting("pay", where === "here" ? undefined : store);
    if (where === "in a slow store") store.hold();
    const both = Promise.allSettled([session.deny("a", "too dear"), session.approve("a")]);
    store.open();
    const [first, second] = await both;
    expect(first.status).toBe("fulfilled");
    expect(second).toMatchObject({ status: "rejected", reason: decided });
    await session.resume().result();
    await expect(session.approve("a")).rejects.toMatchObject(decided);
    await session.close();
    expect(ran).toEqual([]);
    const entries = await kept.log.read(session.id, 0, 100);
    const types = entries.filter(({ entry }) => (entry as { type: string }).type === "decided");
    expect(types).toHaveLength(where === "here" ? 0 : 1);
  });

  it("also of two on record: the journal counts the first", async () => {
    const store = memoryStore();
    const session = await waiting("pay", store);
    await session.deny("a");
    await session.close();
    const fence = await store.log.claim(session.id, { owner: "test", ttlMs: 1_000 });
    const denied = (await store.log.read(session.id, 0, 100)).at(-1)?.entry as Record<string, never>;
    await store.log.append(session.id, fence, [{ ...denied, allow: true }]);
    await store.log.release(session.id, fence);
    const past = [call("a", "pay"), needs("a")];
    const provider = scriptedProvider({ past, turns: [[done]] });
    await using next = await openSession(agent, { provider, store, sessionId: session.id });
    await next.resume().result();
    expect(ran).toEqual([]);
  });

  it("and the first answer", async () => {
    const session = await waiting("ask");
    const both = await Promise.allSettled([session.answer("a", "42"), session.answer("a", "43")]);
    expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    await expect(session.answer("a", "44")).rejects.toMatchObject(decided);
    await session.close();
  });

  it("also against a message that comes instead, while the answer is being written", async () => {
    const store = slowStore(memoryStore());
    const session = await waiting("ask", store);
    store.hold();
    const answered = session.answer("a", "yes");
    const run = session.send("never mind", { ifOpen: "deny" });
    store.open();
    await answered;
    await expect(run.result()).resolves.toMatchObject({ ending: "completed" });
    await session.close();
  });

  it("also against onApproval, which comes later", async () => {
    const decision = Promise.withResolvers<boolean>();
    const provider = scriptedProvider({ turns: [[call("a", "pay"), needs("a")], [done]] });
    await using session = await openSession(agent, { provider, onApproval: () => decision.promise });
    const run = session.send("go");
    await settleMicrotasks();
    await session.deny("a", "by hand");
    decision.resolve(true);
    expect(await run.result()).toMatchObject({ ending: "completed" });
    expect(ran).toEqual([]);
  });
});

describe("a call that waits for an answer, between runs", () => {
  const model: ModelFunction = ({ messages }) =>
    messages.length > 1 ? "done" : [{ type: "tool_call", id: "a", name: "ask", input: {} }];
  const provider = local({ model });

  /** A session that an earlier process left waiting. */
  async function left(store: Store): Promise<Session> {
    const first = await openSession(agent, { provider, store, sessionId });
    await first.send("go", { ifWaiting: "return" }).result();
    await first.close();
    return openSession(agent, { provider, store, sessionId });
  }

  /** How its runs end before it is answered, and after. */
  async function answered(session: Session): Promise<string[]> {
    const before = await session.resume({ ifWaiting: "return" }).result();
    await session.answer("a", "yes");
    const after = await session.resume().result();
    await session.close();
    return [before.ending, after.ending];
  }

  it.each(["approve", "deny"] as const)("is not decided by %s()", async (verb) => {
    const session = await left(memoryStore());
    await expect(session[verb]("a")).rejects.toMatchObject({
      code: "invalid_options",
      message: 'Call "a" does not wait for approval. Waiting: none.',
    });
    expect(await answered(session)).toEqual(["requires_action", "completed"]);
  });

  it("waits for it also when a decision about it is on record", async () => {
    const store = memoryStore();
    await (await left(store)).close();
    const fence = await store.log.claim(sessionId, { owner: "test", ttlMs: 1_000 });
    const digest = callDigest({ name: "ask", input: {} });
    await store.log.append(sessionId, fence, [{ type: "decided", id: "a", allow: true, digest, at: 1 }]);
    await store.log.release(sessionId, fence);
    const session = await openSession(agent, { provider, store, sessionId });
    expect(await answered(session)).toEqual(["requires_action", "completed"]);
  });
});

describe.each(["here", "in a store"])("a decision about a closed session: %s", (where) => {
  it.each<[string, string, (session: Session) => Promise<void>]>([
    ["approve", "pay", (session) => session.approve("a")],
    ["deny", "pay", (session) => session.deny("a")],
    ["answer", "ask", (session) => session.answer("a", "yes")],
    ["sendEvent", "pay", (session) => session.sendEvent({})],
  ])("%s is refused, during close() and after it, and nothing is kept", async (_, name, decide) => {
    const store = where === "here" ? undefined : memoryStore();
    const session = await waiting(name, store);
    const closing = session.close();
    await expect(decide(session)).rejects.toMatchObject({ code: "session_closed" });
    await closing;
    await expect(decide(session)).rejects.toMatchObject({ code: "session_closed" });
    const kept = await store?.log.read(session.id, 0, 100);
    expect((kept ?? []).map(({ entry }) => (entry as { type: string }).type)).not.toContain("decided");
  });
});

it("a decision that is being written when the session is closed starts nothing, and is kept for who opens it next", async () => {
  const kept = memoryStore();
  const store = slowStore(kept);
  const provider = scriptedProvider({ turns: [[call("a", "pay"), needs("a")], [done]] });
  const session = await openSession(agent, { provider, store });
  const going = session.send("go");
  for await (const { type } of going) if (type === "run.waiting") break;
  await expect.poll(() => store.waiting).toBe(0);
  store.hold();
  const approved = session.approve("a");
  const closing = session.close();
  store.open();
  await Promise.all([approved, closing]);
  await expect(going.result()).rejects.toMatchObject({ code: "session_closed" });
  await settleMicrotasks();
  expect(ran).toEqual([]);
  const types = (await kept.log.read(session.id, 0, 100)).map(
    ({ entry }) => (entry as { type: string }).type,
  );
  expect(types).toContain("decided");
  expect(types).not.toContain("call.started");
});

it("an answer that is being written when the session is closed asks no model, and is kept for who opens it next", async () => {
  const store = slowStore(memoryStore());
  let asked = 0;
  const model: ModelFunction = ({ messages }) => {
    asked += 1;
    return messages.length > 1 ? "done" : [{ type: "tool_call", id: "a", name: "ask", input: {} }];
  };
  const how = { provider: local({ model }), store, sessionId };
  const session = await openSession(agent, how);
  for await (const { type } of session.send("go")) if (type === "run.waiting") break;
  await expect.poll(() => store.waiting).toBe(0);
  store.hold();
  const answered = session.answer("a", "yes");
  const closing = session.close();
  store.open();
  await Promise.all([answered, closing]);
  expect(asked).toBe(1);
  await using next = await openSession(agent, how);
  expect((await next.resume().result()).text).toBe("done");
});

it("a decision is used up once the tool has started: after a crash a tool that wants to be asked is asked again", async () => {
  let started = 0;
  const wire = defineTool({
    name: "wire",
    description: "Wires money",
    input: anything,
    needsApproval: true,
    ifCrashed: "ask",
    execute: () => {
      started += 1;
      return new Promise(() => undefined); // the process dies in here
    },
  });
  const wiring = defineAgent({ name: "wirer", instructions: "", tools: [wire] });
  const store = memoryStore();
  const live = scriptedProvider({ turns: [[call("a", "wire"), needs("a")]] });
  const session = await openSession(wiring, { provider: live, store });
  const run = session.send("go");
  run.result().catch(() => undefined);
  await expect
    .poll(() =>
      session.approve("a").then(
        () => true,
        () => false,
      ),
    )
    .toBe(true);
  await expect.poll(() => started).toBe(1);

  const past = [call("a", "wire"), needs("a")];
  const provider = scriptedProvider({ past, turns: [[done]] });
  await using next = await openSession(wiring, { provider, store, sessionId: session.id, ifOwned: "take" });
  expect(await next.resume({ ifWaiting: "return" }).result()).toMatchObject({ terminal: "requires_action" });
  expect(started).toBe(1);
  await next.deny("a");
  expect(await next.resume().result()).toMatchObject({ ending: "completed" });
  expect(started).toBe(1);
});

it("the answer to an external call took no time here", async () => {
  const provider = scriptedProvider({ turns: [[call("a", "ask"), needs("a")], [done]] });
  await using session = await openSession(agent, { provider });
  const run = session.send("go");
  await expect
    .poll(() =>
      session.answer("a", "42").then(
        () => true,
        () => false,
      ),
    )
    .toBe(true);
  const { events } = await run.result();
  const finished = events.filter(({ type }) => type === "tool.finished");
  expect(finished).toMatchObject([{ durationMs: 0, replayed: false }]);
});

describe("what is on record of a call is about its name and input", () => {
  /** Another process, whose host tells the past like this. */
  const attach = (store: Store, id: string, input: unknown, name = "pay") => {
    const provider = scriptedProvider({ past: [call("a", name, input), needs("a")], turns: [[done]] });
    return openSession(agent, { provider, store, sessionId: id });
  };

  it("an approval of one input is none of another, nor of another tool", async () => {
    for (const [input, name] of [
      [{ euros: 5_000 }, "pay"],
      [{ euros: 5 }, "note"],
    ] as const) {
      const store = memoryStore();
      const session = await waiting("pay", store, { euros: 5 });
      await session.approve("a");
      await session.close();
      await using next = await attach(store, session.id, input, name);
      const result = await next.resume({ ifWaiting: "return" }).result();
      expect([name, result.terminal, ran.splice(0)]).toEqual(
        name === "pay" ? ["pay", "requires_action", []] : ["note", "end_turn", [{ euros: 5 }]],
      );
    }
  });

  it("an approval of the same input is, whatever the order of its keys", async () => {
    const store = memoryStore();
    const session = await waiting("pay", store, { euros: 5, to: "me" });
    await session.approve("a");
    await session.close();
    await using next = await attach(store, session.id, { to: "me", euros: 5 });
    expect(await next.resume({ ifWaiting: "return" }).result()).toMatchObject({ terminal: "end_turn" });
    expect(ran).toEqual([{ euros: 5, to: "me" }]);
  });

  it.each(["in a store", "here"])(
    "a result of one input is none of another: it runs, under a key of its own: %s",
    async (where) => {
      const store = where === "here" ? undefined : memoryStore();
      const turns = [
        [call("a", "note", { n: 1 }), needs("a")],
        [done],
        [call("a", "note", { n: 2 }), needs("a")],
        [done],
      ];
      await using session = await openSession(agent, { provider: scriptedProvider({ turns }), store });
      await session.send("go").result();
      await session.send("again").result();
      expect(ran).toEqual([{ n: 1 }, { n: 2 }]);
      expect(new Set(keys).size).toBe(2);
    },
  );

  it("a result of the same input is given again, and the tool not run", async () => {
    const store = memoryStore();
    const provider = scriptedProvider({
      turns: [[call("a", "note", { n: 1 }), needs("a")]],
      onSend: (inputs) => {
        if (inputs.some(({ type }) => type === "tool_result")) return new Promise(() => undefined);
        return undefined;
      },
    });
    const session = await openSession(agent, { provider, store, sessionId });
    session.send("go");
    for (let round = 0; ran.length === 0 && round < 50; round += 1) await settleMicrotasks();
    await settleMicrotasks();
    const dead = await store.log.claim(sessionId, { owner: "test", ttlMs: 1_000, force: true });
    await store.log.release(sessionId, dead);
    await using next = await attach(store, sessionId, { n: 1 }, "note");
    const { events } = await next.resume().result();
    expect(events.find(({ type }) => type === "tool.finished")).toMatchObject({ replayed: true });
    expect(ran).toEqual([{ n: 1 }]);
  });
});
