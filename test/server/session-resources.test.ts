// What sessions are given to work on, and what may be changed of a session while it lives.

import type Anthropic from "@anthropic-ai/sdk";
import { toFile } from "@anthropic-ai/sdk";
import { describe, expect, it } from "vitest";

import type { HostUnderTest } from "./support.ts";
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

type CreateParams = Partial<Anthropic.Beta.SessionCreateParams>;

async function create({ client }: HostUnderTest, more: CreateParams = {}) {
  const agent = await client.beta.agents.create({ name: "helper", model: "m", tools: [customTool("a")] });
  const environment = await client.beta.environments.create({ name: "dev" });
  return client.beta.sessions.create({ agent: agent.id, environment_id: environment.id, ...more });
}

async function upload({ client }: HostUnderTest, text: string): Promise<string> {
  const { id } = await client.beta.files.upload({ file: await toFile(Buffer.from(text), "notes.txt") });
  return id;
}

describe("the resources of a session", () => {
  it("are files, each a copy of its own, and repositories, whose token is not kept [I11]", async () => {
    await using server = await startHost(scripted());
    const { sessions, files } = server.client.beta;
    const original = await upload(server, "hello");
    const session = await create(server, {
      resources: [
        { type: "file", file_id: original },
        {
          type: "github_repository",
          url: "https://github.com/example/tools.git",
          authorization_token: "ghp_secret",
          checkout: { type: "branch", name: "main" },
        },
      ],
    });
    const [file, repository] = session.resources;
    if (file?.type !== "file" || repository?.type !== "github_repository") throw new Error("other resources");
    expect(file).toEqual({
      id: expect.stringMatching(/^sesrsc_/),
      type: "file",
      file_id: expect.stringMatching(/^file_/),
      mount_path: `/mnt/session/uploads/${original}`,
      created_at: expect.any(String),
      updated_at: expect.any(String),
    });
    expect(repository).toEqual({
      id: expect.stringMatching(/^sesrsc_/),
      type: "github_repository",
      url: "https://github.com/example/tools.git",
      mount_path: "/workspace/tools",
      checkout: { type: "branch", name: "main" },
      created_at: expect.any(String),
      updated_at: expect.any(String),
    });
    const copies = (await files.list({ scope_id: session.id })).data;
    expect(copies).toMatchObject([{ filename: "notes.txt", scope: { type: "session", id: session.id } }]);
    const copy = copies[0]?.id ?? "";
    expect(file).toMatchObject({ file_id: copy });
    await files.delete(original);
    expect(await (await files.download(copy)).text()).toBe("hello");

    const at = { session_id: session.id };
    const rotated = await sessions.resources.update(repository.id, { ...at, authorization_token: "ghp_new" });
    expect(rotated).toMatchObject({ id: repository.id });
    expect(await refusal(sessions.resources.update(file.id, { ...at, authorization_token: "x" }))).toBe(BAD);
    const { body } = await server.raw("GET", `/v1/sessions/${session.id}`);
    expect(JSON.stringify(body)).not.toMatch(/ghp_/);
  });

  it("are added, listed page by page and deleted, and their files with them", async () => {
    await using server = await startHost(scripted());
    const { sessions, files } = server.client.beta;
    const { id } = await create(server);
    const original = await upload(server, "hello");
    const add = (mountPath?: string) =>
      sessions.resources.add(id, {
        type: "file",
        file_id: original,
        ...(mountPath && { mount_path: mountPath }),
      });
    const made = [await add(), await add("/a"), await add("/b")].map((resource) => resource.id);
    expect(await refusal(add())).toBe(BAD);
    expect(await refusal(add("relative"))).toBe(BAD);
    expect(await refusal(sessions.resources.add(id, { type: "file", file_id: "file_none" }))).toBe(GONE);
    const repository = { type: "github_repository", url: "https://github.com/example/x" };
    expect((await server.raw("POST", `/v1/sessions/${id}/resources`, repository)).status).toBe(400);

    const all: string[] = [];
    for await (const resource of sessions.resources.list(id, { limit: 2 }))
      if ("id" in resource) all.push(resource.id);
    expect(all).toEqual(made);
    expect(await refusal(sessions.resources.list(id, { page: "nonsense" }).then(() => undefined))).toBe(BAD);

    const [first = "", second = ""] = made;
    const at = { session_id: id };
    expect(await sessions.resources.retrieve(second, at)).toMatchObject({ mount_path: "/a" });
    expect(await sessions.resources.delete(first, at)).toEqual({
      id: first,
      type: "session_resource_deleted",
    });
    expect(await refusal(sessions.resources.retrieve(first, at))).toBe(GONE);
    expect((await files.list({ scope_id: id })).data).toHaveLength(2);
    expect((await sessions.retrieve(id)).resources).toHaveLength(2);
    await sessions.delete(id);
    expect((await files.list()).data).toMatchObject([{ id: original }]);
  });

  it("are refused as a whole when one cannot be made, and leave nothing behind", async () => {
    await using server = await startHost(scripted());
    const original = await upload(server, "hello");
    const file = { type: "file" as const, file_id: original };
    const memory = { type: "memory_store" as const, memory_store_id: "memstore_1" };
    expect(await refusal(create(server, { resources: [file, memory] }))).toBe(GONE);
    expect(await refusal(create(server, { resources: [file, file] }))).toBe(BAD);
    const commit = { type: "commit" } as unknown as { type: "commit"; sha: string };
    const repository = { type: "github_repository" as const, url: "https://example.com/x", checkout: commit };
    expect(await refusal(create(server, { resources: [file, repository] }))).toBe(BAD);
    expect((await server.client.beta.files.list()).data).toMatchObject([{ id: original }]);
    expect((await server.client.beta.sessions.list()).data).toEqual([]);
  });
});

