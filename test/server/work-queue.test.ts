// The work queue of a self-hosted environment, request by request: who is offered what, for how long, and what follows.

import type Anthropic from "@anthropic-ai/sdk";
import { APIError, AuthenticationError } from "@anthropic-ai/sdk";
import { memoryStore } from "loophost/stores/memory";
import { manualClock } from "loophost/testing";
import { describe, expect, it } from "vitest";

import type { HostUnderTest } from "./support.ts";
import { answer, call, customTool, follow, say, scripted, startHost } from "./support.ts";

type Work = Anthropic.Beta.Environments.BetaSelfHostedWork;

const TOOLSET = { type: "agent_toolset_20260401" as const };

/** A model that calls the custom tool "a" first, so that the run stays open until somebody answers. */
const waiting = () => scripted([call("c1", "a")], "done");

/** A self-hosted environment, and a session in it whose agent has the built-in tools and the custom tool "a". */
async function selfHosted(
  { client }: HostUnderTest,
  tools: Anthropic.Beta.AgentCreateParams["tools"] = [TOOLSET, customTool("a")],
) {
  const environment = await client.beta.environments.create({
    name: "ours",
    config: { type: "self_hosted" },
  });
  const agent = await client.beta.agents.create({ name: "worker", model: "m", tools });
  const session = await client.beta.sessions.create({ agent: agent.id, environment_id: environment.id });
  return { environmentId: environment.id, sessionId: session.id };
}

/** The same, with the session at work. */
async function atWork(server: HostUnderTest) {
  const made = await selfHosted(server);
  await using stream = await follow(server.client, made.sessionId);
  await say(server.client, made.sessionId, "go");
  const use = await stream.until("agent.custom_tool_use");
  await stream.idle("requires_action");
  return { ...made, useId: use.id ?? "" };
}

/** The item a poll gave; there must be one. */
async function taken({ client }: HostUnderTest, environmentId: string): Promise<Work> {
  const offered = await client.beta.environments.work.poll(environmentId);
  if (offered === null) throw new Error("no work was offered");
  return offered;
}

function tokenOf({ secret }: Work): string {
  const { sessions_token: token } = JSON.parse(Buffer.from(secret ?? "", "base64url").toString()) as {
    sessions_token: string;
  };
  return token;
}

async function refusalOf(request: Promise<unknown>): Promise<APIError> {
  try {
    await request;
  } catch (error) {
    if (error instanceof APIError) return error;
    throw error;
  }
  throw new Error("it was taken");
}

