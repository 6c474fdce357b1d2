import type { Outcome } from "loophost";
import { defineAgent, openSession, run, toolContent } from "loophost";
import { agentcore } from "loophost/providers/agentcore";
import { local } from "loophost/providers/local";
import { scriptedProvider } from "loophost/testing";
import { expect, it } from "vitest";

import { done } from "../../support/host-events.ts";

const agent = defineAgent({ name: "writer", instructions: "" });
const outcome: Outcome = { description: "A poem of four lines", rubric: "It rhymes.", maxIterations: 2 };

it("gives the host an outcome instead of a message, and its last verdict to the caller [A-140]", async () => {
  const verdict = { outcomeId: "o", explanation: "No rhyme.", iteration: 0 };
  const provider = scriptedProvider({
    turns: [
      [
        { type: "message", text: "First try." },
        { type: "outcome.evaluated", verdict: "needs_revision", ...verdict },
        { type: "message", text: "Second try." },
        {
          type: "outcome.evaluated",
          verdict: "satisfied",
          ...verdict,
          explanation: "It rhymes.",
          iteration: 1,
        },
        done,
      ],
    ],
  });
  await using session = await openSession(agent, { provider });
  const { ending, outcome: last, text } = await session.send({ outcome }).result();
  expect(text).toBe("Second try.");
  expect(provider.sent).toEqual([{ type: "outcome", outcome, id: "run_1" }]);
  expect(ending).toBe("completed");
  expect(last).toEqual({ verdict: "satisfied", explanation: "It rhymes.", iteration: 1 });
});

it("refuses an outcome that lacks a part, before anything is sent [A-141]", async () => {
  const provider = scriptedProvider();
  await using session = await openSession(agent, { provider });
  for (const wrong of ["a poem", {}, { description: "a poem" }, { description: 1, rubric: "r" }, null]) {
    // @ts-expect-error -- what a caller without types may give
    expect(() => session.send({ outcome: wrong })).toThrow("An outcome needs a description and a rubric");
  }
  expect(provider.sent).toEqual([]);
});

it("says where outcomes are not graded", async () => {
  const harnessArn = "arn:aws:bedrock-agentcore:us-west-2:123456789012:harness/Demo-AbCdEf1234";
  const provider = agentcore({ harnessArn, tools: "deployed", baseUrl: "http://127.0.0.1:1" });
  await using session = await openSession(agent, { provider });
  await expect(session.send({ outcome }).result()).rejects.toMatchObject({
    code: "invalid_options",
    message: expect.stringContaining("takes no outcomes"),
  });
});

it("sends instructions along with the message they come with", async () => {
  const provider = scriptedProvider({ turns: [[done]] });
  await using session = await openSession(agent, { provider });
  await session.send("hello", { system: "Be brief." }).result();
  expect(provider.sent.map(({ type }) => type)).toEqual(["message", "system"]);

  const heard: unknown[] = [];
  const model = ({ messages }: { messages: readonly unknown[] }) => {
    heard.push(...messages);
    return "ok";
  };
  await using here = await openSession(agent, { provider: local({ model }) });
  await here.send("hello", { system: "Be brief." }).result();
  expect(JSON.stringify(heard)).toContain("Be brief.");
});

it("refuses blocks that are none, and names the first, before anything is sent", async () => {
  const provider = scriptedProvider();
  await using session = await openSession(agent, { provider });
  const wrong = [
    null,
    { type: "video", url: "https://example.com" },
    { type: "image" },
    { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
    { role: "user", content: "hello" },
    { type: "text" },
  ];
  for (const block of wrong) {
    // @ts-expect-error -- what a caller without types may give
    expect(() => session.send([{ type: "text", text: "look" }, block])).toThrow(
      "The prompt's block 1 is no text",
    );
    // @ts-expect-error -- the same for a tool's result
    expect(() => toolContent([block])).toThrow(TypeError);
  }
  const told = "text, or a list of blocks, and not empty";
  // @ts-expect-error -- the same for a prompt that is none at all
  for (const none of [null, 5, {}]) expect(() => session.send(none)).toThrow(told);
  expect(provider.sent).toEqual([]);
});

it("reaches the host from run(), too", async () => {
  const provider = scriptedProvider({ turns: [[done]] });
  await run(agent, { provider, prompt: "hello", system: "Be brief." });
  expect(provider.sent.map(({ type }) => type)).toEqual(["message", "system"]);
  // @ts-expect-error -- options left out
  await expect(run(agent)).rejects.toMatchObject({ code: "invalid_options" });
  // @ts-expect-error -- a path instead of a store
  await expect(run(agent, { provider, prompt: "hello", store: "sessions.db" })).rejects.toMatchObject({
    code: "invalid_options",
    message: expect.stringContaining("sqliteStore"),
  });
});

it("keeps a message as it was sent when its list is filled anew for the next one", async () => {
  const seen: unknown[] = [];
  const model = ({ messages }: { readonly messages: readonly unknown[] }) => {
    seen.push(JSON.stringify(messages));
    return "Good.";
  };
  await using session = await openSession(agent, { provider: local({ model }) });
  const block = { type: "text" as const, text: "one" };
  const prompt = [block];
  for (const text of ["one", "two"]) {
    block.text = text;
    const sent = session.send(prompt);
    block.text = "something else";
    prompt.push({ type: "text", text: "more" });
    await sent.result();
    prompt.pop();
  }
  expect(seen.at(-1)).toMatch(/"one".*"two"/);
  expect(seen.at(-1)).not.toMatch(/something else|more/);
});
