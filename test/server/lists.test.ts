// Every listing of the host alike: pages that move, limits within bounds, cursors of its own.

import { toFile } from "@anthropic-ai/sdk";
import { memoryStore } from "loophost/stores/memory";
import { faultyStore } from "loophost/testing";
import { expect, it } from "vitest";

import type { HostUnderTest } from "./support.ts";
import { follow, say, startHost } from "./support.ts";

const COUNT = 3;

/** A host with a few of everything, and the path of each listing. */
async function filled(): Promise<{ readonly server: HostUnderTest; readonly paths: readonly string[] }> {
  const server = await startHost(() => "ok");
  const { beta } = server.client;
  const agent = await beta.agents.create({
    name: "helper",
    model: "m",
    tools: [{ type: "agent_toolset_20260401" }],
  });
  const environment = await beta.environments.create({ name: "ours", config: { type: "self_hosted" } });
  const session = await beta.sessions.create({ agent: agent.id, environment_id: environment.id });
  for (let count = 1; count < COUNT; count += 1) {
    await beta.agents.create({ name: "other", model: "m" });
    await beta.environments.create({ name: "other" });
    await beta.sessions.create({ agent: agent.id, environment_id: environment.id });
    await beta.agents.update(agent.id, { name: `version ${count}` });
  }
  const file = await beta.files.upload({ file: await toFile(Buffer.from("x"), "x.txt") });
  for (let count = 0; count < COUNT; count += 1) {
    await beta.sessions.resources.add(session.id, {
      type: "file",
      file_id: file.id,
      mount_path: `/${count}`,
    });
    await using stream = await follow(server.client, session.id);
    await say(server.client, session.id, "hi");
    await stream.idle("end_turn");
    const work = await beta.environments.work.poll(environment.id);
    await beta.environments.work.stop(work?.id ?? "", { environment_id: environment.id });
  }
  return {
    server,
    paths: [
      "/v1/agents",
      `/v1/agents/${agent.id}/versions`,
      "/v1/environments",
      `/v1/environments/${environment.id}/work`,
      "/v1/files",
      "/v1/sessions",
      `/v1/sessions/${session.id}/events`,
      `/v1/sessions/${session.id}/resources`,
    ],
  };
}

it("every listing goes page by page to its end, once through everything", async () => {
  const { server, paths } = await filled();
  await using _ = server;
  for (const path of paths) {
    const whole = await server.raw("GET", path);
    expect(whole.body.next_page, path).toBeNull();
    expect(whole.body.data.length, path).toBeGreaterThanOrEqual(COUNT);
    const seen: unknown[] = [];
    for (let page: string | null = ""; page !== null;) {
      const { status, body } = await server.raw("GET", `${path}?limit=2&page=${encodeURIComponent(page)}`);
      expect([status, body.data.length <= 2], path).toEqual([200, true]);
      seen.push(...body.data);
      page = body.next_page;
    }
    expect(seen, path).toEqual(whole.body.data);
  }
});

it("every listing refuses a limit out of bounds and a cursor that is not its own", async () => {
  const { server, paths } = await filled();
  await using _ = server;
  const thread = (await server.raw("GET", `${paths[6]?.replace("/events", "/threads")}`)).body.data[0].id;
  const threads = paths[6]?.replace("/events", "/threads") ?? "";
  for (const path of [...paths, threads, `${threads}/${thread}/events`]) {
    const status = async (query: string) => (await server.raw("GET", `${path}?${query}`)).status;
    for (const bad of ["0", "1001", "-1", "1.5", "many", ""])
      expect(await status(`limit=${bad}`), `${path} limit=${bad}`).toBe(400);
    expect(await status("limit=1000"), path).toBe(200);
    for (const bad of ["nonsense", "a.b.c", "asc.sideways.x"])
      expect(await status(`page=${bad}`), `${path} page=${bad}`).toBe(400);
    expect(await status("beta=true&unheard_of=1"), path).toBe(200);
  }
});

it("a listing with nothing in it is an empty page", async () => {
  await using server = await startHost(() => "ok");
  for (const path of ["/v1/agents", "/v1/environments", "/v1/files", "/v1/sessions"])
    expect((await server.raw("GET", path)).body, path).toMatchObject({ data: [], next_page: null });
  const session = await server.session();
  for (const path of [`/v1/sessions/${session}/events`, `/v1/sessions/${session}/resources`])
    expect((await server.raw("GET", path)).body, path).toEqual({ data: [], next_page: null });
});

it("sessions are found by agent, version, status and time, and not by what none of them has", async () => {
  await using server = await startHost(() => "ok");
  const { beta } = server.client;
  const environment = await beta.environments.create({ name: "dev" });
  const agent = await beta.agents.create({ name: "one", model: "m" });
  const create = (id: string) => beta.sessions.create({ agent: id, environment_id: environment.id });
  const first = await create(agent.id);
  await beta.agents.update(agent.id, { name: "two" });
  const second = await create(agent.id);
  const other = await create((await beta.agents.create({ name: "other", model: "m" })).id);
  const ids = async (query: string) => {
    const { body } = await server.raw("GET", `/v1/sessions?order=asc&${query}`);
    return body.data.map(({ id }: { id: string }) => id);
  };
  expect(await ids(`agent_id=${agent.id}`)).toEqual([first.id, second.id]);
  expect(await ids(`agent_id=${agent.id}&agent_version=2`)).toEqual([second.id]);
  expect(await ids("statuses[]=idle&statuses[]=running")).toEqual([first.id, second.id, other.id]);
  expect(await ids("statuses[]=running")).toEqual([]);
  const at = encodeURIComponent(second.created_at);
  expect([...(await ids(`created_at[lt]=${at}`)), ...(await ids(`created_at[gte]=${at}`))]).toEqual([
    first.id,
    second.id,
    other.id,
  ]);
  expect([...(await ids(`created_at[lte]=${at}`)), ...(await ids(`created_at[gt]=${at}`))]).toEqual([
    first.id,
    second.id,
    other.id,
  ]);
  expect(await ids("memory_store_id=memstore_1")).toEqual([]);
  expect(await ids("deployment_id=depl_1")).toEqual([]);
  for (const bad of ["created_at[gt]=soon", "order=up", "agent_version=x"])
    expect((await server.raw("GET", `/v1/sessions?${bad}`)).status, bad).toBe(400);
});

it("reads no session that a filter leaves out, and sees a status as it is now", async () => {
  const store = faultyStore(memoryStore(), []);
  const answer = Promise.withResolvers<string>();
  await using server = await startHost(() => answer.promise, { store });
  const id = await server.session();
  for (let count = 0; count < 20; count += 1) await server.session();
  const listedAs = async (status: string) => {
    const { body } = await server.raw("GET", `/v1/sessions?statuses[]=${status}&limit=5`);
    return body.data.map((session: { id: string }) => session.id);
  };
  const before = store.calls.length;
  expect(await listedAs("terminated")).toEqual([]);
  expect(store.calls.slice(before)).not.toContain("records.get");

  await say(server.client, id, "hi");
  expect(await listedAs("running")).toEqual([id]);
  await using stream = await follow(server.client, id);
  answer.resolve("ok");
  await stream.idle("end_turn");
  expect(await listedAs("running")).toEqual([]);
  expect(await listedAs("idle")).toHaveLength(5);
});
