import type { Store } from "loophost";
import { defineAgent, defineTool, openSession } from "loophost";
import type { ModelFunction } from "loophost/providers/local";
import { local } from "loophost/providers/local";
import { memoryStore } from "loophost/stores/memory";
import { findSession, listSessions } from "loophost/stores/sessions";
import { faultyStore, manualClock, settleMicrotasks } from "loophost/testing";
import { describe, expect, it } from "vitest";

const sessionId = "s1";

/** A model that pays once, then tells how that went. */
const payer: ModelFunction = ({ messages }) => {
  const last = messages.at(-1);
  if (last?.role === "tool") return `paid: ${JSON.stringify(last.results[0]?.result.content[0])}`;
  const wantsPay = JSON.stringify(last).includes("pay");
  return wantsPay
    ? [{ type: "tool_call", id: "p", name: "pay", input: {} }]
    : `You said ${messages.filter(({ role }) => role === "user").length} things.`;
};

function payment() {
  const payments: string[] = [];
  const pay = defineTool({
    name: "pay",
    description: "Pays",
    input: { type: "object" },
    needsApproval: true,
    execute: (_, { idempotencyKey }) => {
      payments.push(idempotencyKey);
      return "done";
    },
  });
  return { payments, agent: defineAgent({ name: "payer", instructions: "Pay.", tools: [pay] }) };
}

const open = (agent: Parameters<typeof openSession>[0], store: Store, more: object = {}) =>
  openSession(agent, { provider: local({ model: payer }), store, sessionId, ...more });

describe("a stored session", () => {
  it("goes on in another process with all that was said [A-102]", async () => {
    const { agent } = payment();
    const store = memoryStore();
    {
      await using session = await open(agent, store);
      await session.send("hello").result();
    }
    await using session = await open(agent, store);
    expect((await session.send("again").result()).text).toBe("You said 2 things.");
  });

  it("waits for an approval without a process, and is approved from another [I4] [I9]", async () => {
    const { agent, payments } = payment();
    const store = memoryStore();
    {
      await using session = await open(agent, store);
      const parked = await session.send("pay", { ifWaiting: "return" }).result();
      expect(parked).toMatchObject({ terminal: "requires_action", toolCalls: [{ name: "pay" }] });
    }
    expect(await findSession(store, sessionId)).toMatchObject({
      status: "waiting",
      waiting: ["p"],
      agent: "payer",
      provider: "local",
    });
    {
      await using session = await open(agent, store);
      await session.approve("p");
    }
    expect(payments).toEqual([]);
    await using session = await open(agent, store);
    expect((await session.resume().result()).text).toContain("done");
    expect(payments).toEqual([`${sessionId}:p`]);
  });

  it("keeps a denial, and tells the model why", async () => {
    const { agent, payments } = payment();
    const store = memoryStore();
    {
      await using session = await open(agent, store);
      await session.send("pay", { ifWaiting: "return" }).result();
      await session.deny("p", "too dear");
    }
    await using session = await open(agent, store);
    expect((await session.resume().result()).text).toContain("too dear");
    expect(payments).toEqual([]);
  });

  it("notices an agent that changed, says what, and goes on with it only when told to", async () => {
    const { agent } = payment();
    const store = memoryStore();
    {
      await using session = await open(agent, store);
      await session.send("hello").result();
    }
    const changed = defineAgent({ name: "payer", instructions: "Pay twice.", tools: agent.tools });
    await expect(open(changed, store)).rejects.toMatchObject({
      code: "agent_changed",
      message: expect.stringContaining("its instructions changed"),
    });
    await using session = await open(changed, store, { ifAgentChanged: "accept" });
    expect((await session.send("again").result()).terminal).toBe("end_turn");
  });

  it("belongs to the provider it was begun with", async () => {
    const { agent } = payment();
    const store = memoryStore();
    await (await open(agent, store)).close();
    const other = { ...local({ model: payer }), name: "other" };
    await expect(openSession(agent, { provider: other, store, sessionId })).rejects.toMatchObject({
      code: "invalid_options",
    });
  });

  it("is listed without reading its log", async () => {
    const { agent } = payment();
    const store = memoryStore();
    for (const id of ["b", "a"]) {
      await using session = await openSession(agent, {
        provider: local({ model: payer }),
        store,
        sessionId: id,
      });
      expect(session.id).toBe(id);
    }
    expect((await listSessions(store)).map((session) => session.sessionId)).toEqual(["a", "b"]);
    expect(await listSessions(store, { after: "a", limit: 1 })).toHaveLength(1);
    expect(await findSession(store, "nobody")).toBeUndefined();
  });
});

