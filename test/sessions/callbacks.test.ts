// What a worker asks its application before it opens a session: whether a changed agent is taken, and the context of tools.

import { defineAgent } from "loophost";
import type { LoophostError } from "loophost";
import { local } from "loophost/providers/local";
import type { ServedAgent } from "loophost/sessions";
import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { manualClock } from "loophost/testing";
import { expect, it } from "vitest";

const provider = local({ model: () => "done" });

function served(instructions: string, more: Partial<ServedAgent> = {}): ServedAgent {
  return { agent: defineAgent({ name: "a", instructions }), provider, ...more };
}

const noes: Readonly<Record<string, unknown>> = {
  false: () => false,
  "a promise": async () => true,
  "a promise that rejects": () => Promise.reject(new Error("no")),
  "what is no boolean": () => "yes",
  "a throw": () => {
    throw new Error("no");
  },
};

it.each(Object.entries(noes))("takes %s of accepts() for a no", async (_, accepts) => {
  const store = memoryStore();
  {
    await using before = sessions({ store, agents: [served("before")] });
    await before.work();
    const chat = await before.create("a", { id: "s" });
    await chat.send("Hi");
    await chat.result();
  }
  const { promise, resolve } = Promise.withResolvers<LoophostError>();
  // oxlint-disable-next-line no-unsafe-type-assertion -- as plain JavaScript may give it
  const more = { accepts } as Partial<ServedAgent>;
  await using after = sessions({ store, agents: [served("after", more)], onError: resolve });
  await after.work();
  await after.get("s").send("And?");
  expect(await promise).toMatchObject({
    code: "agent_changed",
    message: expect.stringContaining("accepts()"),
  });
  await using willing = sessions({ store, agents: [served("after", { accepts: () => true })] });
  await willing.work();
  expect(await willing.get("s").result()).toMatchObject({ text: "done" });
});

it("drains while context() hangs", async () => {
  const begun = Promise.withResolvers<void>();
  const hang = () => {
    begun.resolve();
    return new Promise(() => undefined);
  };
  await using app = sessions({ agents: [served("", { context: hang })] });
  const worker = await app.work();
  await (await app.create("a")).send("Hi");
  await begun.promise;
  await worker.drain({ graceMs: 0 });
  expect(worker.active).toBe(0);
});

it("gives the place of a session back whose context() has given nothing for 30 s", async () => {
  const clock = manualClock();
  const begun = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<LoophostError>();
  const context = ({ sessionId }: { readonly sessionId: string }) => {
    if (sessionId !== "hangs") return undefined;
    begun.resolve();
    return new Promise(() => undefined);
  };
  await using app = sessions({ clock, agents: [served("", { context })], onError: failed.resolve });
  await app.work({ maxActivations: 1 });
  await (await app.create("a", { id: "hangs" })).send("Hi");
  await begun.promise;
  const other = await app.create("a", { id: "other" });
  await other.send("Hi");
  await clock.advance(30_000);
  expect(await failed.promise).toMatchObject({
    code: "timeout",
    message: expect.stringContaining("context()"),
  });
  expect(await other.result()).toMatchObject({ text: "done" });
});
