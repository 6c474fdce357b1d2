// Sessions as resources: complete replies, listings, and what may be done with them when.

import type Anthropic from "@anthropic-ai/sdk";
import { memoryStore } from "loophost/stores/memory";
import { describe, expect, it } from "vitest";

import {
  answer,
  BAD,
  call,
  customTool,
  follow,
  gate,
  GONE,
  listed,
  refusal,
  say,
  scripted,
  startHost,
} from "./support.ts";

function idsOf(page: { data: { id: string }[] }): string[] {
  return page.data.map(({ id }) => id);
}

describe("sessions", () => {
  it("come back complete and keep the agent as it was [S7-9]", async () => {
    await using server = await startHost(scripted());
    const { beta } = server.client;
    const agent = await beta.agents.create({ name: "helper", model: "m", system: "One." });
    const environment = await beta.environments.create({ name: "dev" });
    const session = await beta.sessions.create({ agent: agent.id, environment_id: environment.id });
    await beta.agents.update(agent.id, { system: "Two." });
    expect(await beta.sessions.retrieve(session.id)).toEqual({
      id: expect.stringMatching(/^sesn_/),
      type: "session",
      status: "idle",
      agent: {
        id: agent.id,
        type: "agent",
        version: 1,
        name: "helper",
        description: null,
        model: { id: "m", speed: "standard" },
        system: "One.",
        tools: [],
        mcp_servers: [],
        skills: [],
        multiagent: null,
        execution_identity: { type: "service_account" },
      },
      environment_id: environment.id,
      title: null,
      metadata: {},
      resources: [],
      vault_ids: [],
      budget: null,
      outcome_evaluations: [],
      usage: expect.objectContaining({ input_tokens: 0, output_tokens: 0 }),
      stats: { active_seconds: 0, duration_seconds: 0 },
      created_at: expect.any(String),
      updated_at: expect.any(String),
      archived_at: null,
    });
  });

  it("may name an older version, and override parts of it", async () => {
    let asked: Anthropic.Beta.BetaManagedAgentsSessionAgent["system"] = "";
    await using server = await startHost(({ instructions, modelId }) => {
      asked = `${modelId} ${instructions}`;
      return "ok";
    });
    const { beta } = server.client;
    const agent = await beta.agents.create({ name: "helper", model: "m", system: "One." });
    await beta.agents.update(agent.id, { system: "Two." });
    const environment = await beta.environments.create({ name: "dev" });
    const older = await beta.sessions.create({
      agent: { type: "agent", id: agent.id, version: 1 },
      environment_id: environment.id,
    });
    expect(older.agent).toMatchObject({ version: 1, system: "One." });
    const session = await beta.sessions.create({
      agent: {
        type: "agent_with_overrides",
        id: agent.id,
        model: "other",
        system: "Three.",
        tools: [customTool("x")],
      },
      environment_id: environment.id,
    });
    await using stream = await follow(server.client, session.id);
    await say(server.client, session.id, "hi");
    await stream.idle("end_turn");
    expect(asked).toBe("other Three.");
    expect(await refusal(beta.sessions.create({ agent: "agent_none", environment_id: environment.id }))).toBe(
      GONE,
    );
    expect(await refusal(beta.sessions.create({ agent: agent.id, environment_id: "env_none" }))).toBe(
      "404 environment_not_found",
    );
  });

  it("refuse what this host cannot keep, rather than ignore it", async () => {
    await using server = await startHost(scripted());
    const { beta } = server.client;
    const agent = await beta.agents.create({ name: "helper", model: "m" });
    const environment = await beta.environments.create({ name: "dev" });
    const create = (more: Partial<Anthropic.Beta.SessionCreateParams>) =>
      refusal(beta.sessions.create({ agent: agent.id, environment_id: environment.id, ...more }));
    expect(await create({ vault_ids: ["vlt_1"] })).toBe(BAD);
    expect(await create({ resources: [], vault_ids: [] })).toBe("taken");
  });

  it("are listed newest first, page by page, forwards and back, and by status", async () => {
    await using server = await startHost(scripted("ok"));
    const made: string[] = [];
    for (let count = 0; count < 5; count += 1) made.push(await server.session());
    const { sessions } = server.client.beta;
    const newest = made.toReversed();

    const all: string[] = [];
    for await (const { id } of sessions.list({ limit: 2 })) all.push(id);
    expect(all).toEqual(newest);
    const oldest: string[] = [];
    for await (const { id } of sessions.list({ limit: 2, order: "asc" })) oldest.push(id);
    expect(oldest).toEqual(made);

    const first = await sessions.list({ limit: 2 });
    expect(first.prev_page).toBeNull();
    const second = await sessions.list({ limit: 2, page: first.next_page ?? "" });
    const back = await sessions.list({ limit: 2, page: second.prev_page ?? "" });
    expect([idsOf(second), idsOf(back)]).toEqual([newest.slice(2, 4), newest.slice(0, 2)]);
    expect(back.prev_page).toBeNull();
    expect(await refusal(sessions.list({ order: "asc", page: first.next_page ?? "" }))).toBe(BAD);

    await sessions.archive(made[0] ?? "");
    expect(idsOf(await sessions.list())).toEqual(newest.slice(0, 4));
    expect(idsOf(await sessions.list({ include_archived: true, statuses: ["terminated"] }))).toEqual([
      made[0],
    ]);
  });

  it("change title and metadata, and say so", async () => {
    await using server = await startHost(scripted());
    const id = await server.session();
    const changed = await server.client.beta.sessions.update(id, { title: "Sums", metadata: { team: "a" } });
    expect(changed).toMatchObject({ title: "Sums", metadata: { team: "a" } });
    const [event] = await listed(server.client, id);
    expect(event).toMatchObject({ type: "session.updated", title: "Sums", metadata: { team: "a" } });
  });

  it("cannot be archived or deleted while running, and end for good after [S7-8] [F3-archived]", async () => {
    const release = gate();
    await using server = await startHost(
      scripted(async () => {
        await release.opened;
        return "ok";
      }),
    );
    const { sessions } = server.client.beta;
    const id = await server.session();
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    expect(await refusal(sessions.archive(id))).toBe(BAD);
    expect(await refusal(sessions.delete(id))).toBe(BAD);
    release.open();
    await stream.idle("end_turn");

    expect(await sessions.archive(id)).toMatchObject({
      status: "terminated",
      archived_at: expect.any(String),
    });
    await stream.until("session.status_terminated");
    expect(await refusal(say(server.client, id, "more"))).toBe(BAD);
    expect(await listed(server.client, id)).not.toHaveLength(0);

    expect(await sessions.delete(id)).toEqual({ id, type: "session_deleted" });
    await stream.ended;
    expect(stream.types().at(-1)).toBe("session.deleted");
    expect(await refusal(sessions.retrieve(id))).toBe(GONE);
    expect(await refusal(say(server.client, id, "more"))).toBe(GONE);
    expect((await sessions.list({ include_archived: true })).data).toEqual([]);
  });

  it("can be archived while they wait for an answer", async () => {
    await using server = await startHost(scripted([call("c1", "a")]));
    const id = await server.session(["a"]);
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    const use = await stream.until("agent.custom_tool_use");
    await stream.idle("requires_action");
    await server.client.beta.sessions.archive(id);
    await stream.until("session.status_terminated");
    expect(
      await refusal(server.client.beta.sessions.events.send(id, { events: [answer(use.id, "late")] })),
    ).toBe(BAD);
    expect(stream.types().at(-1)).toBe("session.status_terminated");
  });
});

it("keeps everything in its store: another host goes on where this one stopped", async () => {
  const store = memoryStore();
  const model = scripted("one", "two");
  let id: string;
  {
    await using server = await startHost(model, { store });
    id = await server.session();
    await using stream = await follow(server.client, id);
    await say(server.client, id, "first");
    await stream.idle("end_turn");
  }
  await using server = await startHost(model, { store });
  await using stream = await follow(server.client, id);
  await say(server.client, id, "second");
  expect(await stream.until("agent.message")).toMatchObject({ content: [{ text: "two" }] });
  await stream.idle("end_turn");
  expect((await listed(server.client, id)).filter(({ type }) => type === "session.status_idle")).toHaveLength(
    2,
  );
});
