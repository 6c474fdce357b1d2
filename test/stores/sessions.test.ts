// Looking into a store: what is no store, and no session id, is said to be none. What is found is in test/durability.

import type { Store } from "loophost";
import { defineAgent, defineTool, LoophostError, openSession } from "loophost";
import { memoryStore } from "loophost/stores/memory";
import { deleteSession, findSession, listSessions, readLog } from "loophost/stores/sessions";
import { sqliteStore } from "loophost/stores/sqlite";
import { scriptedProvider } from "loophost/testing";
import { describe, expect, it } from "vitest";

import { anything, call, done, needs } from "../support/host-events.ts";

const shape = { description: "Pays", input: anything } as const;

const looks: readonly [string, (store: Store, id: string) => Promise<unknown>][] = [
  ["listSessions()", (store) => listSessions(store)],
  ["findSession()", findSession],
  ["deleteSession()", deleteSession],
  ["readLog()", (store, id) => readLog(store, id).next()],
];

describe.each(looks)("%s", (name, look) => {
  it.each([undefined, {}, "sessions.db"])("needs a store, which %o is not", async (store) => {
    await expect(look(store as never, "s")).rejects.toMatchObject({
      code: "invalid_options",
      message: `${name} needs a store, such as sqliteStore("sessions.db") or memoryStore().`,
    });
  });
});

it.each(looks.slice(1))("%s needs the id of a session", async (name, look) => {
  for (const id of [undefined, "", 5])
    await expect(look(memoryStore(), id as never)).rejects.toMatchObject({
      code: "invalid_options",
      message: `${name} needs the id of a session; got ${String(id)}.`,
    });
});

it.each(["memory", "sqlite"])(
  "a list without a limit misses none, however many there are: %s",
  async (kind) => {
    const store = kind === "memory" ? memoryStore() : sqliteStore(":memory:");
    const ids = Array.from({ length: 1_101 }, (_, n) => `s${String(n).padStart(4, "0")}`);
    await Promise.all(ids.map((sessionId) => store.records.put("sessions", sessionId, { sessionId })));
    expect((await listSessions(store)).map(({ sessionId }) => sessionId)).toEqual(ids);
    expect(await listSessions(store, { limit: 1_050, after: "s0001" })).toHaveLength(1_050);
    await store.close?.();
  },
);

it("a session's status follows its run: it runs on with one call, and waits again for the other", async () => {
  const store = memoryStore();
  const pay = defineTool({ ...shape, name: "pay", needsApproval: true, execute: () => "paid" });
  const agent = defineAgent({ name: "payer", instructions: "", tools: [pay] });
  const turns = [[call("a", "pay"), call("b", "pay"), needs("a", "b")], [done]];
  const provider = scriptedProvider({ turns });
  const status = async () => (await findSession(store, session.id))?.status;
  await using session = await openSession(agent, { provider, store });
  expect(await status()).toBe("idle");
  const run = session.send("go");
  await expect.poll(status).toBe("waiting");
  await session.approve("a");
  expect(await status()).toBe("running");
  await expect.poll(status).toBe("waiting");
  await session.approve("b");
  await run.result();
  expect(await status()).toBe("idle");

  const second = session.send("again");
  await expect.poll(status).toBe("running");
  provider.emit({ type: "failed", error: new LoophostError("host_failed", "no"), sessionOver: false });
  await expect(second.result()).rejects.toMatchObject({ code: "host_failed" });
  expect(await status()).toBe("failed");
});
