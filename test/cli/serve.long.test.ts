// `loophost serve` in one process, `loophost run` and the official SDK in others.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import Anthropic from "@anthropic-ai/sdk";
import { expect, it } from "vitest";

import type { Started, Surroundings } from "./loophost.ts";
import { loophost, modelServer, start } from "./loophost.ts";

const SUPPORT = fileURLToPath(import.meta.resolve("./agents/support.ts"));

/** Starts a host on a free port, and waits until it says where. */
async function serve(flags: string[] = [], surroundings?: Surroundings): Promise<Started & { url: string }> {
  const started = start(["serve", "--port", "0", ...flags], surroundings);
  let said = "";
  started.child.stdout.on("data", (text) => (said += text));
  await started.saw("Ctrl-C stops it.");
  return { ...started, url: /http:\S+/.exec(said)?.[0] ?? "" };
}

async function stop({ child, ended }: Started): Promise<void> {
  child.kill("SIGINT");
  expect(await ended).toMatchObject({ code: 0, stderr: "" });
}

it("serves a run of another process, with the scripted model when there is no other, and stops at Ctrl-C", async () => {
  const host = await serve();
  const run = ["run", SUPPORT, 'lookup_order {"id":"42"}', "--provider", "claude", "--base-url", host.url];
  const { code, stdout, stderr } = await loophost(run);
  expect([code, stdout]).toEqual([0, "lookup_order answered: shipped\n"]);
  expect(stderr).toContain(`support · claude at ${new URL(host.url).host}\n`);
  expect(stderr).toContain('✓ lookup_order {"id":"42"}');

  await stop(host);
  const { stdout: said } = await host.ended;
  expect(said).toContain("scripted (built in");
  expect(said).toContain(`new Anthropic({ baseURL: "${host.url}"`);
});

it("asks the model of the environment, whatever the agent names", async () => {
  await using model = await modelServer({ text: "From the model." });
  const host = await serve(["--model", "served-model"], { env: model.env });
  const { stdout } = await loophost(["run", SUPPORT, "hi", "--provider", "claude", "--base-url", host.url]);
  expect(stdout).toBe("From the model.\n");
  expect(model.requests[0]).toMatchObject({ model: "served-model" });
  await stop(host);
});

it("tells of each request with --verbose, and knows the prices it is given", async () => {
  const folder = await mkdtemp(join(tmpdir(), "loophost-serve-"));
  const prices = join(folder, "prices.json");
  await writeFile(prices, JSON.stringify({ any: { inputPerMillion: 300, outputPerMillion: 1_500 } }));
  const host = await serve(["--verbose", "--prices", prices]);
  const client = new Anthropic({ baseURL: host.url, apiKey: "none" });
  const agent = await client.beta.agents.create({ name: "a", model: "any" });
  const environment = await client.beta.environments.create({ name: "e" });
  const budget = { type: "money" as const, minor_units: 100, currency: "USD" };
  const made = client.post("/v1/sessions", {
    body: { agent: agent.id, environment_id: environment.id, budget },
  });
  expect(await made.then(() => "made", String)).not.toMatch(/no price of model/);
  host.child.kill("SIGINT");
  const { code, stderr } = await host.ended;
  expect(code).toBe(0);
  expect(stderr).toMatch(/^POST \/v1\/agents 200 \S+ ms req_\w+$/m);
  await rm(folder, { recursive: true });
});

it("lets in who has the key, and nobody else, and prints no key [I11]", async () => {
  const host = await serve([], { env: { LOOPHOST_API_KEY: "host-key" } });
  const run = ["run", SUPPORT, "hi", "--provider", "claude", "--base-url", host.url];
  expect(await loophost(run, { env: { ANTHROPIC_API_KEY: "host-key" } })).toMatchObject({ code: 0 });
  const refused = await loophost(run, { env: { ANTHROPIC_API_KEY: "wrong-key" } });
  expect(refused.code).toBe(5);
  expect(refused.stderr).toMatch(/ 401 .* Its key comes from ANTHROPIC_API_KEY\.\n$/);
  await stop(host);
  const { stdout } = await host.ended;
  expect(stdout + refused.stderr).not.toMatch(/host-key|wrong-key/);
});

