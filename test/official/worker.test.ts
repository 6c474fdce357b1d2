// The worker of each release of the official SDK, with the tools it comes with, on the work of a self-hosted environment.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { call, message, scripted } from "../server/support.ts";
import { RELEASES } from "./releases.ts";
import { API_KEY, logOf, serve } from "./support.ts";

describe.each(RELEASES)("the official SDK $version", (release) => {
  it("serves a session with its worker: bash writes a file here, and the model reads what it said [S7-worker]", async () => {
    const folder = await mkdtemp(join(tmpdir(), "worker-"));
    const command = "echo from the worker | tee said.txt";
    await using server = await serve(
      release,
      scripted([call("c1", "bash", { command })], ({ messages }) => JSON.stringify(messages.at(-1))),
    );
    const { agents, environments, sessions } = server.client.beta;
    const agent = await agents.create({
      name: "worker",
      model: "m",
      tools: [{ type: "agent_toolset_20260401" }],
    });
    const environment = await environments.create({ name: "mine", config: { type: "self_hosted" } });
    const { id } = await sessions.create({ agent: agent.id, environment_id: environment.id });
    await using stream = await server.follow(id);
    await sessions.events.send(id, { events: [message("Say it.")] });

    const stop = new AbortController();
    const worker = environments.work.worker({
      environmentId: environment.id,
      environmentKey: API_KEY,
      workdir: folder,
      maxIdleMs: 50,
    });
    const working = worker.run(stop.signal);
    await stream.idle("end_turn");
    expect(await readFile(join(folder, "said.txt"), "utf8")).toBe("from the worker\n");
    expect(JSON.stringify(await stream.until("agent.message"))).toContain("from the worker");
    const results = (await logOf(server.client, id)).filter(({ type }) => type === "user.tool_result");
    expect(results).toMatchObject([{ tool_use_id: (await stream.until("agent.tool_use")).id }]);
    stop.abort();
    await working;
    await rm(folder, { recursive: true });
  });
});
