// What the provider makes at the host before a session can run: agent, environment, session, as they go over the wire.

import type { Agent } from "loophost";
import { defineAgent, defineTool, openSession } from "loophost";
import type { ClaudeOptions } from "loophost/providers/claude";
import { claude, createClient } from "loophost/providers/claude";
import { provision, teardown } from "loophost/provisioning";
import { embeddedHost } from "loophost/server";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

const host = embeddedHost({ model: () => "Done." });
/** What was posted, by path. */
let posted: Map<string, Record<string, unknown>>;
/** Requests that are refused, each with a status. */
let refused: Map<RegExp, number>;
let baseUrl: string;

/** On the way to the host: notes what is made, and keeps from the host what it would look into. */
const passOn: typeof fetch = async (input, init) => {
  const request = new Request(input, init);
  const path = new URL(request.url).pathname;
  const status = [...refused].find(([pattern]) => pattern.test(`${request.method} ${path}`))?.[1];
  if (status !== undefined)
    return Response.json({ error: { type: "test_error", message: `refused with ${status}` } }, { status });
  if (request.method !== "POST" || !/^\/v1\/\w+$/.test(path)) return fetch(request);
  const body = (await request.json()) as Record<string, unknown>;
  posted.set(path, body);
  const plain = { ...body, budget: undefined, vault_ids: undefined, resources: undefined };
  return fetch(request.url, { method: "POST", headers: request.headers, body: JSON.stringify(plain) });
};

beforeAll(async () => {
  baseUrl = (await host.listen()).url;
});
beforeEach(() => {
  posted = new Map();
  refused = new Map();
});
afterAll(() => host.close());

const tool = (name: string) =>
  defineTool({ name, description: `The tool ${name}`, input: { type: "object" }, execute: () => "ok" });
const agentOf = (name: string, tools: Agent["tools"] = []) =>
  defineAgent({ name, instructions: "Help.", model: "m", tools });
/** The way there. */
const way = () => ({ baseUrl, fetch: passOn, retry: { firstDelayMs: 1 } });

async function open(agent: Agent, options: ClaudeOptions = {}) {
  const session = await openSession(agent, { provider: claude({ ...way(), ...options }) });
  await session.close();
  return session.id;
}

describe("a session is made with", () => {
  it("title, metadata, resources, vaults and a budget in the wire's own units", async () => {
    await open(agentOf("dressed"), {
      title: "Order 42",
      metadata: { team: "support" },
      resources: [{ type: "file", file_id: "file_1" }],
      vaultIds: ["vlt_1"],
      budget: { minorUnits: 125, currency: "USD" },
    });
    expect(posted.get("/v1/sessions")).toEqual({
      agent: expect.stringMatching(/^agent_/),
      environment_id: expect.stringMatching(/^env_/),
      title: "Order 42",
      metadata: { team: "support", loophost_request: expect.any(String) },
      resources: [{ type: "file", file_id: "file_1" }],
      vault_ids: ["vlt_1"],
      budget: { type: "limit", max_list_cost: { amount: "125", currency: "USD" } },
    });
  });

  it("nothing but agent, environment and the mark to find it again, when nothing is said", async () => {
    await open(agentOf("bare"));
    expect(Object.keys(posted.get("/v1/sessions") ?? {})).toEqual(["agent", "environment_id", "metadata"]);
  });

  it("an environment as it is described, found again by its description", async () => {
    const environment = { type: "self_hosted" };
    await open(agentOf("own-place"), { environment });
    expect(posted.get("/v1/environments")).toMatchObject({
      name: expect.stringMatching(/^loophost_[0-9a-f]{8}$/),
      config: environment,
    });
    posted.clear();
    await open(agentOf("own-place"), { environment });
    expect([...posted.keys()]).toEqual(["/v1/sessions"]);
  });
});

describe("an agent is made with", () => {
  it("the host's tools beside ours, and without ours that answer the host's own", async () => {
    const hostTools = [{ type: "agent_toolset_20260401" }];
    const environment = { type: "self_hosted" };
    await open(agentOf("toolful", [tool("bash"), tool("lookup")]), { hostTools, environment, skills: [] });
    expect(posted.get("/v1/agents")).toMatchObject({
      tools: [
        { type: "agent_toolset_20260401" },
        { type: "custom", name: "lookup", description: "The tool lookup" },
      ],
      skills: [],
    });
  });

  it("another name for everything that is sent of it", async () => {
    const names = new Set<unknown>();
    const server = { type: "url", name: "docs", url: "https://mcp.example/mcp" };
    const variants: ClaudeOptions[] = [
      {},
      { hostTools: [{ type: "agent_toolset_20260401" }] },
      { mcpServers: [server], hostTools: [{ type: "mcp_toolset", mcp_server_name: "docs" }] },
    ];
    refused.set(/^POST \/v1\/sessions$/, 400);
    for (const variant of variants) {
      await expect(open(agentOf("named"), variant)).rejects.toMatchObject({ status: 400 });
      names.add(posted.get("/v1/agents")?.["name"]);
    }
    expect(names.size).toBe(variants.length);
  });

  it.each<[string, ClaudeOptions]>([
    ["an agent that exists and tools for one that does not", { agentId: "agent_1", hostTools: [] }],
    [
      "an environment that exists and a description",
      { environmentId: "env_1", environment: { type: "cloud" } },
    ],
    ["a description that is none", { environment: {} as never }],
  ])("no doubt about it: %s are refused", (_, options) => {
    expect(() => claude(options)).toThrow(expect.objectContaining({ code: "invalid_options" }));
  });

  it.each([
    { minorUnits: 1.5, currency: "USD" },
    { minorUnits: -1, currency: "USD" },
    { minorUnits: 1, currency: "$" },
  ])("no money that is none: %j", async (budget) => {
    await expect(open(agentOf("poor"), { budget })).rejects.toMatchObject({ code: "invalid_options" });
  });
});