it("goes on after it was killed, with what its store holds", async () => {
  const folder = await mkdtemp(join(tmpdir(), "loophost-"));
  const store = join(folder, "host.db");
  const killed = await serve(["--store", store]);
  const run = ["run", SUPPORT, 'lookup_order {"id":"42"}', "--provider", "claude", "--base-url"];
  expect(await loophost([...run, killed.url])).toMatchObject({ code: 0 });
  killed.child.kill("SIGKILL");
  await killed.ended;

  const host = await serve(["--store", store]);
  const client = new Anthropic({ baseURL: host.url, apiKey: "none" });
  const [session] = (await client.beta.sessions.list()).data;
  const events = await client.beta.sessions.events.list(session?.id ?? "");
  expect(events.data.map(({ type }) => type)).toContain("agent.message");
  expect(await loophost([...run, host.url])).toMatchObject({ code: 0 });
  expect((await client.beta.agents.list()).data).toHaveLength(1);
  await stop(host);

  const looked = await loophost(["sessions", "--store", store]);
  expect([looked.code, looked.stdout]).toEqual([0, ""]);
  expect(looked.stderr).toMatch(
    /holds the sessions of a loop host\. .*: loophost serve --store \S+host\.db\n$/,
  );
  await rm(folder, { recursive: true });
});

it("tells the host when a run is interrupted", async () => {
  const host = await serve();
  const run = start(["run", SUPPORT, "wait {}", "--provider", "claude", "--base-url", host.url, "--json"]);
  await run.saw("tool.started");
  run.child.kill("SIGINT");
  expect(await run.ended).toMatchObject({ code: 130 });

  const client = new Anthropic({ baseURL: host.url, apiKey: "none" });
  const [session] = (await client.beta.sessions.list()).data;
  const events = await client.beta.sessions.events.list(session?.id ?? "");
  expect(events.data.map(({ type }) => type)).toContain("user.interrupt");
  await stop(host);
});

it("leaves at once at a second Ctrl-C, though the host does not answer", async () => {
  const host = await serve();
  const run = start(["run", SUPPORT, "wait {}", "--provider", "claude", "--base-url", host.url, "--json"]);
  await run.saw("tool.started");
  host.child.kill("SIGSTOP");
  run.child.kill("SIGINT");
  await run.saw("Ctrl-C again leaves at once.");
  run.child.kill("SIGINT");
  await run.ended;
  // By the signal itself, which a shell shows as 130: nothing of ours stands between it and the end.
  expect(run.child.signalCode).toBe("SIGINT");
  host.child.kill("SIGCONT");
  await stop(host);
});

it("ends with 5 and the way out when the port is taken", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as AddressInfo;
  const { code, stderr } = await loophost(["serve", "--port", String(port)]);
  expect(stderr).toBe(
    `loophost: Cannot listen on 127.0.0.1:${port}: the port is taken. Choose another with --port.\n`,
  );
  expect(code).toBe(5);
  taken.close();
});

it("refuses a store that another host is on, and names the ways out; waits for its end when told to [I6]", async () => {
  const folder = await mkdtemp(join(tmpdir(), "loophost-"));
  const store = join(folder, "host.db");
  const first = await serve(["--store", store]);
  const refused = await loophost(["serve", "--port", "0", "--store", store]);
  expect(refused.code).toBe(8);
  expect(refused.stderr).toMatch(
    /^loophost: This store is in use by the host of .*pass --wait, or --take to end it/,
  );

  const waiting = start(["serve", "--port", "0", "--store", store, "--wait"]);
  await stop(first);
  await waiting.saw("Ctrl-C stops it.");
  await stop(waiting);
  await rm(folder, { recursive: true });
});

it("plays AgentCore, where a session is kept and gone on with by another process that names nothing", async () => {
  const host = await serve(["--wire", "agentcore"]);
  const folder = await mkdtemp(join(tmpdir(), "loophost-agentcore-"));
  const store = join(folder, "runs.db");
  const at = ["--provider", "agentcore", "--base-url", host.url];
  const first = await loophost(["run", SUPPORT, 'lookup_order {"id":"42"}', ...at, "--store", store]);
  expect([first.code, first.stdout]).toEqual([0, "lookup_order answered: shipped\n"]);
  expect(first.stderr).toMatch(/^support · agentcore · Demo-\w+ at 127\.0\.0\.1:\d+$/m);
  const id = /session (\S+) in/.exec(first.stderr)?.[1] ?? "";
  const again = await loophost(["run", SUPPORT, "hi", "--session", id, "--store", store]);
  expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining("scripted model of loophost") });
  const lost = await loophost(["run", SUPPORT, "hi", ...at, "--qualifier", "nowhere"]);
  expect(lost).toMatchObject({ code: 5, stderr: expect.stringContaining("404 (ResourceNotFoundException)") });
  await rm(folder, { recursive: true });
  await stop(host);
});

it("refuses flags that do not go with the wire", async () => {
  for (const [flags, problem] of [
    [["--wire", "mcp"], 'There is no wire "mcp", only claude and agentcore.'],
    [["--wire", "agentcore", "--store", "x.db"], "--store does not go with --wire agentcore."],
  ] as const)
    expect(await loophost(["serve", ...flags])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(problem),
    });
});
