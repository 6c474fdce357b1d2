// What holds of a run across processes: its deadline, and that somebody stopped it.

import type { Store } from "loophost";
import { defineAgent, openSession } from "loophost";
import { local } from "loophost/providers/local";
import { memoryStore } from "loophost/stores/memory";
import { manualClock, scriptedProvider, settleMicrotasks } from "loophost/testing";
import { afterEach, expect, it, vi } from "vitest";

const agent = defineAgent({ name: "tester", instructions: "", limits: { runTimeoutMs: 400 } });

afterEach(() => {
  vi.restoreAllMocks();
});

/** A session whose process dies with its run under way: nothing of it is heard again. */
async function left(store: Store, provider: ReturnType<typeof scriptedProvider>, stop: boolean) {
  const session = await openSession(agent, { provider, store, limits: { runTimeoutMs: 60_000 } });
  session.send("go");
  await settleMicrotasks();
  provider.emit({ type: "input.taken" }, { type: "turn.began" });
  if (stop) await session.interrupt();
  await settleMicrotasks();
  return session.id;
}

const past = [{ type: "message.seen" }, { type: "input.taken" }, { type: "turn.began" }] as const;

it("a deadline counts from the start of the run on record, in whichever process; waiting for somebody does not", async () => {
  const store = memoryStore();
  const started = Date.now();
  const now = vi.spyOn(Date, "now").mockReturnValue(started);
  const id = await left(store, scriptedProvider(), false);
  for (const [afterMs, code] of [
    [300, "session_closed"],
    [350, "session_closed"],
    [450, "timeout"],
  ] as const) {
    now.mockReturnValue(started + afterMs);
    const provider = scriptedProvider({ past });
    const clock = manualClock();
    const session = await openSession(agent, { provider, store, sessionId: id, ifOwned: "take", clock });
    const resumed = session.resume();
    const ended = resumed.result().catch((thrown: unknown) => thrown);
    await settleMicrotasks();
    await session.close();
    expect([afterMs, await ended]).toMatchObject([afterMs, { code }]);
  }
});

it("an interrupt that is on record is not undone by a death: whoever takes the run up stops it [I12]", async () => {
  const store = memoryStore();
  const id = await left(store, scriptedProvider(), true);
  const provider = scriptedProvider({ past });
  await using session = await openSession(agent, { provider, store, sessionId: id, ifOwned: "take" });
  expect(await session.resume().result()).toMatchObject({ ending: "interrupted" });
  expect(provider.sent).toEqual([{ type: "interrupt" }]);
});

it("an interrupt without a run does nothing, and leaves no trace", async () => {
  const store = memoryStore();
  await using session = await openSession(agent, { provider: local({ model: () => "hi" }), store });
  await session.interrupt();
  await session.send("go").result();
  await session.interrupt();
  const entries = await store.log.read(session.id, 0, 100);
  expect(JSON.stringify(entries)).not.toContain('"interrupted"');
});
