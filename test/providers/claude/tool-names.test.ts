// Tools named like the host's own: sent to nobody, so refused unless their calls come here all the same.

import { defineAgent, defineTool, openSession } from "loophost";
import type { ClaudeOptions } from "loophost/providers/claude";
import { claude, createClient } from "loophost/providers/claude";
import { provision } from "loophost/provisioning";
import { embeddedHost } from "loophost/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const host = embeddedHost({ model: () => "Done." });
let baseUrl: string;
beforeAll(async () => {
  baseUrl = (await host.listen()).url;
});
afterAll(() => host.close());

function agentWith(...names: string[]) {
  const tools = names.map((name) =>
    defineTool({ name, description: "Does it", input: { type: "object" }, execute: () => "ok" }),
  );
  return defineAgent({ name: "named", instructions: "Help.", model: "m", tools });
}

const hostTools = [{ type: "agent_toolset_20260401" }];
const environment = { type: "self_hosted" };

async function open(names: string[], options: ClaudeOptions) {
  const session = await openSession(agentWith(...names), { provider: claude({ baseUrl, ...options }) });
  await session.close();
  return session.id;
}

function madeAt(kind: "agents" | "sessions"): Promise<unknown[]> {
  return Array.fromAsync<unknown>(createClient({ baseUrl })[kind].list());
}

describe("a tool named like one of the host's own", () => {
  it.each<[string, ClaudeOptions]>([
    ["by default", {}],
    ["in the cloud", { hostTools }],
    ["without the host's toolset", { environment }],
    ["with other tools of the host's only", { environment, hostTools: [{ type: "mcp_toolset" }] }],
  ])("is refused %s, before anything is sent, with the ways out", async (_, options) => {
    for (const name of ["bash", "edit", "glob", "grep", "read", "write"]) {
      const opening = open(["lookup", name], { fetch: () => Promise.reject(new Error("asked")), ...options });
      await expect(opening).rejects.toMatchObject({ code: "invalid_agent" });
      await expect(opening).rejects.toThrow(
        new RegExp(`"named".*"${name}".*[Rr]ename.*self_hosted.*hostTools.*agent_toolset_20260401`),
      );
    }
    expect([...(await madeAt("agents")), ...(await madeAt("sessions"))]).toEqual([]);
  });

  it("is refused by provision() as well", async () => {
    const provisioning = provision(claude({ baseUrl, environment }), agentWith("bash"));
    await expect(provisioning).rejects.toMatchObject({ code: "invalid_agent" });
  });

  it("is refused anywhere when it is one for the web, which never run here", async () => {
    const opening = open(["bash", "web_search"], { environment, hostTools });
    await expect(opening).rejects.toMatchObject({ code: "invalid_agent" });
    await expect(opening).rejects.toThrow(/"web_search" .*Rename it\.$/);
  });

  it("goes where its calls come here", async () => {
    expect(await open(["bash"], { environment, hostTools })).toMatch(/^sesn_/);
    const provider = claude({ baseUrl, hostTools });
    const handle = await provision(provider, agentWith("read"), { environment: { config: environment } });
    await using session = await openSession(agentWith("read"), { provider, provisioned: handle });
    expect(session.id).toMatch(/^sesn_/);
  });

  it("goes or not as the environment says that exists", async () => {
    const { environments } = createClient({ baseUrl });
    const here = await environments.create({ name: "here", config: environment });
    const cloud = await environments.create({ name: "cloud", config: { type: "cloud" } });
    expect(await open(["bash"], { environmentId: here.id, hostTools })).toMatch(/^sesn_/);
    await expect(open(["bash"], { environmentId: cloud.id, hostTools })).rejects.toMatchObject({
      code: "invalid_agent",
    });
  });

  it("is left alone with an agent that exists: what that has is not known here", async () => {
    const agent = await createClient({ baseUrl }).agents.create({
      name: "own",
      model: "m",
      tools: hostTools,
    });
    expect(await open(["bash"], { agentId: agent.id })).toMatch(/^sesn_/);
  });
});
