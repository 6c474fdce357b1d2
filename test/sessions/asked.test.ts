// What an application may ask of its sessions: how they are set up, listed and followed, and what is refused.

import { defineAgent } from "loophost";
import { local } from "loophost/providers/local";
import type { SessionsOptions } from "loophost/sessions";
import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { expect, it } from "vitest";

const served = (name: string) => ({
  agent: defineAgent({ name, instructions: "" }),
  provider: local({ model: () => "done" }),
});

it("refuses a store without an inbox, and an agent without a provider, by name", () => {
  const { inbox: _, ...withoutInbox } = memoryStore();
  const { log: __, ...withoutLog } = memoryStore();
  const { agent, provider } = served("a");
  const refused: readonly [object, RegExp][] = [
    [{ store: withoutInbox }, /store/],
    [{ store: withoutLog }, /store/],
    [{ agents: [{ agent }] }, /agents/],
    [{ agents: [{ provider }] }, /agents/],
    [{ agents: [{ agent, provider, contexts: 1 }] }, /contexts/],
    [{ agents: [served("a"), served("a")] }, /two agents are named "a"/],
  ];
  for (const [options, words] of refused)
    expect(() => sessions(options as SessionsOptions), words.source).toThrow(words);
});

it("lists sessions of one tenant, of one status, after an id and so many at most", async () => {
  await using app = sessions({ agents: [served("a"), served("b")] });
  for (const [id, tenant] of [
    ["1", "acme"],
    ["2", "other"],
    ["3", "acme"],
    ["4", undefined],
  ] as const)
    await app.create("a", { id, tenant });
  const ids = async (how: Parameters<typeof app.list>[0]) =>
    (await app.list(how)).map(({ sessionId }) => sessionId);
  expect(await ids({})).toEqual(["1", "2", "3", "4"]);
  expect(await ids({ tenant: "acme" })).toEqual(["1", "3"]);
  expect(await ids({ tenant: "acme", status: "idle", after: "1" })).toEqual(["3"]);
  expect(await ids({ limit: 2 })).toEqual(["1", "2"]);
  expect(await ids({ status: "failed" })).toEqual([]);
});

it("follows from the first event on after place 0, and refuses places that are none", async () => {
  await using app = sessions({ agents: [served("a")] });
  await app.work();
  const chat = await app.create("a");
  await chat.send("hello");
  await chat.result();
  const all = await Array.fromAsync(chat.follow({ untilIdle: true, deltas: false }));
  expect(await Array.fromAsync(chat.follow({ after: 0, untilIdle: true, deltas: false }))).toEqual(all);
  for (const after of [-1, 1.5, 1e300, Infinity, Number.NaN])
    expect(() => chat.follow({ after }), String(after)).toThrow(/after/);
});

it("posts a message as it was when it was sent, though it is not posted at once", async () => {
  await using app = sessions({ agents: [served("a")] });
  await app.work();
  const chat = await app.create("a");
  const block = { type: "text" as const, text: "as it was" };
  const sent = chat.send([block]);
  block.text = "something else";
  await sent;
  expect((await chat.result()).transcript?.[0]).toMatchObject({ content: [{ text: "as it was" }] });
});
