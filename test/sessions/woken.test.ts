// What a worker does for a session that is woken: nothing when there is nothing to do, and ever less often when it cannot be run.

import { defineAgent } from "loophost";
import type { Clock, Provider } from "loophost";
import { local } from "loophost/providers/local";
import { inProcessEngine, sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { manualClock } from "loophost/testing";
import { expect, it } from "vitest";

const agent = defineAgent({ name: "a", instructions: "" });

/** A provider that notes when it is asked to open a session. */
function noted(provider: Provider, note: () => void): Provider {
  return {
    ...provider,
    open(...how) {
      note();
      return provider.open(...how);
    },
  };
}

it("opens no session that has nothing to do, however often it is woken", async () => {
  let opened = 0;
  const engine = inProcessEngine();
  const provider = noted(local({ model: () => "done" }), () => (opened += 1));
  await using app = sessions({ engine, agents: [{ agent, provider }] });
  const worker = await app.work();
  const chat = await app.create("a");
  await engine.wake(chat.id);
  await chat.send("hello");
  await chat.result();
  await expect.poll(() => worker.active).toBe(0);
  expect(opened).toBe(1);
  for (let n = 0; n < 3; n += 1) await engine.wake(chat.id);
  // Delivered behind the wakes.
  await chat.send("again");
  await chat.result();
  expect(opened).toBeLessThanOrEqual(2);
});

it("wakes a session on the day that was named, also one further away than a timer goes", async () => {
  const manual = manualClock();
  const days = (n: number) => n * 86_400_000;
  const woken: string[] = [];
  const clock: Clock = {
    now: () => manual.now(),
    after: (ms, callback) => (ms < 2 ** 31 ? manual.after(ms, callback) : () => undefined),
  };
  const engine = inProcessEngine({ clock });
  await engine.work({
    activate(id) {
      woken.push(id);
      return Promise.resolve({ now: "parked" });
    },
  });
  await engine.wake("s", { at: new Date(Date.now() + days(60)) });
  await manual.advance(days(59));
  expect(woken).toEqual([]);
  await manual.advance(days(1));
  expect(woken).toEqual(["s"]);
  await engine.close();
});

it("tries a session that cannot be opened less and less often", async () => {
  const clock = manualClock();
  const at: number[] = [];
  const broken: Provider = {
    ...local({ model: () => "never" }),
    open: () => Promise.reject(new Error("out of order")),
  };
  const provider = noted(broken, () => at.push(clock.now()));
  const store = memoryStore({ now: () => clock.now() });
  await using app = sessions({ clock, store, agents: [{ agent, provider }], onError: () => undefined });
  await app.work();
  const chat = await app.create("a");
  await chat.send("hello");
  for (let step = 0; step < 200 && at.length < 4; step += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(50);
  }
  const pauses = at.slice(1).map((time, index) => time - (at[index] ?? 0));
  expect(pauses).toHaveLength(3);
  for (const [index, pause] of pauses.slice(1).entries())
    expect(pause, String(pauses)).toBeGreaterThan(1.5 * (pauses[index] ?? 0));
});
