// Environments as resources: complete replies, and what may be changed, archived and deleted when.

import { describe, expect, it } from "vitest";

import { refusal, scripted, startHost } from "./support.ts";

const NONE = "404 environment_not_found";
const ARCHIVED = "400 environment_archived";

describe("environments", () => {
  it("come back complete, every default filled in [S7-9]", async () => {
    await using server = await startHost(scripted());
    const { environments } = server.client.beta;
    const made = await environments.create({ name: "dev" });
    expect(made).toEqual({
      id: expect.stringMatching(/^env_/),
      type: "environment",
      name: "dev",
      description: null,
      config: {
        type: "cloud",
        networking: { type: "unrestricted" },
        packages: { type: "packages", apt: [], cargo: [], gem: [], go: [], npm: [], pip: [] },
      },
      scope: "organization",
      metadata: {},
      created_at: expect.any(String),
      updated_at: expect.any(String),
      archived_at: null,
    });
    expect(await environments.retrieve(made.id)).toEqual(made);
    const limited = await environments.create({
      name: "limited",
      config: {
        type: "cloud",
        networking: { type: "limited", allowed_hosts: ["example.com"] },
        packages: { npm: ["zod"] },
      },
    });
    expect(limited.config).toEqual({
      type: "cloud",
      networking: {
        type: "limited",
        allowed_hosts: ["example.com"],
        allow_mcp_servers: false,
        allow_package_managers: false,
      },
      packages: { type: "packages", apt: [], cargo: [], gem: [], go: [], npm: ["zod"], pip: [] },
    });
    const ours = await environments.create({ name: "ours", config: { type: "self_hosted" } });
    expect(ours.config).toEqual({ type: "self_hosted" });
  });

  it("change, but not into another kind", async () => {
    await using server = await startHost(scripted());
    const { environments } = server.client.beta;
    const { id } = await environments.create({ name: "dev", metadata: { a: "1", b: "2" } });
    const changed = await environments.update(id, {
      description: "mine",
      metadata: { a: null },
      config: { type: "cloud", networking: { type: "limited" } },
    });
    expect(changed).toMatchObject({
      name: "dev",
      description: "mine",
      metadata: { b: "2" },
      config: { networking: { type: "limited", allowed_hosts: [] } },
    });
    expect(await environments.update(id, { description: null })).toMatchObject({ description: null });
    expect(await refusal(environments.update(id, { config: { type: "self_hosted" } }))).toBe(
      "400 invalid_config_type_change",
    );
    expect(await refusal(environments.update(id, { metadata: { k: "x".repeat(513) } }))).toBe(
      "400 invalid_metadata",
    );
    expect(await refusal(environments.update("env_none", { name: "x" }))).toBe(NONE);
  });

  it("are refused when they could not be made, naming what is wrong [I9]", async () => {
    await using server = await startHost(scripted());
    const create = async (config: unknown) => {
      const { status, body } = await server.raw("POST", "/v1/environments", { name: "dev", config });
      return `${status} ${body.error.message}`;
    };
    expect(await create({ type: "moon" })).toMatch("400 config.type");
    expect(await create("self_hosted")).toMatch("400 config must be an object");
    expect(await create({ type: "cloud", networking: "none" })).toMatch("400 config.networking must be");
    expect(await create({ type: "cloud", packages: "zod" })).toMatch("400 config.packages must be");
    expect(await create({ type: "cloud", networking: { type: "none" } })).toMatch(
      "400 config.networking.type",
    );
    expect(await create({ type: "cloud", networking: { type: "limited", allowed_hosts: "x" } })).toMatch(
      "400 config.networking.allowed_hosts",
    );
    expect(await create({ type: "cloud", packages: { npm: [1] } })).toMatch("400 config.packages.npm");
  });

  it("that are archived take no sessions and no changes, and stay", async () => {
    await using server = await startHost(scripted());
    const { environments, sessions, agents } = server.client.beta;
    const { id } = await environments.create({ name: "dev" });
    const archived = await environments.archive(id);
    expect(await environments.archive(id)).toEqual(archived);
    const agent = await agents.create({ name: "helper", model: "m" });
    expect(await refusal(sessions.create({ agent: agent.id, environment_id: id }))).toBe(ARCHIVED);
    expect(await refusal(environments.update(id, { name: "late" }))).toBe(ARCHIVED);
    expect((await environments.list()).data).toEqual([]);
    expect((await environments.list({ include_archived: true })).data).toEqual([archived]);
  });

  it("cannot be deleted while a session uses them", async () => {
    await using server = await startHost(scripted());
    const { environments, sessions } = server.client.beta;
    const sessionId = await server.session();
    const { environment_id: id } = await sessions.retrieve(sessionId);
    await sessions.archive(sessionId);
    expect(await refusal(environments.delete(id))).toBe("400 invalid_request_error");
    await sessions.delete(sessionId);
    expect(await environments.delete(id)).toEqual({ id, type: "environment_deleted" });
    expect(await refusal(environments.retrieve(id))).toBe(NONE);
    expect(await refusal(environments.delete(id))).toBe(NONE);
  });
});
