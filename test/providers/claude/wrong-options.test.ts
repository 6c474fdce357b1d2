// What is handed in where types do not reach: it is refused by its name, before anything is sent.

import type { Agent } from "loophost";
import { defineAgent } from "loophost";
import { claude, createClient } from "loophost/providers/claude";
import { provision, teardown } from "loophost/provisioning";
import { describe, expect, it } from "vitest";

const nobody: typeof fetch = () => Promise.reject(new Error("asked"));
const way = { baseUrl: "http://127.0.0.1:1", fetch: nobody, retry: { attempts: 1 } };
const agent: Agent = defineAgent({ name: "a", instructions: "b", model: "m" });
const digest = "0".repeat(64);
const handle = { provider: "claude", name: "a_00000000", digest, agentId: "agent_1" };

function refusal(message: string, code = "invalid_options"): Error {
  return expect.objectContaining({ name: "LoophostError", code, message: expect.stringContaining(message) });
}

describe("options that are none are refused", () => {
  it.each([
    ["claude()", () => claude(null as never)],
    ["claude()", () => claude([] as never)],
    ["createClient()", () => createClient(null as never)],
    ["createClient()", () => createClient("http://127.0.0.1:1" as never)],
    ["provision()", () => provision(claude(way), agent, null as never)],
    ["teardown()", () => teardown(claude(way), handle, null as never)],
  ])("by %s", async (what, call) => {
    await expect((async () => call())()).rejects.toThrow(refusal(`${what} takes an object`));
  });
});

describe("an option of the wrong kind is refused by its name", () => {
  it.each<[string, unknown]>([
    ["apiKey", 5],
    ["authToken", {}],
    ["auth", "basic"],
    ["baseUrl", 5],
    ["fetch", "fetch"],
    ["client", {}],
    ["clock", () => 0],
    ["beta", 5],
    ["filesBeta", false],
    ["version", null],
    ["timeoutMs", -1],
    ["timeoutMs", Number.NaN],
    ["timeoutMs", "60"],
    ["retry", 3],
    ["retry.attempts", { attempts: Number.NaN }],
    ["retry.firstDelayMs", { firstDelayMs: -1 }],
    ['retry has no option "tries"', { tries: 3 }],
  ])("%s (%j)", (name, value) => {
    const options = { [name.replace(/\W.*/, "")]: value };
    const message = name.includes(" ") ? name : `${name} must be`;
    expect(() => createClient(options)).toThrow(refusal(`createClient(): ${message}`));
    expect(() => claude(options)).toThrow(refusal(`claude(): ${message}`));
  });

  it.each<[string, unknown]>([
    ["deltas", "no"],
    ["idleMs", -1],
    ["idleMs", Number.NaN],
    ["server", "anthropic"],
    ["server.pageSize", { pageSize: 0 }],
    ["server.listsNewestFirst", { listsNewestFirst: 1 }],
    ['server has no option "pagesize"', { pagesize: 100 }],
    ["agentId", ""],
    ["environmentId", 5],
    ["environment", "self_hosted"],
    ["hostTools", {}],
    ["hostTools", [{ name: "bash" }]],
    ["mcpServers", "docs"],
    ["skills", [null]],
    ["resources", { type: "file" }],
    ["vaultIds", "vlt_1"],
    ["title", 5],
    ["metadata", { team: 5 }],
    ["budget", 125],
  ])("%s (%j)", (name, value) => {
    const options = { [name.replace(/\W.*/, "")]: value };
    const message = name.includes(" ") ? name : `${name} must be`;
    expect(() => claude(options)).toThrow(refusal(`claude(): ${message}`));
  });

  it("and what it was is not shown where it may be a key", () => {
    expect(() => createClient({ auth: "sk-ant-secret" as never })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("secret") }),
    );
  });
});

describe("what is missing is named", () => {
  it("by provision(), which needs an agent and a provider", async () => {
    const needed = refusal("defineAgent()", "invalid_agent");
    await expect(provision(claude(way), undefined as never)).rejects.toThrow(needed);
    await expect(provision(claude(way), { name: "a" } as never)).rejects.toThrow(needed);
    await expect(provision(undefined as never, agent)).rejects.toThrow(
      refusal("provision() needs a provider"),
    );
  });

  it("by teardown(), which needs a handle of the provider's, and sends nothing without", async () => {
    const needed = refusal("teardown() needs a handle");
    for (const odd of [undefined, "agent_1", { agentId: "agent_1" }])
      await expect(teardown(claude(way), odd as never)).rejects.toThrow(needed);
    const other = teardown(claude(way), { ...handle, provider: "local" });
    await expect(other).rejects.toThrow(refusal("of local, not of claude"));
  });

  it.each<[string, unknown]>([
    ["files.upload() takes an object", undefined],
    ["files.upload(): name must be", { bytes: "x" }],
    ["files.upload(): bytes must be", { name: "a" }],
    ["files.upload(): bytes must be", { name: "a", bytes: 5 }],
    ["files.upload(): expiresInSeconds must be", { name: "a", bytes: "x", expiresInSeconds: -1 }],
  ])("by %s (%j)", async (message, file) => {
    await expect(createClient(way).files.upload(file as never)).rejects.toThrow(refusal(message));
  });

  it.each([
    ["agents", () => createClient(way).agents.create(undefined as never)],
    ["environments", () => createClient(way).environments.create(null as never)],
    ["sessions", () => createClient(way).sessions.create(undefined as never)],
    ["sessions", () => createClient(way).sessions.update("sesn_1", undefined as never)],
  ])("by the control plane, which makes no %s of nothing", async (_, call) => {
    await expect(call()).rejects.toThrow(refusal("takes an object"));
  });

  it("and so is a time to stop in that is none", async () => {
    const stopping = createClient(way).sessions.archive("sesn_1", { stopTimeoutMs: Number.NaN });
    await expect(stopping).rejects.toThrow(refusal("stopTimeoutMs must be"));
  });
});
