// A worker that is killed in the middle of a call: the session is served by the next one.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { memoryStore } from "loophost/stores/memory";
import { manualClock } from "loophost/testing";
import { expect, it } from "vitest";

import type { HostUnderTest } from "./support.ts";
import { call, follow, listed, say, scripted, startHost } from "./support.ts";

/** The first to run it takes its time; whoever comes after does not. */
const COMMAND = "if mkdir taken; then echo $$ > taken/pid; sleep 20; echo first; else echo second; fi";

/** A session at work in a self-hosted environment; its agent has the built-in tools. */
async function atWork({ client }: HostUnderTest) {
  const { agents, environments, sessions } = client.beta;
  const tools = [{ type: "agent_toolset_20260401" as const }];
  const agent = await agents.create({ name: "worker", model: "m", tools });
  const environment = await environments.create({ name: "ours", config: { type: "self_hosted" } });
  const { id } = await sessions.create({ agent: agent.id, environment_id: environment.id });
  await using stream = await follow(client, id);
  await say(client, id, "go");
  await stream.idle("requires_action");
  return { id, environmentId: environment.id };
}

/** Lets the official worker serve the environment until the session is idle, and gives what it answered. */
async function serve({ client }: HostUnderTest, id: string, environmentId: string, workdir: string) {
  await using stream = await follow(client, id);
  const stop = new AbortController();
  const options = { environmentId, environmentKey: "k-1", workdir, maxIdleMs: 50 };
  const working = client.beta.environments.work.worker(options).run(stop.signal);
  await stream.idle("end_turn");
  stop.abort();
  await working;
  return (await listed(client, id)).filter(({ type }) => type === "user.tool_result");
}

it("a call whose worker was killed is run by the next worker, and answered once [F2-9]", async () => {
  const clock = manualClock();
  const folder = await mkdtemp(join(tmpdir(), "loophost-worker-"));
  await using server = await startHost(scripted([call("c1", "bash", { command: COMMAND })], "done"), {
    clock,
    apiKey: "k-1",
  });
  const { id, environmentId } = await atWork(server);

  const script = join(import.meta.dirname, "worker-process.ts");
  const lost = spawn(process.execPath, [script, server.url, environmentId, folder], { stdio: "ignore" });
  const gone = once(lost, "exit");
  const pid = () => readFile(join(folder, "taken/pid"), "utf8").then(Number, () => 0);
  await expect.poll(pid).toBeGreaterThan(0);
  lost.kill("SIGKILL");
  await gone;
  // The worker ran its command in a process group of its own, which the machine would have taken along.
  process.kill(-(await pid()), "SIGKILL");

  expect(await server.client.beta.environments.work.poll(environmentId)).toBeNull();
  await clock.advance(90_000);
  const results = await serve(server, id, environmentId, folder);
  expect(results).toMatchObject([{ content: [{ type: "text", text: expect.stringContaining("second") }] }]);
  await rm(folder, { recursive: true });
});

it("a call that waited for a worker when the host stopped is run after it started again [F2-9]", async () => {
  const folder = await mkdtemp(join(tmpdir(), "loophost-worker-"));
  const options = { apiKey: "k-1", store: memoryStore() };
  const model = () => scripted([call("c1", "bash", { command: "echo here" })], "done");
  const before = await startHost(model(), options);
  const { id, environmentId } = await atWork(before);
  await before.host.close();
  await using server = await startHost(model(), options);
  const results = await serve(server, id, environmentId, folder);
  expect(results).toMatchObject([{ content: [{ type: "text", text: expect.stringContaining("here") }] }]);
  await rm(folder, { recursive: true });
});
