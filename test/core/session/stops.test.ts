// A stop counts from the moment send() returns, and what a run came to is told once it is on record; whatever the store takes for its writes.

import type { Provider } from "loophost";
import { defineAgent, defineTool, openSession } from "loophost";
import { claude } from "loophost/providers/claude";
import type { ModelFunction } from "loophost/providers/local";
import { local } from "loophost/providers/local";
import { embeddedHost } from "loophost/server";
import { memoryStore } from "loophost/stores/memory";
import { manualClock, scriptedProvider, settleMicrotasks } from "loophost/testing";
import { afterEach, describe, expect, it } from "vitest";

import { done } from "../../support/host-events.ts";
import { slowStore } from "../../support/slow-store.ts";

const ran: string[] = [];
const asked: string[] = [];
const act = defineTool({
  name: "act",
  description: "Acts",
  input: { type: "object" },
  execute: (_, { callId }) => {
    ran.push(callId);
    return "acted";
  },
});
const agent = defineAgent({ name: "actor", instructions: "Act.", model: "m", tools: [act] });
const model: ModelFunction = ({ messages }) => {
  asked.push(JSON.stringify(messages.at(-1)));
  return messages.at(-1)?.role === "user"
    ? [{ type: "tool_call", id: "a", name: "act", input: {} }]
    : "acted";
};

const closing: (() => Promise<unknown>)[] = [];
const providers: Record<string, () => Provider> = {
  local: () => local({ model }),
  claude: () => {
    const host = embeddedHost({ model });
    closing.push(() => host.close());
    return claude({
      baseUrl: "http://host",
      apiKey: "k",
      fetch: (input, init) => host.fetch(new Request(input, init)),
    });
  },
};

afterEach(async () => {
  ran.length = 0;
  asked.length = 0;
  for (const close of closing.splice(0)) await close();
});

/** A session whose next write waits. */
async function opened(provider: Provider, clock?: ReturnType<typeof manualClock>) {
  const store = slowStore(memoryStore());
  const session = await openSession(agent, { provider, store, clock, limits: { runTimeoutMs: 5_000 } });
  store.hold();
  return { session, store };
}

describe.each(Object.keys(providers))("a run of %s that is stopped before its start is on record", (name) => {
  const provider = () => (providers[name] as () => Provider)();

  it("by interrupt() ends as interrupted; nothing is sent, no tool runs", async () => {
    const { session, store } = await opened(provider());
    const run = session.send("go");
    const stopped = session.interrupt();
    store.open();
    await stopped;
    expect(await run.result()).toMatchObject({ ending: "interrupted", turns: 0 });
    await session.close();
    expect([ran, asked]).toEqual([[], []]);
  });

  it("by its signal fails with aborted; nothing is sent, no tool runs", async () => {
    const { session, store } = await opened(provider());
    const abort = new AbortController();
    const run = session.send("go", { signal: abort.signal });
    abort.abort();
    store.open();
    await expect(run.result()).rejects.toMatchObject({ code: "aborted" });
    await session.close();
    expect([ran, asked]).toEqual([[], []]);
  });

  it("by its deadline fails with timeout; nothing is sent, no tool runs", async () => {
    const clock = manualClock();
    const { session, store } = await opened(provider(), clock);
    const run = session.send("go");
    await clock.advance(5_000);
    store.open();
    await expect(run.result()).rejects.toMatchObject({ code: "timeout" });
    await session.close();
    expect([ran, asked]).toEqual([[], []]);
  });

  it("leaves nothing behind: the next run is its own", async () => {
    const { session, store } = await opened(provider());
    const run = session.send("go");
    const stopped = session.interrupt();
    store.open();
    await stopped;
    await run.result();
    expect(await session.send("again").result()).toMatchObject({
      ending: "completed",
      text: "acted",
      turns: 2,
    });
    await session.close();
    expect(ran).toHaveLength(1);
    expect(asked.filter((said) => said.includes('"go"'))).toEqual([]);
  });

  it("by a signal that was aborted before opens nothing, and runs nothing", async () => {
    const signal = AbortSignal.abort();
    await expect(openSession(agent, { provider: provider(), signal })).rejects.toMatchObject({
      code: "aborted",
    });
    const store = memoryStore();
    const session = await openSession(agent, { provider: provider(), store });
    await expect(session.send("go", { signal }).result()).rejects.toMatchObject({ code: "aborted" });
    await session.close();
    const types = (await store.log.read(session.id, 0, 100)).map(
      ({ entry }) => (entry as { type: string }).type,
    );
    expect([ran, asked, types]).toEqual([[], [], ["session.opened"]]);
  });
});

describe("what a run came to", () => {
  /** A session with a run under way, over a store that can be held or broken, and a host that can end it. */
  async function underWay(more: { clock?: ReturnType<typeof manualClock> } = {}) {
    const kept = memoryStore();
    const store = slowStore(kept);
    const provider = scriptedProvider();
    const session = await openSession(agent, { provider, store, ...more });
    const run = session.send("go");
    await settleMicrotasks();
    provider.emit({ type: "input.taken" }, { type: "turn.began" });
    await settleMicrotasks();
    return { kept, store, provider, session, run };
  }

  it("is told once it is on record: result and feed wait for the write of the end", async () => {
    const { store, provider, session, run } = await underWay();
    store.hold();
    let isOver = false;
    const reading = (async () => {
      for await (const event of run) if (event.type === "run.ended") isOver = true;
    })();
    provider.emit(done);
    await settleMicrotasks();
    expect([store.waiting, isOver]).toEqual([1, false]);
    expect(() => session.send("next")).toThrow(expect.objectContaining({ code: "session_busy" }));
    store.open();
    await reading;
    expect(isOver).toBe(true);
    expect(await run.result()).toMatchObject({ ending: "completed" });
    await session.close();
  });

  it("is a failure when its end cannot be recorded", async () => {
    const { store, provider, session, run } = await underWay();
    store.hold();
    provider.emit(done);
    await settleMicrotasks();
    store.open(new Error("disk full"));
    await expect(run.result()).rejects.toMatchObject({ code: "store_failed" });
    await session.close();
  });

  it("is on record before the session is given up: close() waits for its writes, however long they take", async () => {
    const clock = manualClock();
    const { kept, store, provider, session, run } = await underWay({ clock });
    store.hold();
    provider.emit(done);
    const closed = session.close();
    await clock.advance(6_000);
    const other = openSession(agent, { provider: scriptedProvider(), store: kept, sessionId: session.id });
    await expect(other).rejects.toMatchObject({ code: "session_owned" });
    store.open();
    await closed;
    expect(await run.result()).toMatchObject({ ending: "completed" });
    const last = (await kept.log.read(session.id, 0, 100)).at(-1);
    expect(last?.entry).toMatchObject({ type: "run.ended" });
  });

  it("that cannot be recorded any more makes close() reject, once", async () => {
    const { store, provider, session, run } = await underWay();
    store.hold();
    provider.emit(done);
    const closed = session.close();
    await settleMicrotasks();
    store.open(new Error("disk full"));
    await expect(closed).rejects.toMatchObject({ code: "store_failed" });
    await expect(run.result()).rejects.toMatchObject({ code: "store_failed" });
    await session.close();
  });
});
