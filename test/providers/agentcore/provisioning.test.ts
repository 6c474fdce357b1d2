// Harnesses made ahead from agents, and sessions held with them.

import { expect, it } from "vitest";

import { agentDigest, resourceName } from "../../../src/core/provisioning.ts";
import type { Provisioning } from "../../../src/core/provisioning.ts";
import { defineAgent, defineTool, openSession, run } from "../../../src/index.ts";
import { agentcore } from "../../../src/providers/agentcore/agentcore.ts";
import { memoryStore } from "../../../src/stores/memory.ts";
import { standIn } from "./support.ts";

const look = defineTool({
  name: "look",
  description: "Looks.",
  input: { type: "object", properties: {} },
  execute: () => "seen",
});
const agent = defineAgent({ name: "Order clerk", instructions: "Look.", model: "some.model", tools: [look] });
const harness = {
  executionRoleArn: "arn:aws:iam::123456789012:role/Agents",
  memory: { disabled: {} },
  tools: [{ type: "agentcore_browser", name: "browser" }],
  allowedTools: ["browser"],
  tags: { team: "orders" },
};
const signal = new AbortController().signal;

async function ensured(provisioning: Provisioning | undefined, phases: string[] = []) {
  if (provisioning === undefined) throw new Error("there is no provisioning");
  const digest = await agentDigest(agent, provisioning.settings("agent"));
  const name = await resourceName(agent.name, digest, provisioning.names);
  const request = {
    kind: "agent",
    name,
    digest,
    agent,
    environment: undefined,
    hosts: [],
    timeoutMs: 10_000,
    signal,
  } as const;
  const { ids, isNew } = await provisioning.ensure({
    ...request,
    onProgress: ({ phase }) => phases.push(phase),
  });
  return { isNew, handle: { provider: "agentcore", name, digest, ...ids } };
}

it("deploys an agent once, and holds sessions with it that send no more of it than what is said", async () => {
  const host = await standIn({
    model: ({ messages }) =>
      messages.at(-1)?.role === "tool"
        ? "Done."
        : [{ type: "tool_call", id: `tooluse_${messages.length}`, name: "look", input: {} }],
  });
  const at = { baseUrl: host.url, controlBaseUrl: host.url, region: "us-west-2" };
  const provider = agentcore({ harness, ...at });
  const phases: string[] = [];
  const { handle, isNew } = await ensured(provider.provisioning, phases);
  expect([isNew, phases]).toEqual([true, ["READY"]]);
  expect(handle.name).toMatch(/^Order_clerk_[0-9a-f]{8}$/);
  expect(await ensured(agentcore({ harness, ...at }).provisioning)).toEqual({ handle, isNew: false });
  expect(host.requests[0]?.body).toMatchObject({
    harnessName: handle.name,
    systemPrompt: [{ text: "Look." }],
    model: { bedrockModelConfig: { modelId: "some.model" } },
    memory: { disabled: {} },
    tools: [{ name: "browser" }, { type: "inline_function", name: "look" }],
    allowedTools: ["browser", "@*/look", "look"],
    tags: { team: "orders", "loophost:digest": handle.digest },
  });

  const store = memoryStore();
  const first = await openSession(agent, { provider, provisioned: handle, store });
  const result = await first.send("Go").result();
  expect([result.text, result.toolCalls.length]).toEqual(["Done.", 1]);
  await first.close();

  const said = host.requests.find(({ path }) => path === "/harnesses/invoke");
  expect(said?.body).toEqual({ messages: [{ role: "user", content: [{ text: "Go" }] }] });
  expect(said?.query["harnessArn"]).toBe(handle["harnessArn" as keyof typeof handle]);

  // Taken up elsewhere, its harness is on record.
  await using again = await openSession(agent, {
    provider: agentcore({ harness, ...at }),
    store,
    sessionId: first.id,
  });
  expect((await again.send("Again").result()).text).toBe("Done.");
});

it("lists what is there, and releases it, twice over", async () => {
  const host = await standIn({ model: () => "Hello." });
  const at = { baseUrl: host.url, controlBaseUrl: host.url, region: "us-west-2" };
  const { provisioning } = agentcore({ harness, ...at });
  const { handle } = await ensured(provisioning);
  const names = async () => {
    const found: string[] = [];
    for await (const { name } of provisioning?.list("agent", signal) ?? []) found.push(name);
    return found;
  };
  expect(await names()).toEqual(["Demo", handle.name]);
  await provisioning?.release("agent", handle, signal);
  await provisioning?.release("agent", handle, signal);
  expect(await names()).toEqual(["Demo"]);
});

it("asks for a harness where none is named", async () => {
  expect(() => agentcore({})).toThrow(/needs harnessArn/);
  expect(() => agentcore({ harness: { executionRoleArn: " " } })).toThrow(/harness must be/);
  await expect(run(agent, { provider: agentcore({ harness }), prompt: "Hi" })).rejects.toMatchObject({
    code: "invalid_options",
    message: expect.stringContaining("pass harnessArn, or what provision() gave"),
  });
});