describe("a budget", () => {
  it("is raised, and removed for good", async () => {
    const id = await open(agentOf("paid"));
    const seen: unknown[] = [];
    const client = createClient({
      baseUrl,
      fetch: async (input, init) => {
        seen.push(await new Request(input, init).json());
        return Response.json({ id, type: "session" });
      },
    });
    await client.sessions.update(id, { budget: { minorUnits: 500, currency: "EUR" } });
    await client.sessions.update(id, { budget: null });
    await client.sessions.update(id, { title: "untouched" });
    expect(seen).toEqual([
      { budget: { type: "limit", max_list_cost: { amount: "500", currency: "EUR" } } },
      { budget: null },
      { title: "untouched" },
    ]);
  });
});

describe("provision and teardown", () => {
  const providerOf = (options: ClaudeOptions = {}) => claude({ ...way(), ...options });
  const isArchived = async (name: string) => {
    for await (const agent of createClient({ baseUrl }).agents.list({ include_archived: true }))
      if (agent.name.startsWith(`${name}_`)) return agent.archived_at !== null;
    return undefined;
  };

  it("give handles that sessions are opened with, and put both away [A-008] [A-049] [A-051]", async () => {
    const agent = agentOf("ahead", [tool("lookup")]);
    const provider = providerOf();
    const handle = await provision(provider, agent);
    expect(handle).toEqual({
      provider: "claude",
      name: expect.stringMatching(/^ahead_[0-9a-f]{8}$/),
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      agentId: expect.stringMatching(/^agent_/),
      environmentId: expect.stringMatching(/^env_/),
    });
    expect(await provision(providerOf(), agent)).toEqual(handle);
    posted.clear();
    await (await openSession(agent, { provider, provisioned: handle })).close();
    const { agentId, environmentId } = handle;
    expect(posted.get("/v1/sessions")).toMatchObject({ agent: agentId, environment_id: environmentId });
    expect([...posted.keys()]).toEqual(["/v1/sessions"]);
    // A session that was given nothing has the same agent.
    await open(agent);
    expect(posted.get("/v1/sessions")).toMatchObject({ agent: agentId });

    await teardown(provider, handle);
    const client = createClient({ baseUrl });
    expect((await client.agents.get(String(agentId))).archived_at).not.toBeNull();
    expect((await client.environments.get(String(environmentId))).archived_at).not.toBeNull();
    expect(await provision(provider, agent)).not.toMatchObject({ agentId });
  });

  it("archive the agent again when there is no environment for it, but not one that was there [A-050]", async () => {
    refused.set(/^POST \/v1\/environments$/, 400);
    const rolledBack = provision(providerOf(), agentOf("rolled-back"));
    await expect(rolledBack).rejects.toMatchObject({ status: 400 });
    expect(await isArchived("rolled-back")).toBe(true);
    refused.clear();
    await provision(providerOf(), agentOf("kept"));
    refused.set(/^POST \/v1\/environments$/, 400);
    const environment = { config: { type: "nowhere" } };
    const kept = provision(providerOf(), agentOf("kept"), { environment });
    await expect(kept).rejects.toMatchObject({ status: 400 });
    expect(await isArchived("kept")).toBe(false);
  });

  it("try both whatever becomes of one, and say what is left [A-051]", async () => {
    const provider = providerOf();
    const handle = await provision(provider, agentOf("half"));
    refused.set(/agents\/.*\/archive/, 403);
    await expect(teardown(provider, handle)).rejects.toMatchObject({
      code: "host_rejected",
      status: 403,
      message: expect.stringContaining(String(handle["agentId"])),
    });
    const { environments } = createClient({ baseUrl });
    expect((await environments.get(String(handle["environmentId"]))).archived_at).not.toBeNull();
    refused.clear();
    await teardown(provider, { ...handle, environmentId: "env_gone" });
  });

  it("refuse what cannot be before anything is sent [A-052]", async () => {
    const fetch = () => Promise.reject(new Error("asked"));
    const modelless = defineAgent({ name: "modelless", instructions: "Help." });
    await expect(provision(providerOf({ fetch }), modelless)).rejects.toMatchObject({
      code: "invalid_agent",
    });
    const nowhere = provision(providerOf({ fetch }), agentOf("x"), { environment: "cloud" as never });
    await expect(nowhere).rejects.toMatchObject({ code: "invalid_options" });
  });
});