describe("owning a session", () => {
  it("is for one at a time: the other is refused, or waits, as asked [I6]", async () => {
    const { agent } = payment();
    const store = memoryStore();
    const clock = manualClock();
    const first = await open(agent, store);
    await expect(open(agent, store)).rejects.toMatchObject({ code: "session_owned" });
    let isOpen = false;
    const waiting = open(agent, store, { ifOwned: "wait", clock }).then((session) => {
      isOpen = true;
      return session;
    });
    await clock.advance(2_000);
    expect(isOpen).toBe(false);
    await first.close();
    await clock.advance(1_000);
    expect(isOpen).toBe(true);
    await (await waiting).close();
    expect(clock.waiting).toBe(0);
  });

  it("is kept alive while the session is open, and lapses with its process [I6]", async () => {
    const { agent } = payment();
    let now = 0;
    const store = memoryStore({ now: () => now });
    const clock = manualClock();
    const alive = await open(agent, store, { clock });
    for (let seconds = 0; seconds < 120; seconds += 10) {
      now += 10_000;
      await clock.advance(10_000);
    }
    await expect(open(agent, store)).rejects.toMatchObject({ code: "session_owned" });
    now += 31_000; // its process hangs: no renewal
    await using next = await open(agent, store, { clock });
    await clock.advance(10_000); // it wakes up
    expect(() => alive.send("late")).toThrow(expect.objectContaining({ code: "stale_owner" }));
    await settleMicrotasks();
    expect((await next.send("hello").result()).terminal).toBe("end_turn");
  });

  it("taken by another fails the run under way, which writes nothing more [I6]", async () => {
    const { agent, payments } = payment();
    const store = memoryStore();
    const slow = await open(agent, store, { onApproval: () => settleMicrotasks().then(() => true) });
    const run = slow.send("pay");
    await using _ = await open(agent, store, { ifOwned: "take" });
    await expect(run.result()).rejects.toMatchObject({ code: "stale_owner" });
    expect(payments).toEqual([]);
  });
});

describe("a decision between runs", () => {
  it("says so when it could not be kept, and can be made again once the store is sound", async () => {
    const { agent, payments } = payment();
    const kept = memoryStore();
    {
      await using session = await open(agent, kept);
      await session.send("pay", { ifWaiting: "return" }).result();
    }
    const faulty = faultyStore(kept, [{ on: "log.append", nth: 1, how: "fail" }]);
    {
      await using session = await open(agent, faulty);
      await expect(session.approve("p")).rejects.toMatchObject({ code: "store_failed" });
      // A log with a gap would be worse than one that ends.
      expect(() => session.resume()).toThrow(expect.objectContaining({ code: "store_failed" }));
    }
    {
      await using session = await open(agent, kept);
      await session.approve("p");
    }
    await using session = await open(agent, kept);
    expect((await session.resume().result()).text).toContain("done");
    expect(payments).toHaveLength(1);
  });
});

it("resuming a session that has nothing open leaves no trace in its log", async () => {
  const { agent } = payment();
  const store = memoryStore();
  {
    await using session = await open(agent, store);
    await session.send("hello").result();
    const before = await store.log.read(sessionId, 0, 100);
    expect((await session.resume().result()).terminal).toBe("end_turn");
    expect(await store.log.read(sessionId, 0, 100)).toEqual(before);
  }
  expect((await findSession(store, sessionId))?.runs).toBe(1);
});