describe("an update of a session", () => {
  it("replaces the tools and MCP servers of its agent, from the next turn on", async () => {
    const offered: string[][] = [];
    await using server = await startHost(({ tools }) => {
      offered.push(tools.map(({ name }) => name));
      return "ok";
    });
    const { sessions, agents } = server.client.beta;
    const { id, agent } = await create(server);
    await using stream = await follow(server.client, id);
    await say(server.client, id, "one");
    await stream.idle("end_turn");
    const servers = [{ type: "url" as const, name: "docs", url: "https://example.com/mcp" }];
    const updated = await sessions.update(id, { agent: { tools: [customTool("b")], mcp_servers: servers } });
    expect(updated.agent).toEqual({ ...agent, tools: [customTool("b")], mcp_servers: servers });
    expect(await stream.until("session.updated")).toMatchObject({ agent: updated.agent });
    const { length } = stream.events;
    await say(server.client, id, "two");
    await stream.idle("end_turn", length);
    expect(offered).toEqual([["a"], ["b"]]);
    expect(await sessions.update(id, { agent: { tools: [] } })).toMatchObject({
      agent: { tools: [], mcp_servers: servers },
    });
    expect(await agents.retrieve(agent.id)).toMatchObject({ version: 1, tools: [customTool("a")] });
  });

  it("of what a session cannot change is refused", async () => {
    await using server = await startHost(scripted());
    const { id } = await create(server);
    const update = async (body: object) => (await server.raw("POST", `/v1/sessions/${id}`, body)).status;
    expect(await update({ vault_ids: [] })).toBe(400);
    expect(await update({ agent: { model: "other" } })).toBe(400);
    expect(await update({ agent: "agent_other" })).toBe(400);
    expect(await update({ agent: { tools: [{ type: "gadget" }] } })).toBe(400);
    expect(await update({ metadata: { k: 1 } })).toBe(400);
    expect(await update({ title: "x".repeat(1_025) })).toBe(400);
    expect((await listed(server.client, id)).filter(({ type }) => type === "session.updated")).toEqual([]);
  });

  it("clears and patches, and leaves the rest", async () => {
    await using server = await startHost(scripted());
    const { id } = await create(server, { title: "One", metadata: { a: "1", b: "2" } });
    const { sessions } = server.client.beta;
    const patched = await sessions.update(id, { title: null, metadata: { a: null, c: "3" } });
    expect(patched).toMatchObject({ title: null, metadata: { b: "2", c: "3" } });
    expect(await sessions.update(id, { title: "Two" })).toMatchObject({
      title: "Two",
      metadata: { b: "2", c: "3" },
    });
  });

  it("of the agent waits for the end of the turn, be it at work or waiting", async () => {
    const release = gate();
    await using server = await startHost(
      scripted(async () => {
        await release.opened;
        return [call("c1", "a")];
      }, "done"),
    );
    const { sessions } = server.client.beta;
    const { id } = await create(server);
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    const change = () => refusal(sessions.update(id, { agent: { tools: [] } }));
    expect(await change()).toBe(BAD);
    expect(await refusal(sessions.update(id, { title: "meanwhile" }))).toBe("taken");
    release.open();
    const use = await stream.until("agent.custom_tool_use");
    await stream.idle("requires_action");
    expect(await change()).toBe(BAD);
    await sessions.events.send(id, { events: [answer(use.id, "1")] });
    await stream.idle("end_turn");
    expect(await change()).toBe("taken");
    await sessions.archive(id);
    expect(await refusal(sessions.update(id, { title: "late" }))).toBe(BAD);
  });
});
