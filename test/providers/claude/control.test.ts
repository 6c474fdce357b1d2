// The control plane, over the official SDK and real HTTP, against the embedded host.

import { LoophostError } from "loophost";
import type { ClaudeClient } from "loophost/providers/claude";
import { createClient } from "loophost/providers/claude";
import type { ModelFunction } from "loophost/providers/local";
import { embeddedHost } from "loophost/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** A model that thinks until it is told to stop, when it is asked to. */
const model: ModelFunction = ({ messages }, { signal }) =>
  JSON.stringify(messages.at(-1)).includes("for ever")
    ? new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      })
    : "Done.";

const host = embeddedHost({ model });
let client: ClaudeClient;

beforeAll(async () => {
  client = createClient({ baseUrl: (await host.listen()).url });
});
afterAll(() => host.close());

const gather = <T>(items: AsyncIterable<T>): Promise<T[]> => Array.fromAsync(items);
const say = (text: string) => ({ type: "user.message", content: [{ type: "text", text }] });

/** A session of an agent and an environment of its own. */
async function someSession(title?: string) {
  const agent = await client.agents.create({ name: "helper", model: "m" });
  const environment = await client.environments.create({ name: "dev" });
  return client.sessions.create({ agent: agent.id, environment_id: environment.id, title });
}

/** A session that is at work, and stays so. */
async function busySession() {
  const { id } = await someSession();
  await client.sessions.events.send(id, [say("Think for ever")]);
  await expect.poll(async () => (await client.sessions.get(id)).status).toBe("running");
  return id;
}

const typesOf = async (id: string) => (await client.sessions.events.all(id)).map(({ type }) => type);

describe("agents and environments [A-106]", () => {
  it("makes, reads, changes and archives an agent, version by version", async () => {
    const { agents } = client;
    const made = await agents.create({
      name: "first",
      model: "m",
      system: "Be brief.",
      metadata: { team: "a" },
    });
    expect(made).toMatchObject({ type: "agent", version: 1, system: "Be brief.", metadata: { team: "a" } });
    const changed = await agents.update(made.id, {
      version: 1,
      system: "Be long.",
      metadata: { team: null },
    });
    expect(changed).toMatchObject({ version: 2, system: "Be long." });
    expect(changed.metadata).not.toHaveProperty("team");
    expect(await agents.get(made.id, { version: 1 })).toMatchObject({ system: "Be brief." });
    const versions = (await gather(agents.versions(made.id))).map(({ version }) => version);
    expect(new Set(versions)).toEqual(new Set([1, 2]));
    expect((await agents.archive(made.id)).archived_at).not.toBeNull();
    const ids = async (all: boolean) =>
      (await gather(agents.list({ include_archived: all }))).map(({ id }) => id);
    expect(await ids(false)).not.toContain(made.id);
    expect(await ids(true)).toContain(made.id);
  });

  it("refuses a change that was thought out for an older version", async () => {
    const { id } = await client.agents.create({ name: "locked", model: "m" });
    await client.agents.update(id, { version: 1, system: "Newer." });
    await expect(client.agents.update(id, { version: 1, system: "Stale." })).rejects.toMatchObject({
      code: "host_rejected",
      status: 409,
      hostCode: "conflict_error",
    });
    expect(await client.agents.get(id)).toMatchObject({ system: "Newer." });
  });

  it("makes, reads, changes, archives and deletes an environment", async () => {
    const { environments } = client;
    const { id } = await environments.create({ name: "own", config: { type: "self_hosted" } });
    expect((await environments.get(id)).config.type).toBe("self_hosted");
    expect(await environments.update(id, { description: "Ours." })).toMatchObject({ description: "Ours." });
    expect((await environments.archive(id)).archived_at).not.toBeNull();
    await environments.delete(id);
    await expect(environments.get(id)).rejects.toMatchObject({ status: 404, code: "host_rejected" });
  });

  it("lists all there is, page by page [L-28]", async () => {
    const names = ["page-1", "page-2", "page-3"];
    for (const name of names) await client.environments.create({ name });
    const listed = (await gather(client.environments.list({ limit: 1 }))).map(({ name }) => name);
    expect(listed).toEqual(expect.arrayContaining(names));
    for await (const { name } of client.environments.list({ limit: 1 })) {
      expect(name).toBe("page-3");
      break;
    }
  });
});

