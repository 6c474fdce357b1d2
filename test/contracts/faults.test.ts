// Every fault of the published probes, as a whole run with the model behind real HTTP: each has one outcome here.

import type { SessionEvent } from "loophost";
import { defineAgent, defineTool, openSession, run } from "loophost";
import { local, openAICompatible } from "loophost/providers/local";
import { manualClock } from "loophost/testing";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";

import { chatReply, events } from "../providers/local/models/replies.ts";
import { type Answer, json, type ModelService, startService, streamed } from "../support/model-service.ts";

const look = defineTool({
  name: "look",
  description: "Looks",
  input: z.object({ at: z.string() }),
  execute: ({ at }) => `saw ${at}`,
});
const agent = defineAgent({ name: "looker", instructions: "", model: "m", tools: [look] });

const calls = (...written: readonly (readonly [name: string, text: string])[]): Answer =>
  chatReply({
    tool_calls: written.map(([name, text], index) => ({
      index,
      id: `c${index}`,
      function: { name, arguments: text },
    })),
  });
const one = calls(["look", '{"at":"x"}']);
const answer = chatReply({ content: "Seen." });
const busy = { error: { message: "Try later" } };
const begun = events([{ choices: [{ delta: { content: "Se" } }] }]);

const modelAt = ({ url }: ModelService, options: object = { retry: { firstDelayMs: 1 } }) =>
  openAICompatible({ baseUrl: url, ...options });

/** What the model was told of its calls, in the request after them. */
function told({ asked }: ModelService): string[] {
  const messages = asked.at(-1)?.body["messages"] as { role: string; content: string }[];
  return messages.filter(({ role }) => role === "tool").map(({ content }) => content);
}

describe("the model service", () => {
  it("asks to wait: that long, then the run goes on [F4-retry-after]", async () => {
    await using service = await startService(json(busy, 429, { "retry-after": "1" }), answer);
    const clock = manualClock();
    const retrying = Promise.withResolvers<SessionEvent>();
    const running = run(agent, {
      provider: local({ model: modelAt(service, {}), clock }),
      prompt: "go",
      clock,
      onEvent: (event) => event.type === "retrying" && retrying.resolve(event),
    });
    expect(await retrying.promise).toMatchObject({ delayMs: 1_000 });
    await clock.advance(1_000);
    expect(await running).toMatchObject({ text: "Seen.", turns: 1 });
  });

  it.each([
    ["fails with a 503", json(busy, 503), "F4-retry"],
    [
      "is overloaded after a 200",
      streamed(events([{ error: { code: 529, message: "Busy" } }])),
      "F4-overloaded",
    ],
    ["is cut off in mid-stream", streamed(begun, "cut"), "F4-cut"],
  ])("%s on a later request: asked again, and no tool runs twice [$2]", async (_, fault) => {
    await using service = await startService(one, fault, answer);
    const result = await run(agent, { provider: local({ model: modelAt(service) }), prompt: "go" });
    expect(result).toMatchObject({ text: "Seen.", turns: 2, ending: "completed" });
    expect(result.events.filter(({ type }) => type === "tool.started")).toHaveLength(1);
    expect(service.asked[2]?.text).toBe(service.asked[1]?.text);
  });

  it("falls silent in mid-stream: given up after the idle time, and asked again [F4-stall]", async () => {
    await using service = await startService(streamed(begun, "silence"), answer);
    const clock = manualClock();
    const heard = Promise.withResolvers<void>();
    const running = run(agent, {
      provider: local({ model: modelAt(service, { idleTimeoutMs: 5_000 }), clock }),
      prompt: "go",
      clock,
      onEvent: (event) => event.type === "text.delta" && heard.resolve(),
    });
    await heard.promise;
    await clock.advance(5_000);
    await service.hungUp;
    await clock.advance(1_000);
    expect((await running).text).toBe("Seen.");
  });
});

