// The shorthands by their old names: an agent at a vendor's host in one call.

import { defineAgent, defineTool, isRunError } from "loophost";
import { invokeToCompletion } from "loophost/providers/agentcore";
import { runToCompletion, startSession } from "loophost/providers/claude";
import { embeddedHost } from "loophost/server";
import { agentCoreStandIn } from "loophost/testing/agentcore";
import { expect, it, onTestFinished, vi } from "vitest";

const who = defineTool({
  name: "who",
  description: "Who asks",
  input: { type: "object" },
  execute: (_, { context }: { context: { user: string } }) => context.user,
});
const agent = defineAgent({ name: "a", instructions: "Help.", model: "m", tools: [who] });

async function claudeHost() {
  const host = embeddedHost({
    model: ({ messages }) => {
      const last = messages.at(-1);
      if (JSON.stringify(last).includes("fail")) return Promise.reject(new TypeError("no"));
      if (last?.role === "tool") return JSON.stringify(last.results[0]?.result.content);
      return [{ type: "tool_call", id: `c${messages.length}`, name: "who", input: {} }];
    },
  });
  const { url } = await host.listen();
  onTestFinished(() => host.close());
  return { baseUrl: url };
}

it("runs to completion at Claude's, tools and context included [A-255]", async () => {
  const result = await runToCompletion(agent, {
    claude: await claudeHost(),
    prompt: "Who am I?",
    context: { user: "Ada" },
  });
  expect(result).toMatchObject({ terminal: "end_turn", text: expect.stringContaining("Ada") });
});

it("starts a session that stays, and is called back at every end [A-255] [A-151]", async () => {
  const ended = vi.fn<(end: unknown) => void>(() => {
    throw new Error("a listener's own");
  });
  const context = { user: "Ada" };
  await using session = await startSession(agent, { claude: await claudeHost(), context, notify: ended });
  const first = await session.send("Who am I?").result();
  await session.send("And now?").result();
  expect(ended.mock.calls).toEqual([[first], [expect.objectContaining({ terminal: "end_turn" })]]);
  const stop = new AbortController();
  stop.abort();
  await expect(session.send("Again", { signal: stop.signal }).result()).rejects.toMatchObject({
    code: "aborted",
  });
  const error = ended.mock.calls[2]?.[0];
  expect(isRunError(error) && error.code).toBe("aborted");
  expect(await session.send("Still there?").result()).toMatchObject({ terminal: "end_turn" });
  expect(ended).toHaveBeenCalledTimes(4);
  expect(session.id).toMatch(/^sesn_/);
});

it("invokes a harness to completion [A-255]", async () => {
  const standIn = await agentCoreStandIn({ model: () => "Done." });
  onTestFinished(() => standIn.close());
  const { url: baseUrl, harnessArn } = standIn;
  const result = await invokeToCompletion(defineAgent({ name: "a", instructions: "Help." }), {
    agentcore: { harnessArn, baseUrl, controlBaseUrl: baseUrl },
    prompt: "hi",
  });
  expect(result).toMatchObject({ terminal: "end_turn", text: "Done." });
});

it("refuses a notify that is no function", async () => {
  const starting = startSession(defineAgent({ name: "a", instructions: "" }), { notify: "me" as never });
  await expect(starting).rejects.toMatchObject({ code: "invalid_options" });
});
