// A message that is sent while a call waits for somebody: it reaches the model after the decision, in order, whichever process decides.

import type { Provider, Store } from "loophost";
import { defineAgent, defineTool, openSession, run } from "loophost";
import { claude } from "loophost/providers/claude";
import type { ModelFunction } from "loophost/providers/local";
import { local } from "loophost/providers/local";
import { embeddedHost } from "loophost/server";
import { memoryStore } from "loophost/stores/memory";
import { findSession } from "loophost/stores/sessions";
import { afterEach, describe, expect, it } from "vitest";

const ran: string[] = [];
const pay = defineTool({
  name: "pay",
  description: "Pays",
  input: { type: "object" },
  needsApproval: true,
  execute: (_, { callId }) => {
    ran.push(callId);
    return "paid";
  },
});
const agent = defineAgent({ name: "payer", instructions: "Pay.", model: "m", tools: [pay] });

/** What the model was told, message by message, as it answered. */
const heard: string[][] = [];
const model: ModelFunction = ({ messages }) => {
  const said = messages.map((message) =>
    message.role === "tool"
      ? `result: ${JSON.stringify(message.results[0]?.result.content[0])}`
      : `${message.role}: ${message.content.map((block) => (block.type === "text" ? block.text : block.type)).join()}`,
  );
  heard.push(said);
  if (said.at(-1) === "user: pay") return [{ type: "tool_call", id: "p", name: "pay", input: { euros: 5 } }];
  return `heard ${said.at(-1)}`;
};

const closing: (() => Promise<unknown>)[] = [];
const hosts: Record<string, () => Provider> = {
  local: () => local({ model }),
  claude: () => {
    const host = embeddedHost({ model });
    closing.push(() => host.close());
    const fetch = (input: Request | URL | string, init?: RequestInit) => host.fetch(new Request(input, init));
    return claude({ baseUrl: "http://host", apiKey: "k", fetch });
  },
};

afterEach(async () => {
  ran.length = 0;
  heard.length = 0;
  for (const close of closing.splice(0)) await close();
});

/** Parks a run, sends two more messages to it, and gives who can decide. */
async function parked(provider: Provider, store: Store | undefined) {
  const session = await openSession(agent, { provider, store });
  const first = await session.send("pay", { ifWaiting: "return" }).result();
  const second = await session.send("what time is it?", { ifWaiting: "return" }).result();
  const third = await session.send("and the day?", { ifWaiting: "return" }).result();
  expect([first.terminal, second.terminal, third.terminal]).toEqual(Array(3).fill("requires_action"));
  return { session, callId: first.toolCalls[0]?.id ?? "" };
}

const userMessages = () => heard.at(-1)?.filter((said) => !said.startsWith("assistant"));

describe.each(Object.keys(hosts))("a message to a session of %s that waits for a decision", (name) => {
  const provider = () => (hosts[name] as () => Provider)();

  it.each(["with a store", "without"])("reaches the model after it, in order, %s", async (how) => {
    const { session, callId } = await parked(provider(), how === "without" ? undefined : memoryStore());
    await session.approve(callId);
    const { text, ending } = await session.resume().result();
    expect([ending, text, ran]).toEqual(["completed", "heard user: and the day?", [callId]]);
    expect(userMessages()).toEqual([
      "user: pay",
      expect.stringContaining("paid"),
      "user: what time is it?",
      "user: and the day?",
    ]);
    expect((await session.send("done?").result()).text).toBe("heard user: done?");
    await session.close();
  });

  it("reaches it in another process, which may send more; the session is one that waits", async () => {
    const store = memoryStore();
    const host = provider();
    const { session, callId } = await parked(host, store);
    await session.close();
    expect(await findSession(store, session.id)).toMatchObject({ status: "waiting", waiting: [callId] });
    const decider = await openSession(agent, { provider: host, store, sessionId: session.id });
    await decider.deny(callId, "too dear");
    await decider.close();
    const next = await openSession(agent, { provider: host, store, sessionId: session.id });
    expect((await next.send("last").result()).text).toBe("heard user: last");
    await next.close();
    expect(userMessages()).toEqual([
      "user: pay",
      expect.stringContaining("too dear"),
      "user: what time is it?",
      "user: and the day?",
      "user: last",
    ]);
    expect(ran).toEqual([]);
  });

  it("is delivered by a run that holds, once somebody decides", async () => {
    const session = await openSession(agent, { provider: provider() });
    const { toolCalls } = await session.send("pay", { ifWaiting: "return" }).result();
    const holding = session.send("hello");
    for await (const event of holding) {
      if (event.type === "run.waiting") await session.approve(toolCalls[0]?.id ?? "");
    }
    expect((await holding.result()).text).toBe("heard user: hello");
    await session.close();
  });

  it("is queued by run(), too", async () => {
    const store = memoryStore();
    const host = provider();
    const { sessionId, toolCalls } = await run(agent, { provider: host, store, prompt: "pay" });
    expect((await run(agent, { provider: host, store, sessionId, prompt: "hello" })).terminal).toBe(
      "requires_action",
    );
    const session = await openSession(agent, { provider: host, store, sessionId });
    await session.approve(toolCalls[0]?.id ?? "");
    await session.close();
    expect((await run(agent, { provider: host, store, sessionId })).text).toBe("heard user: hello");
  });

  it.each(["here", "in another process"])(
    'denies the call where that is asked for, %s: ifOpen "deny"',
    async (where) => {
      const store = memoryStore();
      const host = provider();
      let session = await openSession(agent, { provider: host, store });
      await session.send("pay", { ifWaiting: "return" }).result();
      if (where !== "here") {
        await session.close();
        session = await openSession(agent, { provider: host, store, sessionId: session.id });
      }
      const { text } = await session.send("hello", { ifOpen: "deny" }).result();
      expect([text, ran]).toEqual(["heard user: hello", []]);
      expect(userMessages()?.[1]).toContain("a new message came instead");
      await session.close();
    },
  );

  it('is refused where that is asked for, and nothing is kept: ifOpen "refuse"', async () => {
    const session = await openSession(agent, { provider: provider(), store: memoryStore() });
    const { toolCalls } = await session.send("pay", { ifWaiting: "return" }).result();
    expect(() => session.send("hello", { ifOpen: "refuse" })).toThrow(
      expect.objectContaining({ code: "session_busy" }),
    );
    await session.approve(toolCalls[0]?.id ?? "");
    expect((await session.resume().result()).text).toContain("paid");
    expect((await session.send("hello", { ifOpen: "refuse" }).result()).text).toBe("heard user: hello");
    await session.close();
  });
});
