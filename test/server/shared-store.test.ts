// One store and whoever else is on it: a client of the host, and other hosts.

import { spawnSync } from "node:child_process";
import { hostname } from "node:os";

import type { Store } from "loophost";
import { defineAgent, defineTool, openSession } from "loophost";
import { claude } from "loophost/providers/claude";
import { embeddedHost } from "loophost/server";
import { memoryStore } from "loophost/stores/memory";
import { manualClock } from "loophost/testing";
import { describe, expect, it } from "vitest";

import { OURSELVES } from "../../src/stores/sqlite/holder.ts";
import { aroundStore } from "../../src/testing/faults/around-store.ts";
import { answer, call, follow, gate, listed, say, scripted, startHost } from "./support.ts";

const tool = defineTool({
  name: "t",
  description: "A tool.",
  input: { type: "object" },
  execute: () => "42",
});
const agent = defineAgent({ name: "helper", instructions: "Help.", model: "m", tools: [tool] });

it("a client may journal in the store of its host: neither disturbs the other [I6]", async () => {
  const store = memoryStore();
  await using server = await startHost(scripted([call("c1", "t")], "done", "again"), { store });
  const provider = claude({ baseUrl: server.url, apiKey: "any" });
  let sessionId: string;
  {
    await using session = await openSession(agent, { provider, store });
    const result = await session.send("go").result();
    expect(result).toMatchObject({ terminal: "end_turn", text: "done" });
    ({ sessionId } = result);
  }
  await using session = await openSession(agent, { provider, store, sessionId });
  expect(await session.send("and?").result()).toMatchObject({ text: "again" });
  const types = (await listed(server.client, sessionId)).map(({ type }) => type);
  expect(types.filter((type) => type === "user.message")).toHaveLength(2);
  expect(new Set(types)).not.toContain(undefined);
});

describe("a second host on a store", () => {
  it("is refused, and told whose the store is; the first goes on [I6]", async () => {
    const store = memoryStore();
    await using first = await startHost(scripted("one"), { store });
    await using second = embeddedHost({ model: scripted("two"), store });
    await expect(second.listen()).rejects.toMatchObject({
      code: "session_owned",
      message: expect.stringMatching(
        new RegExp(`in use by the host of process ${process.pid} on .*ifOwned: "wait".*"take"`),
      ),
    });
    const reply = await second.fetch(new Request("http://127.0.0.1/v1/agents"));
    const { error } = (await reply.json()) as { error: { message: string } };
    expect([reply.status, error.message]).toEqual([500, "The host failed to answer this request."]);
    expect(await first.session()).toMatch(/^sesn_/);
  });

  it("stays refused for as long as the first lives, and may come once that is closed", async () => {
    const clock = manualClock();
    const store = memoryStore({ now: () => clock.now() });
    const first = await startHost(scripted(), { store, clock });
    for (let minute = 0; minute < 3; minute += 1)
      for (let renewal = 0; renewal < 6; renewal += 1) await clock.advance(10_000);
    await expect(startHost(scripted(), { store, clock })).rejects.toMatchObject({ code: "session_owned" });
    const waiting = startHost(scripted(), { store, clock, ifOwned: "wait" });
    await first.host.close();
    await clock.advance(500);
    await using second = await waiting;
    expect(await second.session()).toMatch(/^sesn_/);
  });

  it("may take the store: the first is told, and stops [I6]", async () => {
    const clock = manualClock();
    const store = memoryStore();
    const failures: unknown[] = [];
    await using first = await startHost(scripted(), {
      store,
      clock,
      onError: (error) => failures.push(error),
    });
    await using second = await startHost(scripted(), { store, ifOwned: "take" });
    await clock.advance(10_000);
    await expect.poll(() => failures).toMatchObject([{ code: "stale_owner" }]);
    expect(await first.raw("GET", "/v1/agents")).toMatchObject({ status: 503 });
    expect(await second.session()).toMatch(/^sesn_/);
  });

  it("that takes a session claims it before it reads it: a call gets one result, whoever is asked [I6]", async () => {
    const store = memoryStore();
    const claiming = gate();
    const claimed = gate();
    // The first host is still at work when the second has the session: its model does not answer any more.
    const never = () => new Promise<never>(() => undefined);
    await using first = await startHost(scripted([call("c1", "t")], never), { store });
    const id = await first.session(["t"]);
    await using reader = await follow(first.client, id);
    await say(first.client, id, "go");
    const waiting = await reader.until("agent.custom_tool_use");
    await reader.idle("requires_action");

    const slow = aroundStore(store, async (asked, work, about) => {
      if (asked === "log.claim" && about === `host/${id}`) {
        claiming.open();
        await claimed.opened;
      }
      return work();
    });
    await using second = await startHost(scripted([call("c1", "t")], "done"), {
      store: { ...slow, close: () => Promise.resolve() },
      ifOwned: "take",
    });
    // Sent while the second takes the session, so that it is what the second has read that decides.
    const send = (to: typeof first, text: string) =>
      to.client.beta.sessions.events.send(id, { events: [answer(waiting.id, text)] });
    await claiming.opened;
    const late = send(second, "two").catch(() => undefined);
    await send(first, "one");
    claimed.open();
    await late;
    await expect
      .poll(async () =>
        (await listed(second.client, id)).filter(({ type }) => type === "user.custom_tool_result"),
      )
      .toMatchObject([{ content: [{ text: "one" }] }]);
  });

  it("does not wait for one whose process is gone", async () => {
    const gone = spawnSync(process.execPath, ["--version"]).pid;
    const inEarlierLife = new Date(Date.now() - 3_600_000 - process.uptime() * 1_000).toISOString();
    const world = OURSELVES.split(" ")[0] ?? "";
    for (const pid of [gone, process.pid]) {
      const store = memoryStore();
      const holder = world === "" ? "" : ` {${world} ${pid} 1}`;
      await claimAs(store, `process ${pid} on ${hostname()}, started ${inEarlierLife}${holder}`);
      await using server = await startHost(scripted(), { store });
      expect(await server.session()).toMatch(/^sesn_/);
    }
  });

  it.each([
    ["on another machine", `process 1 on not-${hostname()}, started 2026-01-01T00:00:00.000Z`],
    ["that lives", `process ${process.ppid} on ${hostname()}, started 2026-01-01T00:00:00.000Z`],
    ["that is not known", "somebody"],
    [
      "of another container",
      `process 999999 on ${hostname()}, started 2026-01-01T00:00:00.000Z {another-boot/pid:[1] 999999 1}`,
    ],
  ])("believes in a process %s", async (_, owner) => {
    const store = memoryStore();
    await claimAs(store, owner);
    await expect(startHost(scripted(), { store })).rejects.toMatchObject({ code: "session_owned" });
  });

  it("that waits can be closed", async () => {
    const store = memoryStore();
    await claimAs(store, "somebody");
    const host = embeddedHost({ model: scripted(), store, ifOwned: "wait" });
    const listening = host.listen();
    await Promise.all([expect(listening).rejects.toMatchObject({ code: "aborted" }), host.close()]);
  });
});

async function claimAs(store: Store, owner: string): Promise<void> {
  await store.log.claim("host/owner", { owner, ttlMs: 30_000 });
}