describe("an item of work", () => {
  it("is queued once for a session at work, and goes the worker's way to its end", async () => {
    await using server = await startHost(waiting());
    const { work } = server.client.beta.environments;
    const { environmentId, sessionId, useId } = await atWork(server);
    const offered = await taken(server, environmentId);
    expect(offered).toEqual({
      id: expect.stringMatching(/^work_/),
      type: "work",
      environment_id: environmentId,
      state: "queued",
      data: { type: "session", id: sessionId },
      metadata: {},
      secret: expect.any(String),
      created_at: expect.any(String),
      acknowledged_at: null,
      started_at: null,
      latest_heartbeat_at: null,
      stop_requested_at: null,
      stopped_at: null,
    });
    expect(await work.poll(environmentId)).toBeNull();

    const at = { environment_id: environmentId };
    expect(await work.ack(offered.id, at)).toMatchObject({ state: "starting", secret: null });
    const first = await work.heartbeat(offered.id, { ...at, expected_last_heartbeat: "NO_HEARTBEAT" });
    expect(first).toEqual({
      type: "work_heartbeat",
      last_heartbeat: expect.any(String),
      lease_extended: true,
      state: "active",
      ttl_seconds: 90,
    });
    const second = await work.heartbeat(offered.id, {
      ...at,
      expected_last_heartbeat: first.last_heartbeat,
      desired_ttl_seconds: 30,
    });
    expect(second).toMatchObject({ state: "active", ttl_seconds: 30 });
    expect(second.last_heartbeat > first.last_heartbeat).toBe(true);

    // The session goes on: it has an item that lives.
    await using stream = await follow(server.client, sessionId);
    await server.client.beta.sessions.events.send(sessionId, { events: [answer(useId, "1")] });
    await stream.idle("end_turn");
    expect(await work.poll(environmentId)).toBeNull();

    const stopped = await work.stop(offered.id, { ...at, force: true });
    expect(stopped).toMatchObject({ state: "stopped", stopped_at: expect.any(String), secret: null });
    expect(await refusalOf(work.stop(offered.id, at))).toMatchObject({ status: 409, type: "conflict_error" });
    expect(await work.poll(environmentId)).toBeNull();
    await say(server.client, sessionId, "more");
    expect((await taken(server, environmentId)).id).not.toBe(offered.id);
  });

  it("is not made where no worker is needed", async () => {
    await using server = await startHost(scripted("ok"));
    const off = { ...TOOLSET, default_config: { enabled: false } };
    const web = [{ name: "web_fetch" as const, enabled: true }];
    for (const tools of [[], [customTool("a")], [off], [{ ...off, configs: web }]]) {
      const { environmentId, sessionId } = await selfHosted(server, tools);
      await using stream = await follow(server.client, sessionId);
      await say(server.client, sessionId, "hi");
      await stream.idle("end_turn");
      const { data } = await server.client.beta.environments.work.list(environmentId);
      expect(data).toEqual([]);
    }
    const cloud = await server.client.beta.environments.create({ name: "cloud" });
    const { work } = server.client.beta.environments;
    expect(await refusalOf(work.poll(cloud.id))).toMatchObject({ status: 400 });
    expect(await refusalOf(work.poll("env_none"))).toMatchObject({
      status: 404,
      errorCode: "environment_not_found",
    });
  });

  it("can be waited for, for a while", async () => {
    await using server = await startHost(waiting());
    const { work } = server.client.beta.environments;
    const { environmentId, sessionId } = await selfHosted(server);
    expect(await work.poll(environmentId, { block_ms: 20 })).toBeNull();
    const polls = [1, 2].map(() => work.poll(environmentId, { block_ms: 999 }));
    await say(server.client, sessionId, "go");
    const offered = await Promise.all(polls);
    expect(offered.filter((item) => item !== null)).toMatchObject([{ data: { id: sessionId } }]);
    for (const bad of [0, 1_000, 1.5])
      expect(await refusalOf(work.poll(environmentId, { block_ms: bad }))).toMatchObject({ status: 400 });
  });

  it("that nobody acknowledges is offered again", async () => {
    const clock = manualClock();
    await using server = await startHost(waiting(), { clock });
    const { work } = server.client.beta.environments;
    const { environmentId } = await atWork(server);
    const offered = await taken(server, environmentId);
    await clock.advance(4_000);
    expect(await work.poll(environmentId)).toBeNull();
    expect(await work.poll(environmentId, { reclaim_older_than_ms: 3_000 })).toMatchObject({
      id: offered.id,
    });
    await clock.advance(5_000);
    const again = await taken(server, environmentId);
    expect(again.id).toBe(offered.id);
    expect(again.secret).not.toBe(offered.secret);
    await work.ack(offered.id, { environment_id: environmentId });
    await clock.advance(10_000);
    expect(await work.poll(environmentId)).toBeNull();
  });

  it("has metadata, is listed page by page, and shows its secret to the worker alone [I11]", async () => {
    await using server = await startHost(() => "ok");
    const { work } = server.client.beta.environments;
    const { environmentId, sessionId } = await selfHosted(server);
    const ids: string[] = [];
    for (let count = 0; count < 3; count += 1) {
      await using stream = await follow(server.client, sessionId);
      await say(server.client, sessionId, "hi");
      await stream.idle("end_turn");
      const { id } = await taken(server, environmentId);
      await work.stop(id, { environment_id: environmentId });
      ids.unshift(id);
    }
    const [first = ""] = ids;
    const at = { environment_id: environmentId };
    await work.update(first, { ...at, metadata: { pool: "a", gone: "x" } });
    await work.update(first, { ...at, metadata: { gone: null } });
    expect(await work.retrieve(first, at)).toMatchObject({ metadata: { pool: "a" }, secret: null });
    const all: string[] = [];
    for await (const item of work.list(environmentId, { limit: 2 })) {
      expect(item.secret).toBeNull();
      all.push(item.id);
    }
    expect(all).toEqual(ids);
    expect(await refusalOf(work.retrieve("work_none", at))).toMatchObject({ status: 404 });
    expect(await refusalOf(work.update(first, { ...at, metadata: { k: "x".repeat(513) } }))).toMatchObject({
      status: 400,
      errorCode: "invalid_metadata",
    });
    expect(
      JSON.stringify((await server.raw("GET", `/v1/environments/${environmentId}/work`)).body),
    ).not.toContain("token");
  });

  it("is counted, and so are those who poll", async () => {
    const clock = manualClock();
    await using server = await startHost(waiting(), { clock });
    const { work } = server.client.beta.environments;
    const { environmentId } = await selfHosted(server);
    const stats = async () => {
      const {
        depth,
        pending,
        workers_polling: workers,
        oldest_queued_at: oldest,
      } = await work.stats(environmentId);
      return [depth, pending, workers, oldest === null];
    };
    expect(await stats()).toEqual([0, 0, 0, true]);
    for (const id of ["w-1", "w-2", "w-1"]) await work.poll(environmentId, { "Anthropic-Worker-ID": id });
    expect(await stats()).toEqual([0, 0, 2, true]);
    const { sessions } = server.client.beta;
    const { data } = await sessions.list();
    await say(server.client, data[0]?.id ?? "", "go");
    expect(await stats()).toEqual([1, 0, 2, false]);
    const offered = await taken(server, environmentId);
    expect(await stats()).toEqual([0, 1, 2, false]);
    await work.ack(offered.id, { environment_id: environmentId });
    await clock.advance(31_000);
    expect(await stats()).toEqual([0, 0, 0, true]);
  });

  it("ends with its session", async () => {
    await using server = await startHost(waiting());
    const { work } = server.client.beta.environments;
    const queued = await atWork(server);
    await server.client.beta.sessions.archive(queued.sessionId);
    expect(await work.poll(queued.environmentId)).toBeNull();
    const held = await atWork(server);
    const { id } = await taken(server, held.environmentId);
    const at = { environment_id: held.environmentId };
    await work.ack(id, at);
    await server.client.beta.sessions.delete(held.sessionId);
    expect(await work.heartbeat(id, at)).toMatchObject({ state: "stopping", lease_extended: false });
    await work.stop(id, { ...at, force: true });
    expect(await work.poll(held.environmentId)).toBeNull();
  });
});

