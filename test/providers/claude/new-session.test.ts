import type { Agent } from "loophost";
import { defineAgent, openSession } from "loophost";
import { claude, createClient } from "loophost/providers/claude";
import { embeddedHost } from "loophost/server";
import { describe, expect, it } from "vitest";

/** A host in this process, what was asked of it, and one provider for all its sessions. */
function setUp() {
  const host = embeddedHost({ model: () => "Here." });
  const asked: string[] = [];
  let delay: Promise<unknown> | undefined;
  const reach: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    asked.push(`${request.method} ${new URL(request.url).pathname}`);
    if (request.url.includes("/v1/agents")) await delay;
    return host.fetch(request);
  };
  const how = { baseUrl: "http://127.0.0.1", fetch: reach };
  const provider = claude(how);
  return {
    host,
    client: createClient(how),
    count: (line: string) => asked.filter((one) => one === line).length,
    hold: (until: Promise<unknown> | undefined) => void (delay = until),
    open: (agent: Agent, signal?: AbortSignal) => openSession(agent, { provider, signal }),
  };
}

const agent = defineAgent({ name: "shared", instructions: "Talk.", model: "m" });

describe("what sessions need at the host", () => {
  it("is asked for once, however many are opened at a time", async () => {
    const { host, open, count } = setUp();
    await using _ = host;
    const sessions = await Promise.all(Array.from({ length: 8 }, () => open(agent)));
    await Promise.all(sessions.map((session) => session.close()));
    for (const kind of ["agents", "environments"])
      expect([count(`GET /v1/${kind}`), count(`POST /v1/${kind}`)]).toEqual([2, 1]); // once more after it was made: whether somebody else made one, too
    expect(count("POST /v1/sessions")).toBe(8);
  });

  it("is asked for again once it is gone", async () => {
    const { host, open, count, client } = setUp();
    await using _ = host;
    await (await open(agent)).close();
    for await (const { id } of client.agents.list()) await client.agents.archive(id);
    await (await open(agent)).close();
    expect(count("POST /v1/agents")).toBe(2);
  });

  it("comes for those who still wait, when the one who asked first gave up", async () => {
    const { host, open, hold } = setUp();
    await using _ = host;
    const held = Promise.withResolvers<void>();
    hold(held.promise);
    const abort = new AbortController();
    const first = open(agent, abort.signal);
    const second = open(agent);
    abort.abort();
    await expect(first).rejects.toMatchObject({ code: "aborted" });
    held.resolve();
    await (await second).close();
  });
});
