// A process with the official SDK's worker at work in a session that `run()` talks to: each call runs once, by whose it is.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { defineAgent, defineTool, run } from "loophost";
import { claude } from "loophost/providers/claude";
import { describe, expect, it, onTestFinished } from "vitest";

import type { HostUnderTest } from "../../server/support.ts";
import { call, customTool, follow, listed, say, scripted, startHost } from "../../server/support.ts";

const WORKER = join(import.meta.dirname, "../../server/worker-process.ts");

/** Says that it has begun, and ends once it may: in between the worker is busy, for as long as a test likes. */
const COMMAND = "echo ran >> log; while [ ! -e go ]; do sleep 0.05; done; echo from the worker";

/** A session in an environment that a worker process serves; its model calls both our tool and the worker's. */
async function served(server: HostUnderTest) {
  const { agents, environments, sessions } = server.client.beta;
  const tools = [{ type: "agent_toolset_20260401" as const }, customTool("t")];
  const { id: agent } = await agents.create({ name: "worker", model: "m", tools });
  const { id: environment_id } = await environments.create({ name: "ours", config: { type: "self_hosted" } });
  const { id } = await sessions.create({ agent, environment_id });
  const folder = await mkdtemp(join(tmpdir(), "loophost-worker-"));
  const args = [WORKER, server.url, environment_id, folder];
  const worker = spawn(process.execPath, args, { stdio: "ignore" });
  const gone = once(worker, "exit");
  onTestFinished(async () => {
    worker.kill("SIGKILL");
    await gone;
    await rm(folder, { recursive: true });
  });
  const isBusy = () =>
    readFile(join(folder, "log"), "utf8").then(
      (log) => log === "ran\n",
      () => false,
    );
  return { id, folder, isBusy: () => expect.poll(isBusy).toBe(true) };
}

/** An agent with a tool of its own, which notes that it ran. */
function ours() {
  const ran: unknown[] = [];
  const tool = defineTool({
    name: "t",
    description: "A tool",
    input: { type: "object" },
    execute: (input) => {
      ran.push(input);
      return "from here";
    },
  });
  const agent = defineAgent({ name: "a", instructions: "", model: "m", tools: [tool] });
  return { ran, agent };
}

const model = () => scripted([call("c1", "bash", { command: COMMAND }), call("c2", "t", { a: 1 })], "done");

/** The results that the host has, by whose tool they are of. */
async function resultsOf({ client }: HostUnderTest, id: string) {
  const events = await listed(client, id);
  return events
    .filter(({ type }) => type.endsWith("tool_result"))
    .map(({ type, content }) => [type, content]);
}

const ONCE_EACH = [
  ["user.custom_tool_result", [{ type: "text", text: "from here" }]],
  ["user.tool_result", [{ type: "text", text: expect.stringContaining("from the worker") }]],
];

describe("with a worker of somebody else's at work in its session", () => {
  it("run() runs its own call, waits for the worker's, and tells the end", async () => {
    await using server = await startHost(model(), { apiKey: "k-1" });
    const { id, folder, isBusy } = await served(server);
    const { ran, agent } = ours();
    const provider = claude({ baseUrl: server.url, apiKey: "k-1" });
    let isOver = false;
    const running = run(agent, { provider, sessionId: id, prompt: "go" }).finally(() => (isOver = true));
    await isBusy();
    await expect.poll(() => ran).toEqual([{ a: 1 }]);
    await expect.poll(() => resultsOf(server, id)).toEqual(ONCE_EACH.slice(0, 1));
    expect(isOver).toBe(false);
    await writeFile(join(folder, "go"), "");
    expect(await running).toMatchObject({
      ending: "completed",
      text: "done",
      toolCalls: [{ name: "t" }],
      serverToolCalls: [{ name: "bash" }],
    });
    expect(await resultsOf(server, id)).toEqual(ONCE_EACH);
    expect(await readFile(join(folder, "log"), "utf8")).toBe("ran\n");
    expect(ran).toHaveLength(1);
  });

  it("run() that attaches in the middle does so, too", async () => {
    await using server = await startHost(model(), { apiKey: "k-1" });
    const { id, folder, isBusy } = await served(server);
    const { ran, agent } = ours();
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    await stream.idle("requires_action");
    await isBusy();
    const provider = claude({ baseUrl: server.url, apiKey: "k-1" });
    const running = run(agent, { provider, sessionId: id });
    await expect.poll(() => resultsOf(server, id)).toEqual(ONCE_EACH.slice(0, 1));
    await writeFile(join(folder, "go"), "");
    expect(await running).toMatchObject({ ending: "completed", text: "done" });
    expect(await resultsOf(server, id)).toEqual(ONCE_EACH);
    expect(await readFile(join(folder, "log"), "utf8")).toBe("ran\n");
    expect(ran).toHaveLength(1);
  });
});
