// What comes back broken: each is a typed error, and none makes the agent run again.

import { inspect } from "node:util";

import { BedrockAgentCoreClient as OlderClient } from "@aws-sdk/client-bedrock-agentcore-3.1090";
import { expect, it } from "vitest";

import { defineAgent, defineTool, LoophostError, openSession, run } from "../../../src/index.ts";
import type { Fault } from "../../../src/stand-ins/agentcore/faults.ts";
import { providerFor, saidTo, standIn } from "./support.ts";

const agent = defineAgent({ name: "talker", instructions: "Talk." });
const broken: [string, Fault, string][] = [
  ["cut inside a frame", { is: "cut", at: 2, bytes: 9 }, "host_protocol"],
  ["a wrong checksum of a prelude", { is: "bad checksum", at: 2, of: "prelude" }, "host_protocol"],
  ["a wrong checksum of a frame", { is: "bad checksum", at: 2, of: "message" }, "host_protocol"],
  ["JSON on a 200", { is: "json" }, "host_protocol"],
  ["an end without messageStop", { is: "no end" }, "host_protocol"],
  [
    "an exception as the first frame",
    { is: "exception", at: 0, type: "runtimeClientError", message: "died" },
    "host_failed",
  ],
  [
    "an exception in the middle",
    { is: "exception", at: 2, type: "internalServerException", message: "died" },
    "host_failed",
  ],
  [
    "an exception as an ordinary event",
    { is: "exception event", at: 2, type: "validationException", message: "no" },
    "host_rejected",
  ],
  ["a bare error", { is: "error", at: 1, code: "Odd", message: "odd" }, "host_failed"],
  ["a reset before the headers", { is: "reset", at: "request" }, "host_failed"],
  ["a reset after the headers", { is: "reset", at: "headers" }, "host_failed"],
  ["a reset in the middle", { is: "reset", at: 2 }, "host_failed"],
  ["a server error", { is: "refusal", status: 500, type: "InternalServerException" }, "host_failed"],
  ["a refusal", { is: "refusal", status: 403, type: "AccessDeniedException" }, "host_rejected"],
];

for (const [what, fault, code] of broken)
  it(`fails once and for all on ${what}, and the session goes on [A-059] [A-060]`, async () => {
    const secretAccessKey = "a-secret-key-that-signs";
    const sessionToken = "a-token-that-comes-along";
    const host = await standIn({
      model: () => "Hello there.",
      credentials: [{ accessKeyId: "AKIATEST", secretAccessKey, sessionToken }],
    });
    host.fail(fault);
    const provider = providerFor(host, {
      credentials: { accessKeyId: "AKIATEST", secretAccessKey, sessionToken },
    });
    await using session = await openSession(agent, { provider });
    const error: unknown = await session
      .send("Hi")
      .result()
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LoophostError);
    expect(error).toMatchObject({ code });
    expect(saidTo(host)).toHaveLength(1);
    const shown = inspect([error, session, provider], { showHidden: true, depth: Number.POSITIVE_INFINITY });
    for (const secret of [secretAccessKey, sessionToken, "AKIATEST"]) expect(shown).not.toContain(secret);
    expect((await session.send("Again").result()).text).toBe("Hello there.");
  });

for (const [what, fault, code] of broken)
  it(`runs a tool once, and sends its result once, on ${what} in reply to it [A-059] [A-060]`, async () => {
    let asked = 0;
    const call = { type: "tool_call", id: "call_1", name: "look", input: {} } as const;
    const host = await standIn({ model: () => ((asked += 1) === 1 ? [call] : "Done.") });
    let runs = 0;
    const look = defineTool({
      name: "look",
      description: "Looks.",
      input: { type: "object" },
      execute() {
        host.fail(fault);
        return String((runs += 1));
      },
    });
    const looker = defineAgent({ name: "looker", instructions: "", tools: [look] });
    await using session = await openSession(looker, { provider: providerFor(host) });
    await expect(session.send("Hi").result()).rejects.toMatchObject({ code, mayRetry: false });
    expect([runs, saidTo(host).length]).toEqual([1, 2]);
    expect((await session.send("Again").result()).text).toBe("Done.");
    expect(runs).toBe(1);
  });

it("sends again what was turned away before it ran", async () => {
  const host = await standIn({ model: () => "Hello." });
  host.fail({ is: "refusal", status: 429, type: "ThrottlingException" });
  const result = await run(agent, {
    provider: providerFor(host, { retry: { firstDelayMs: 1 } }),
    prompt: "Hi",
  });
  expect(result.text).toBe("Hello.");
  expect(saidTo(host)).toHaveLength(2);
});

it("reads a reply that comes one byte at a time [A-078]", async () => {
  const host = await standIn({ model: () => "Hello – 😀." });
  host.fail({ is: "drip" });
  expect((await run(agent, { provider: providerFor(host), prompt: "Hi" })).text).toBe("Hello – 😀.");
});

it("tells what the SDK's decoder would drop", async () => {
  const host = await standIn({ model: () => "Hello." });
  host.fail({ is: "event", at: 1, event: ["heartbeat", { at: 1 }] });
  const { events } = await run(agent, { provider: providerFor(host), prompt: "Hi" });
  expect(events).toContainEqual({ type: "provider", raw: { heartbeat: { at: 1 } } });
});

it("works with an older release of the SDK, and its client made by the caller", async () => {
  const host = await standIn({ model: () => "Hello." });
  const credentials = { accessKeyId: "loopback", secretAccessKey: "loopback" };
  const region = "us-west-2";
  const client = new OlderClient({ region, endpoint: host.url, credentials, maxAttempts: 1 });
  expect((await run(agent, { provider: providerFor(host, { client }), prompt: "Hi" })).text).toBe("Hello.");
});

it("sends a bearer token instead of a signature", async () => {
  const host = await standIn({ model: () => "Hello.", bearerToken: "jwt.of.somebody" });
  const provider = providerFor(host, { bearerToken: async () => "jwt.of.somebody" });
  expect((await run(agent, { provider, prompt: "Hi" })).text).toBe("Hello.");
  const refused = run(agent, { provider: providerFor(host, { bearerToken: "another.one" }), prompt: "Hi" });
  await expect(refused).rejects.toMatchObject({ code: "host_rejected", status: 403 });
});

it("checks ids before anything is sent [A-055]", async () => {
  const host = await standIn({ model: () => "Hello." });
  const short = openSession(agent, { provider: providerFor(host), sessionId: "short" });
  await expect(short).rejects.toMatchObject({ code: "invalid_options" });
  expect(() => providerFor({ ...host, harnessArn: "Demo-AbCdEf1234" })).toThrow(/harnessArn/);
  expect(host.requests).toEqual([]);
});

it("says what is wrong with the model of a stand-in", async () => {
  const host = await standIn({
    model: () => {
      throw new Error("no such recipe");
    },
  });
  await expect(run(agent, { provider: providerFor(host), prompt: "Hi" })).rejects.toMatchObject({
    code: "host_failed",
    message: expect.stringContaining("no such recipe"),
  });
});