describe("a worker that is gone", () => {
  it("loses its item to the next one, and finds out by its heartbeat [I6]", async () => {
    const clock = manualClock();
    await using server = await startHost(waiting(), { clock });
    const { work } = server.client.beta.environments;
    const { environmentId } = await atWork(server);
    const at = { environment_id: environmentId };
    const { id } = await taken(server, environmentId);
    await work.ack(id, at);
    const first = await work.heartbeat(id, { ...at, expected_last_heartbeat: "NO_HEARTBEAT" });
    await clock.advance(89_000);
    expect(await work.poll(environmentId)).toBeNull();
    await clock.advance(1_000);
    const again = await taken(server, environmentId);
    expect(again).toMatchObject({ id, state: "queued", acknowledged_at: null, latest_heartbeat_at: null });
    const late = work.heartbeat(id, { ...at, expected_last_heartbeat: first.last_heartbeat });
    expect(await refusalOf(late)).toMatchObject({
      status: 412,
      errorCode: "heartbeat_precondition_failed",
      details: {
        current_state: { state: "queued", last_heartbeat: null, lease_extended: false, ttl_seconds: 90 },
      },
    });
    await work.ack(id, at);
    const beat = { ...at, expected_last_heartbeat: "NO_HEARTBEAT" };
    expect(await work.heartbeat(id, beat)).toMatchObject({ state: "active" });
    expect(await refusalOf(work.heartbeat(id, beat))).toMatchObject({ status: 412 });
  });

  it("without having begun loses it just so", async () => {
    const clock = manualClock();
    await using server = await startHost(waiting(), { clock });
    const { environmentId } = await atWork(server);
    const { id } = await taken(server, environmentId);
    await server.client.beta.environments.work.ack(id, { environment_id: environmentId });
    await clock.advance(90_000);
    expect(await taken(server, environmentId)).toMatchObject({ id, state: "queued" });
  });

  it("by its own will leaves a new item behind while the session has work, after a moment", async () => {
    const clock = manualClock();
    await using server = await startHost(waiting(), { clock });
    const { work } = server.client.beta.environments;
    const { environmentId, sessionId } = await atWork(server);
    const at = { environment_id: environmentId };
    const { id } = await taken(server, environmentId);
    await work.ack(id, at);
    expect(await work.stop(id, at)).toMatchObject({ state: "stopping", stopped_at: null });
    expect(await work.heartbeat(id, at)).toMatchObject({ state: "stopping", lease_extended: false });
    await work.stop(id, { ...at, force: true });
    expect(await work.poll(environmentId)).toBeNull();
    await clock.advance(5_000);
    const next = await taken(server, environmentId);
    expect(next).toMatchObject({ data: { id: sessionId } });
    expect(next.id).not.toBe(id);
  });
});

describe("a worker that is asked to stop", () => {
  it.each<[string, ReadonlyArray<"beat" | "stop">]>([
    ["before it ever beat", ["stop"]],
    ["after it had begun", ["beat", "stop"]],
    ["after it was told so", ["stop", "beat"]],
    ["asked twice", ["beat", "stop", "stop"]],
  ])("and is gone, %s, leaves a new item behind while the session has work", async (_, steps) => {
    const clock = manualClock();
    await using server = await startHost(waiting(), { clock });
    const { work } = server.client.beta.environments;
    const { environmentId, sessionId } = await atWork(server);
    const at = { environment_id: environmentId };
    const { id } = await taken(server, environmentId);
    await work.ack(id, at);
    for (const step of steps) await (step === "beat" ? work.heartbeat(id, at) : work.stop(id, at));
    await clock.advance(200_000);
    const next = await taken(server, environmentId);
    expect(next).toMatchObject({ data: { id: sessionId } });
    expect(next.id).not.toBe(id);
  });
});

