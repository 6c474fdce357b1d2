// The bus between processes: who hears what, and that nothing anybody says breaks those who hear it.

import { getEventListeners } from "node:events";

import { defineAgent } from "loophost";
import { local } from "loophost/providers/local";
import type { Engine } from "loophost/sessions";
import { localBus, sessions } from "loophost/sessions";
import { expect, it } from "vitest";

import { HeardDeltas } from "../../src/sessions/deltas.ts";
import { heard } from "../../src/sessions/words.ts";

const agent = defineAgent({ name: "a", instructions: "" });

it("tells those that listen, also after another has left, and nobody once it is closed", async () => {
  const bus = localBus();
  const heardBy: string[] = [];
  const listen = (name: string) => bus.listen("s", (what) => heardBy.push(`${name} ${String(what)}`));
  const [leave] = [listen("first"), listen("second")];
  bus.say("s", "one");
  leave();
  bus.say("s", "two");
  bus.say("another", "three");
  listen("third")();
  bus.say("s", "four");
  await bus.close();
  bus.say("s", "five");
  expect(heardBy).toEqual(["first one", "second one", "second two", "second four"]);
});

it("shows what a worker of an older release writes, whose deltas do not say by whom", () => {
  const event = { type: "text.delta", text: "Hello" };
  const words = [
    { say: "delta", after: 0, at: 0, event },
    { say: "delta", by: "successor", after: 0, at: 0, event },
  ];
  const reader = new HeardDeltas();
  const shown = words.map(heard).map((word) => {
    if (word?.say === "delta") reader.add(word);
    return reader.due();
  });
  expect(shown).toEqual([[event], [{ type: "deltas.retracted", reason: expect.any(String) }, event]]);
});

it("ignores words it does not know, and deltas that are none", () => {
  const delta = { say: "delta", by: "me", after: 0, at: 0, event: { type: "text.delta", text: "x" } };
  expect(heard(delta)).toEqual(delta);
  expect([heard({ say: "follow" }), heard({ say: "owner" })]).toEqual([{ say: "follow" }, { say: "owner" }]);
  const nonsense = [
    { ...delta, by: null },
    null,
    "look",
    {},
    { say: "sing" },
    { ...delta, say: "sing" },
    { ...delta, after: "0" },
    { ...delta, at: null },
    { ...delta, event: "x" },
    { ...delta, event: { type: "text.delta", text: 5 } },
    { ...delta, event: { type: 5, text: "x" } },
    { ...delta, event: { type: "message", text: "x" } },
  ];
  expect(nonsense.map(heard)).toEqual(nonsense.map(() => undefined));
});

it("tells of what was posted at once, before an engine that is slow has been asked", async () => {
  const bus = localBus();
  const slow: Engine = {
    wake: () => new Promise(() => undefined),
    work: () => Promise.reject(new Error("no workers")),
    close: () => Promise.resolve(),
  };
  await using app = sessions({ engine: slow, bus });
  const chat = await app.create("a");
  const told = Promise.withResolvers<unknown>();
  bus.listen(chat.id, (what) => told.resolve(what));
  chat.send("hello").catch(told.reject);
  expect(await told.promise).toEqual({ say: "look" });
});

it("leaves no listener on a caller's signal, however often somebody who follows waits", async () => {
  const bus = localBus();
  const { signal } = new AbortController();
  await using app = sessions({ bus, agents: [{ agent, provider: local({ model: () => "done" }) }] });
  await app.work();
  const chat = await app.create("a");
  const most: number[] = [];
  const ended = (async () => {
    let runs = 0;
    for await (const { type } of chat.follow({ signal })) {
      most.push(getEventListeners(signal, "abort").length);
      if (type === "run.ended" && ++runs === 3) return;
    }
  })();
  for (const text of ["one", "two", "three"]) {
    await chat.send(text);
    await chat.result({ signal });
  }
  await ended;
  expect(Math.max(...most)).toBeLessThanOrEqual(1);
  expect(getEventListeners(signal, "abort")).toEqual([]);
});