describe("sessions [A-106]", () => {
  it("makes, finds, changes and deletes one", async () => {
    const { sessions } = client;
    const made = await someSession("A title");
    expect(made).toMatchObject({ type: "session", status: "idle", title: "A title", budget: null });
    const found = await gather(sessions.list({ agent_id: made.agent.id, statuses: ["idle"] }));
    expect(found.map(({ id }) => id)).toEqual([made.id]);
    await sessions.update(made.id, { metadata: { ticket: "7", stage: "new" } });
    const changed = await sessions.update(made.id, { title: "Another", metadata: { stage: null } });
    expect(changed).toMatchObject({ title: "Another", metadata: { ticket: "7" } });
    expect(changed.metadata).not.toHaveProperty("stage");
    await sessions.delete(made.id);
    await expect(sessions.get(made.id)).rejects.toMatchObject({ status: 404 });
  });

  it("sends events, and reads the log over all pages, in either order [A-108] [A-109]", async () => {
    const { id } = await someSession();
    const { events } = client.sessions;
    const sent = await events.send(id, [say("one")]);
    expect(sent).toMatchObject([{ type: "user.message", id: expect.any(String) }]);
    await expect.poll(() => typesOf(id)).toContain("session.status_idle");
    const all = await events.all(id);
    expect(await events.all(id, { limit: 1 })).toEqual(all);
    expect(await events.all(id, { order: "desc" })).toEqual(all.toReversed());
    expect(await events.all(id, { types: ["user.message"] })).toMatchObject([{ content: [{ text: "one" }] }]);
  });

  it("shows the threads of one", async () => {
    const { id } = await someSession();
    const { threads } = client.sessions;
    const [thread] = await gather(threads.list(id));
    expect(thread).toMatchObject({ type: "session_thread", session_id: id });
    expect(await threads.get(id, thread?.id ?? "")).toEqual(thread);
  });

  it("interrupts one at work, waits for its idle, then archives it", async () => {
    const id = await busySession();
    const archived = await client.sessions.archive(id);
    expect(archived.archived_at).not.toBeNull();
    const types = await typesOf(id);
    expect(types.filter((type) => type === "user.interrupt")).toHaveLength(1);
    expect(types.indexOf("user.interrupt")).toBeLessThan(types.lastIndexOf("session.status_idle"));
  });

  it("interrupts one at work, then deletes it; one at rest is not interrupted", async () => {
    const id = await busySession();
    await client.sessions.delete(id);
    await expect(client.sessions.get(id)).rejects.toMatchObject({ status: 404 });
    const resting = await someSession();
    await client.sessions.archive(resting.id);
    expect(await typesOf(resting.id)).not.toContain("user.interrupt");
  });
});

describe("errors", () => {
  it("carry the host's status, code and request id [A-107]", async () => {
    const error: unknown = await client.sessions.get("sesn_nobody").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LoophostError);
    expect(error).toMatchObject({
      code: "host_rejected",
      status: 404,
      hostCode: "not_found_error",
      requestId: expect.any(String),
      message: expect.stringContaining(
        "GET /v1/sessions/sesn_nobody: the host answered 404 (not_found_error): ",
      ),
    });
  });

  it.each(["", ".", ".."])("refuse %j for an id: it would lead elsewhere", async (id) => {
    await expect(client.sessions.get(id)).rejects.toMatchObject({ code: "invalid_options" });
    await expect(client.sessions.delete(id)).rejects.toMatchObject({ code: "invalid_options" });
    await expect(gather(client.sessions.threads.list(id))).rejects.toMatchObject({ code: "invalid_options" });
  });

  it("say so when the caller gave up", async () => {
    const aborted = client.sessions.get("sesn_x", { signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ code: "aborted" });
  });
});
