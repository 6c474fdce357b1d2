// Agents, environments, sessions and threads as resources: complete replies, versions, listings, and what may be done when.

import type Anthropic from "@anthropic-ai/sdk";
import { APIError } from "@anthropic-ai/sdk";
import { memoryStore } from "loophost/stores/memory";
import { describe, expect, it } from "vitest";

import {
  answer,
  call,
  customTool,
  follow,
  gate,
  listed,
  message,
  say,
  scripted,
  startHost,
} from "./support.ts";

function idsOf(page: { data: { id: string }[] }): string[] {
  return page.data.map(({ id }) => id);
}

/** What a refused request was refused with. */
async function refusal(request: Promise<unknown>): Promise<string> {
  try {
    await request;
  } catch (error) {
    if (error instanceof APIError) return `${String(error.status)} ${String(error.type)}`;
    throw error;
  }
  return "taken";
}

const BAD = "400 invalid_request_error";
const GONE = "404 not_found_error";

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

    await agents.archive(id);
    expect(await refusal(agents.update(id, { name: "late" }))).toBe(BAD);
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
});

describe("environments", () => {
  it("are made, changed, archived and deleted", async () => {
    await using server = await startHost(scripted());
    const { environments } = server.client.beta;
    const made = await environments.create({ name: "dev" });
    expect(made).toMatchObject({
      description: null,
      config: { type: "cloud", networking: { type: "unrestricted" }, packages: { npm: [], pip: [] } },
      archived_at: null,
    });
    expect(await environments.update(made.id, { description: "mine" })).toMatchObject({
      name: "dev",
      description: "mine",
    });
    expect(await refusal(environments.update(made.id, { config: { type: "self_hosted" } }))).toBe(BAD);
    await environments.archive(made.id);
    expect((await environments.list()).data).toEqual([]);
    const agent = await server.client.beta.agents.create({ name: "helper", model: "m" });
    expect(
      await refusal(server.client.beta.sessions.create({ agent: agent.id, environment_id: made.id })),
    ).toBe(BAD);
    expect(await environments.delete(made.id)).toEqual({ id: made.id, type: "environment_deleted" });
    expect(await refusal(environments.retrieve(made.id))).toBe(GONE);
  });
});

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
    expect(await refusal(beta.sessions.create({ agent: agent.id, environment_id: "env_none" }))).toBe(GONE);
  });

  it("refuse what this host cannot keep, rather than ignore it", async () => {
    await using server = await startHost(scripted());
    const { beta } = server.client;
    const agent = await beta.agents.create({ name: "helper", model: "m" });
    const environment = await beta.environments.create({ name: "dev" });
    const create = (more: Partial<Anthropic.Beta.SessionCreateParams>) =>
      refusal(beta.sessions.create({ agent: agent.id, environment_id: environment.id, ...more }));
    expect(await create({ budget: { type: "limit", max_list_cost: { amount: "1", currency: "USD" } } })).toBe(
      BAD,
    );
    expect(await create({ resources: [{ type: "file", file_id: "file_1" }] })).toBe(BAD);
    expect(await create({ resources: [], vault_ids: [] })).toBe("taken");
    const rubric = { type: "text" as const, content: "good" };
    expect(
      await create({ initial_events: [{ type: "user.define_outcome", description: "d", rubric }] }),
    ).toBe(BAD);
    const id = await server.session();
    const define = { type: "user.define_outcome" as const, description: "d", rubric };
    expect(await refusal(beta.sessions.events.send(id, { events: [define] }))).toBe(BAD);
    const system = { type: "system.message" as const, content: [{ type: "text" as const, text: "x" }] };
    expect(await refusal(beta.sessions.events.send(id, { events: [system] }))).toBe(BAD);
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
    expect(await refusal(server.client.beta.sessions.update(id, { agent: { tools: [] } }))).toBe(BAD);
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

describe("posted events", () => {
  it("that fit no call are refused, and a whole post with them [S7-5] [F3-duplicate]", async () => {
    await using server = await startHost(scripted([call("c1", "a")], "done"));
    const id = await server.session(["a"]);
    await using stream = await follow(server.client, id);
    const send = (...events: Anthropic.Beta.Sessions.BetaManagedAgentsEventParams[]) =>
      refusal(server.client.beta.sessions.events.send(id, { events }));
    expect(await send(answer("sevt_none", "x"))).toBe(BAD);
    await say(server.client, id, "go");
    const use = await stream.until("agent.custom_tool_use");
    await stream.idle("requires_action");
    expect(await send(message("impatient"))).toBe(BAD);
    expect(await send(answer(use.id, "1"), answer("sevt_none", "2"))).toBe(BAD);
    expect(await send({ type: "user.tool_result", tool_use_id: use.id ?? "" })).toBe(BAD);
    expect(await send({ type: "user.tool_confirmation", tool_use_id: use.id ?? "", result: "allow" })).toBe(
      BAD,
    );
    expect(await send({ type: "user.interrupt", session_thread_id: "sthr_none" })).toBe(GONE);
    expect(await send(answer(use.id, "1"))).toBe("taken");
    expect(await send(answer(use.id, "1"))).toBe(BAD);
    await stream.idle("end_turn");
    expect(stream.types().filter((type) => type === "user.custom_tool_result")).toHaveLength(1);
  });

  it("a confirmation that comes late is taken and changes nothing", async () => {
    await using server = await startHost(scripted([call("c1", "nowhere")], "done"));
    const id = await server.session();
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    const use = await stream.until("agent.tool_use");
    await stream.idle("end_turn");
    await server.client.beta.sessions.events.send(id, {
      events: [{ type: "user.tool_confirmation", tool_use_id: use.id ?? "", result: "deny" }],
    });
    expect(await server.client.beta.sessions.retrieve(id)).toMatchObject({ status: "idle" });
  });

  it("carry every kind of result to the model, and none as words", async () => {
    let results: unknown;
    await using server = await startHost(
      scripted([call("c1", "a"), call("c2", "b")], ({ messages }) => {
        const last = messages.at(-1);
        results = last?.role === "tool" ? last.results.map(({ result }) => result) : undefined;
        return "done";
      }),
    );
    const id = await server.session(["a", "b"]);
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    await stream.idle("requires_action");
    const [first, second] = stream.events.filter(({ type }) => type === "agent.custom_tool_use");
    const found = {
      type: "search_result",
      title: "T",
      source: "https://example.com",
      citations: { enabled: false },
    } as const;
    await server.client.beta.sessions.events.send(id, {
      events: [
        {
          type: "user.custom_tool_result",
          custom_tool_use_id: first?.id ?? "",
          is_error: true,
          content: [{ ...found, content: [{ type: "text", text: "what it says" }] }],
        },
        { type: "user.custom_tool_result", custom_tool_use_id: second?.id ?? "" },
      ],
    });
    await stream.idle("end_turn");
    expect(results).toEqual([
      { content: [{ type: "text", text: "T (https://example.com)\nwhat it says" }], isError: true },
      { content: [{ type: "text", text: "(no output)" }], isError: false },
    ]);
  });

  it("carry images and documents to the model, and refuse what would have to be fetched", async () => {
    let content: unknown;
    await using server = await startHost(({ messages }) => {
      const last = messages.at(-1);
      content = last?.role === "user" ? last.content : undefined;
      return "ok";
    });
    const id = await server.session();
    await using stream = await follow(server.client, id);
    const { events } = server.client.beta.sessions;
    const image = (source: Anthropic.Beta.Sessions.BetaManagedAgentsImageBlock["source"]) =>
      events.send(id, { events: [{ type: "user.message", content: [{ type: "image", source }] }] });
    expect(await refusal(image({ type: "url", url: "https://example.com/a.png" }))).toBe(BAD);
    expect(await refusal(image({ type: "file", file_id: "file_1" }))).toBe(BAD);
    await events.send(id, {
      events: [
        {
          type: "user.message",
          content: [
            { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
            {
              type: "document",
              title: "Notes",
              source: { type: "text", media_type: "text/plain", data: "hé" },
            },
          ],
        },
      ],
    });
    await stream.idle("end_turn");
    expect(content).toEqual([
      { type: "image", mediaType: "image/png", data: "AAAA" },
      {
        type: "document",
        mediaType: "text/plain",
        data: "hé",
        title: "Notes",
      },
    ]);
  });
});

describe("the events of a session", () => {
  it("are listed page by page, either way, by type and by time [F3-paging]", async () => {
    await using server = await startHost(() => "ok");
    const id = await server.session();
    await using stream = await follow(server.client, id);
    for (const text of ["one", "two"]) {
      const from = stream.events.length;
      await say(server.client, id, text);
      await stream.idle("end_turn", from);
    }
    const { events } = server.client.beta.sessions;
    const ids = stream.events.map((event) => event.id);
    const collect = async (params: Anthropic.Beta.Sessions.EventListParams) => {
      const found: string[] = [];
      for await (const event of events.list(id, params)) found.push(event.id);
      return found;
    };
    expect(await collect({ limit: 5 })).toEqual(ids);
    expect(await collect({ limit: 5, order: "desc" })).toEqual(ids.toReversed());
    expect(await collect({ limit: 1, types: ["agent.message"] })).toHaveLength(2);
    expect(await collect({ types: ["agent.message", "user.message"], order: "desc" })).toHaveLength(4);
    const at = stream.events[9]?.processed_at ?? "";
    const [early, late] = [await collect({ "created_at[lt]": at }), await collect({ "created_at[gte]": at })];
    expect([...early, ...late]).toEqual(ids);
    const page = await events.list(id, { limit: 100 });
    expect(page.next_page).toBeNull();
    expect(await refusal(collect({ limit: 0 }))).toBe(BAD);
    expect(await refusal(collect({ page: "nonsense" }))).toBe(BAD);
  });

  it("are those of its one thread too", async () => {
    await using server = await startHost(scripted("ok"));
    const id = await server.session();
    const { threads } = server.client.beta.sessions;
    const [thread] = (await threads.list(id)).data;
    expect(thread).toMatchObject({
      type: "session_thread",
      session_id: id,
      status: "idle",
      parent_thread_id: null,
    });
    const stream = await threads.events.stream(thread?.id ?? "", { session_id: id });
    await say(server.client, id, "go");
    for await (const event of stream) if (event.type === "session.status_idle") break;
    const ofThread = await threads.events.list(thread?.id ?? "", { session_id: id });
    expect(ofThread.data).toEqual(await listed(server.client, id));
    expect(ofThread.data[1]).toMatchObject({ session_thread_id: thread?.id, agent_name: "helper" });
    expect(await threads.retrieve(thread?.id ?? "", { session_id: id })).toEqual(
      (await threads.list(id)).data[0],
    );
    expect(await refusal(threads.retrieve("sthr_none", { session_id: id }))).toBe(GONE);
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
