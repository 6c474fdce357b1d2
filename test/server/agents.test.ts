// Agents as resources: complete replies, versions, and what may be changed when.

import { describe, expect, it } from "vitest";

import { BAD, customTool, GONE, refusal, scripted, startHost } from "./support.ts";

describe("agents", () => {
  it("come back complete, every default filled in [S7-9]", async () => {
    await using server = await startHost(scripted());
    const agent = await server.client.beta.agents.create({
      name: "helper",
      model: "m",
      tools: [
        customTool("add"),
        { type: "agent_toolset_20260401", configs: [{ name: "bash", enabled: false }] },
        { type: "mcp_toolset", mcp_server_name: "docs" },
      ],
    });
    expect(agent).toEqual({
      id: expect.stringMatching(/^agent_/),
      type: "agent",
      version: 1,
      name: "helper",
      description: null,
      model: { id: "m", speed: "standard" },
      system: null,
      tools: [
        customTool("add"),
        {
          type: "agent_toolset_20260401",
          default_config: { enabled: true, permission_policy: { type: "always_allow" } },
          configs: [{ name: "bash", enabled: false, permission_policy: { type: "always_allow" } }],
        },
        {
          type: "mcp_toolset",
          mcp_server_name: "docs",
          default_config: { enabled: true, permission_policy: { type: "always_ask" } },
          configs: [],
        },
      ],
      mcp_servers: [],
      skills: [],
      multiagent: null,
      execution_identity: { type: "service_account" },
      metadata: {},
      created_at: expect.any(String),
      updated_at: expect.any(String),
      archived_at: null,
    });
    expect(await server.client.beta.agents.retrieve(agent.id)).toEqual(agent);
  });

  it("change by versions, under an optimistic lock, also when two change at once", async () => {
    await using server = await startHost(scripted());
    const { agents } = server.client.beta;
    const { id } = await agents.create({
      name: "one",
      model: "m",
      system: "Be brief.",
      metadata: { a: "1", b: "2" },
    });
    const second = await agents.update(id, {
      version: 1,
      name: "two",
      system: null,
      metadata: { a: null, c: "3" },
    });
    expect(second).toMatchObject({ version: 2, name: "two", system: null, metadata: { b: "2", c: "3" } });
    expect(await refusal(agents.update(id, { version: 1, name: "stale" }))).toBe("409 conflict_error");

    const race = await Promise.all([
      refusal(agents.update(id, { version: 2, name: "x" })),
      refusal(agents.update(id, { version: 2, name: "y" })),
    ]);
    expect(race.toSorted()).toEqual(["409 conflict_error", "taken"]);

    expect(await agents.retrieve(id, { version: 1 })).toMatchObject({ name: "one", system: "Be brief." });
    const versions: number[] = [];
    for await (const { version } of agents.versions.list(id, { limit: 2 })) versions.push(version);
    expect(versions).toEqual([3, 2, 1]);

    expect(await refusal(agents.retrieve(id, { version: 9 }))).toBe(GONE);
    expect((await server.raw("GET", `/v1/agents/${id}?version=latest`)).status).toBe(400);

    const environment = await server.client.beta.environments.create({ name: "dev" });
    const archived = await agents.archive(id);
    expect(archived).toMatchObject({ version: 3, archived_at: expect.any(String) });
    expect(await agents.archive(id)).toEqual(archived);
    expect(await refusal(agents.update(id, { name: "late" }))).toBe(BAD);
    const create = server.client.beta.sessions.create({ agent: id, environment_id: environment.id });
    expect(await refusal(create)).toBe(BAD);
    expect((await agents.list()).data).toEqual([]);
    expect((await agents.list({ include_archived: true })).data).toHaveLength(1);
  });

  it("are refused when a tool cannot work, naming it", async () => {
    await using server = await startHost(scripted());
    const create = async (...tools: unknown[]) => {
      const { status, body } = await server.raw("POST", "/v1/agents", { name: "helper", model: "m", tools });
      return `${status} ${body.error.message}`;
    };
    expect(await create({ ...customTool("a"), description: "" })).toMatch("400 tools[0].description");
    expect(await create(customTool("ok"), customTool("bash"))).toMatch("400 tools[1].name");
    expect(await create(customTool("a b"))).toMatch("400 tools[0]");
    expect(await create({ ...customTool("a"), input_schema: { type: "string" } })).toMatch("400 tools[0]");
    expect(await create(customTool("a"), customTool("a"))).toContain(
      '400 tools: there are two custom tools named "a"',
    );
    expect(await create({ type: "gadget" })).toMatch("400 tools[0].type");
  });

  const AT = "400 tools[0].";
  const POLICY = "permission_policy";
  it.each([
    [{ default_config: "always_ask" }, `${AT}default_config must be an object`],
    [{ default_config: { [POLICY]: "always_ask" } }, `${AT}default_config.${POLICY} must be an object`],
    [{ default_config: { [POLICY]: { type: "alwaysask" } } }, `${AT}default_config.${POLICY}.type must be`],
    [{ default_config: { enabled: "false" } }, `${AT}default_config.enabled must be true or false`],
    [{ configs: [{ name: "bash", enabled: "false" }] }, `${AT}configs[0].enabled must be true or false`],
    [{ configs: [{ name: "bash", [POLICY]: "always_ask" }] }, `${AT}configs[0].${POLICY} must be an object`],
    [
      { configs: [{ name: "bsh", enabled: false }] },
      `${AT}configs: there is no built-in tool "bsh", only bash,`,
    ],
  ])("are refused when what they withhold cannot be understood: %j [I9]", async (toolset, refused) => {
    await using server = await startHost(scripted());
    const tools = [{ type: "agent_toolset_20260401", ...toolset }];
    const { status, body } = await server.raw("POST", "/v1/agents", { name: "helper", model: "m", tools });
    expect(`${status} ${body.error?.message}`).toContain(refused);
  });
});