describe("tools", () => {
  it("called eight at a time run all at once [F4-parallel]", async () => {
    await using service = await startService(
      calls(...Array.from({ length: 8 }, () => ["meet", "{}"] as const)),
      answer,
    );
    let arrived = 0;
    const all = Promise.withResolvers<void>();
    const meet = defineTool({
      name: "meet",
      description: "Waits for the seven others",
      input: { type: "object" },
      execute: async () => {
        if ((arrived += 1) === 8) all.resolve();
        await all.promise;
        return "met";
      },
    });
    await run(defineAgent({ name: "party", instructions: "", model: "m", tools: [meet] }), {
      provider: local({ model: modelAt(service) }),
      prompt: "go",
    });
    expect(told(service)).toEqual(Array.from({ length: 8 }, () => "met"));
  });

  it.each([
    { what: "that throw", call: ["fail", "{}"], says: "no disk in db.ts", id: "F4-throw" },
    { what: "given input that does not fit", call: ["look", '{"at":5}'], says: "at: ", id: "F4-schema" },
    {
      what: "that are not there",
      call: ["peek", "{}"],
      says: "The tools are: look, fail",
      id: "F4-unknown-tool",
    },
    {
      what: "given arguments that are no JSON",
      call: ["look", '{"at":'],
      says: "not valid JSON",
      id: "F4-malformed",
    },
  ] as const)(
    "$what: the model is told, nothing else runs, and the run goes on [$id]",
    async ({ call, says }) => {
      await using service = await startService(calls(call), answer);
      const seen = vi.fn<(at: string) => string>();
      const tools = [
        defineTool({ ...look, input: z.object({ at: z.string() }), execute: ({ at }) => seen(at) }),
        defineTool({
          name: "fail",
          description: "Fails",
          input: { type: "object" },
          execute: () => {
            throw new Error("no disk in /srv/app/db.ts");
          },
        }),
      ];
      const result = await run(defineAgent({ name: "looker", instructions: "", model: "m", tools }), {
        provider: local({ model: modelAt(service) }),
        prompt: "go",
      });
      expect(result).toMatchObject({ text: "Seen.", ending: "completed" });
      expect(told(service)).toEqual([expect.stringContaining(says)]);
      expect(told(service)[0]).toMatch(/"isError":true/);
      expect(told(service)[0]).not.toMatch(/srv|\bat .*:\d/);
      expect(seen).not.toHaveBeenCalled();
    },
  );
});

describe("a run that is stopped", () => {
  it("by its turn limit fails with what it had, and leaves no call unanswered [F4-turn-limit]", async () => {
    await using service = await startService(one, answer);
    await using session = await openSession(agent, {
      provider: local({ model: modelAt(service) }),
      limits: { maxTurns: 1 },
    });
    await expect(session.send("go").result()).rejects.toMatchObject({
      code: "max_turns_exceeded",
      result: { turns: 1, toolCalls: [{ name: "look" }] },
    });
    expect((await session.send("and now?").result()).text).toBe("Seen.");
    expect(told(service)).toHaveLength(1);
  });

  it("while its tool ignores the signal ends at once, and asks for nothing more [F4-abort-ignoring-tool]", async () => {
    await using service = await startService(one, answer);
    const stopping = new AbortController();
    const deaf = defineTool({
      name: "look",
      description: "Heeds no signal",
      input: { type: "object" },
      execute: () => new Promise(() => stopping.abort()),
    });
    const running = run(defineAgent({ name: "looker", instructions: "", model: "m", tools: [deaf] }), {
      provider: local({ model: modelAt(service) }),
      prompt: "go",
      signal: stopping.signal,
    });
    await expect(running).rejects.toMatchObject({ code: "aborted" });
    expect(service.asked).toHaveLength(1);
  });

  it("while the model's stream is silent ends at once, and lets go of the request [F4-abort-silent]", async () => {
    await using service = await startService(streamed(begun, "silence"));
    const stopping = new AbortController();
    const running = run(agent, {
      provider: local({ model: modelAt(service) }),
      prompt: "go",
      signal: stopping.signal,
      onEvent: (event) => event.type === "text.delta" && stopping.abort(),
    });
    await expect(running).rejects.toMatchObject({ code: "aborted" });
    await service.hungUp;
  });

  it("by its signal rejects as aborted, with what it had; by interrupt() it resolves as interrupted [F4-abort-outcome]", async () => {
    await using service = await startService(streamed(begun, "silence"));
    await using session = await openSession(agent, { provider: local({ model: modelAt(service) }) });
    const stopping = new AbortController();
    const aborted = session.send("go", { signal: stopping.signal });
    const types: string[] = [];
    const reading = (async () => {
      for await (const { type } of aborted) {
        types.push(type);
        if (type === "text.delta") stopping.abort();
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: "aborted" });
    await expect(aborted.result()).rejects.toMatchObject({ code: "aborted", result: { turns: 1 } });
    expect(types.at(-1)).toBe("run.failed");

    const interrupted = session.send("again");
    for await (const { type } of interrupted) if (type === "text.delta") await session.interrupt();
    expect(await interrupted.result()).toMatchObject({ terminal: "end_turn", ending: "interrupted" });
  });
});

it("what the model wrote goes back character for character, though its tool is given less of it [F4-history-fidelity]", async () => {
  const written = '{ "at": "x",  "why": "curious", "at2": 1.0 }';
  await using service = await startService(calls(["look", written]), answer);
  const given = vi.fn<(input: object) => string>(() => "seen");
  const stripping = defineTool({ ...look, input: z.object({ at: z.string() }), execute: given });
  await run(defineAgent({ name: "looker", instructions: "", model: "m", tools: [stripping] }), {
    provider: local({ model: modelAt(service) }),
    prompt: "go",
  });
  expect(given.mock.calls[0]?.[0]).toEqual({ at: "x" });
  expect(service.asked[1]?.body["messages"]).toMatchObject([
    { role: "user" },
    { tool_calls: [{ function: { name: "look", arguments: written } }] },
    { role: "tool" },
  ]);
});