describe("the token of an item", () => {
  it("opens the item and its session, and nothing else [I11]", async () => {
    await using server = await startHost(waiting(), { apiKey: "k-1" });
    const other = await atWork(server);
    const { environmentId, sessionId, useId } = await atWork(server);
    const item = await taken(server, environmentId);
    const { client } = server;
    const worker = client.withOptions({ apiKey: null, authToken: tokenOf(item) });
    const { work } = worker.beta.environments;
    const { sessions } = worker.beta;
    const at = { environment_id: environmentId };

    await client.beta.environments.work.ack(item.id, at);
    await work.heartbeat(item.id, { ...at, expected_last_heartbeat: "NO_HEARTBEAT" });
    expect(await sessions.retrieve(sessionId)).toMatchObject({ id: sessionId });
    await using stream = await follow(worker, sessionId);
    await sessions.events.send(sessionId, { events: [answer(useId, "1")] });
    await stream.idle("end_turn");
    expect((await sessions.events.list(sessionId)).data).not.toHaveLength(0);

    const refused = [
      () => sessions.retrieve(other.sessionId),
      () => sessions.list(),
      () => sessions.archive(sessionId),
      () => sessions.delete(sessionId),
      () => sessions.update(sessionId, { title: "mine" }),
      () => worker.beta.agents.list(),
      () => worker.beta.environments.retrieve(environmentId),
      () => work.poll(environmentId),
      () => work.heartbeat(item.id, { environment_id: other.environmentId }),
      () => worker.beta.files.list(),
    ];
    for (const request of refused) await expect(request()).rejects.toThrow(AuthenticationError);

    await work.stop(item.id, { ...at, force: true });
    await expect(sessions.retrieve(sessionId)).rejects.toThrow(AuthenticationError);
    await expect(work.heartbeat(item.id, at)).rejects.toThrow(AuthenticationError);
    await expect(work.retrieve(item.id, at)).rejects.toThrow(AuthenticationError);
  });

  it("is worth nothing once the item was offered to another worker [I6]", async () => {
    const clock = manualClock();
    await using server = await startHost(waiting(), { apiKey: "k-1", clock });
    const { environmentId, sessionId } = await atWork(server);
    const item = await taken(server, environmentId);
    await clock.advance(5_000);
    const again = await taken(server, environmentId);
    const as = (token: string) => server.client.withOptions({ apiKey: null, authToken: token });
    const retrieve = (token: string) => as(token).beta.sessions.retrieve(sessionId);
    await expect(retrieve(tokenOf(item))).rejects.toThrow(AuthenticationError);
    expect(await retrieve(tokenOf(again))).toMatchObject({ id: sessionId });
  });
});

it("the queue outlives the host: items, leases and tokens", async () => {
  const store = memoryStore();
  const options = { store, apiKey: "k-1" };
  const before = await startHost(waiting(), options);
  const { environmentId, sessionId } = await atWork(before);
  const at = { environment_id: environmentId };
  const item = await taken(before, environmentId);
  await before.client.beta.environments.work.ack(item.id, at);
  const first = await before.client.beta.environments.work.heartbeat(item.id, at);
  await before.host.close();

  const clock = manualClock();
  await using server = await startHost(waiting(), { ...options, clock });
  const { work } = server.client.beta.environments;
  expect(await work.poll(environmentId)).toBeNull();
  const worker = server.client.withOptions({ apiKey: null, authToken: tokenOf(item) });
  const beat = { ...at, expected_last_heartbeat: first.last_heartbeat };
  expect(await worker.beta.environments.work.heartbeat(item.id, beat)).toMatchObject({ state: "active" });
  expect(await worker.beta.sessions.retrieve(sessionId)).toMatchObject({ id: sessionId });
  await clock.advance(90_000);
  expect(await taken(server, environmentId)).toMatchObject({ id: item.id });
});

it("an item the store did not take at first is there when a worker asks", async () => {
  const store = memoryStore();
  let refusals = 1;
  const put: typeof store.records.put = async (collection, key, value) => {
    if (collection.startsWith("host.work") && refusals > 0) {
      refusals -= 1;
      throw new Error("the disk is busy");
    }
    await store.records.put(collection, key, value);
  };
  await using server = await startHost(waiting(), {
    store: { ...store, records: { ...store.records, put } },
  });
  const { environmentId, sessionId } = await atWork(server);
  expect(refusals).toBe(0);
  expect(await taken(server, environmentId)).toMatchObject({ data: { id: sessionId } });
});
