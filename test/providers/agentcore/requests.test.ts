// Requests to the control plane, and what goes along with an invocation.

import { expect, it } from "vitest";

import { defineAgent, openSession, run } from "../../../src/index.ts";
import { Plane } from "../../../src/providers/agentcore/api/client.ts";
import { ControlRequests } from "../../../src/providers/agentcore/control/requests.ts";
import { manualClock } from "../../../src/testing/manual-clock.ts";
import { controlled } from "./control-support.ts";
import { providerFor, standIn } from "./support.ts";

const agent = defineAgent({ name: "talker", instructions: "" });

it("gives a request that hangs a share of the time that is left, and ends with a named error [A-076] [A-214]", async () => {
  const clock = manualClock();
  const sent: number[] = [];
  const controlClient = {
    send: async (): Promise<unknown> => {
      sent.push(clock.now());
      return new Promise(() => undefined);
    },
  };
  const requests = new ControlRequests(new Plane("control", { controlClient }, "us-west-2"), {
    clock,
    requestMs: 60_000,
  });
  const request = { command: "GetHarness", input: { harnessId: "x" }, doing: "Reading" };
  for (const [leftMs, tryMs] of [
    [undefined, 20_000],
    [3_000, 1_000],
    [1, 1],
  ] as const) {
    const watch = { isOver: false };
    const failed = requests.repeat({ ...request, leftMs }).finally(() => (watch.isOver = true));
    failed.catch(() => undefined);
    const from = clock.now();
    while (!watch.isOver) await clock.advance(sent.length === 0 ? 0 : Math.max(tryMs, 500));
    await expect(failed).rejects.toMatchObject({ code: "host_failed", hostCode: "request_timeout" });
    expect(sent.splice(0)).toHaveLength(3);
    // The waits between tries, of up to half a second and a second, come on top.
    expect(clock.now() - from).toBeLessThan(4 * tryMs + 3_000);
  }
  expect(clock.waiting).toBe(0);
});

it("asks again for what is not there yet only as often as it may, and ends a list that never does [A-075]", async () => {
  const { host, control, run: until } = await controlled();
  host.failControl(
    { is: "refusal", status: 503, type: "ServiceUnavailable" },
    { is: "refusal", status: 429, type: "ThrottlingException" },
    { is: "reset" },
    { is: "reset" },
  );
  const asked = until(control.harnesses.get("Nobody-0123456789"));
  await expect(asked).rejects.toMatchObject({ code: "host_failed" });
  expect(host.requests).toHaveLength(3);

  host.harnesses.list = () => ({ harnesses: [], nextToken: "0" });
  const list = async () => {
    for await (const _ of control.harnesses.list()) continue;
  };
  await expect(until(list())).rejects.toMatchObject({ code: "host_protocol" });
  host.harnesses.list = () => ({ harnesses: "many" });
  await expect(until(list())).rejects.toMatchObject({ code: "host_protocol" });
});

it("sends session, user, endpoint and trace where the service wants them [A-072]", async () => {
  const host = await standIn({ model: () => "Hello." });
  const [id = ""] = host.harnessArn.split("harness/").slice(1);
  host.harnesses.endpoints(id).of.create({ endpointName: "prod" }, 1);
  let asked = 0;
  const trace = () => ({ traceparent: `00-trace-${(asked += 1)}`, tracestate: "a=b", baggage: "c=d" });
  const provider = providerFor(host, { qualifier: "prod", userId: "ada", actorId: "ada", trace });
  await using session = await openSession(agent, { provider });
  await session.send("Hi").result();
  await session.send("Hi again").result();
  const [first, second] = host.requests;
  expect(first).toMatchObject({
    sessionId: session.id,
    query: { harnessArn: host.harnessArn, qualifier: "prod" },
    body: { actorId: "ada" },
    headers: {
      "x-amzn-bedrock-agentcore-runtime-user-id": "ada",
      traceparent: "00-trace-1",
      tracestate: "a=b",
      baggage: "c=d",
    },
  });
  expect(second?.headers["traceparent"]).toBe("00-trace-2");
});

it("signs with a session token where there is one, and is refused without [A-084]", async () => {
  const pair = { accessKeyId: "AKIATEST", secretAccessKey: "secret", sessionToken: "token" };
  const host = await standIn({ model: () => "Hello.", credentials: [pair] });
  expect(
    (await run(agent, { provider: providerFor(host, { credentials: async () => pair }), prompt: "Hi" })).text,
  ).toBe("Hello.");
  for (const wrong of [
    { sessionToken: undefined },
    { secretAccessKey: "another" },
    { accessKeyId: "AKIAOTHER" },
  ]) {
    const refused = run(agent, {
      provider: providerFor(host, { credentials: { ...pair, ...wrong } }),
      prompt: "Hi",
    });
    await expect(refused).rejects.toMatchObject({ code: "host_rejected", status: 403 });
  }
});

it("gives a reply up after a silence, and never by the length of a turn [A-063] [A-076] [A-078]", async () => {
  const clock = manualClock();
  const host = await standIn({ model: () => "Hello there." });
  const provider = providerFor(host, { clock, idleMs: 1_000 });
  host.fail({ is: "silence", at: 2 });
  await using session = await openSession(agent, { provider });
  const silent = session.send("Hi");
  const result = silent.result();
  result.catch(() => undefined);
  for await (const event of silent) if (event.type === "text.delta") break;
  await clock.advance(1_000);
  await expect(result).rejects.toMatchObject({
    code: "host_failed",
    hostCode: "idle_timeout",
    mayRetry: false,
  });

  // An injected client whose stream heeds no signal.
  async function* deaf(): AsyncGenerator<object> {
    yield { contentBlockDelta: { contentBlockIndex: 0, delta: { text: "." } } };
    await new Promise(() => undefined);
  }
  const deafClient = { send: async () => ({ stream: deaf() }) };
  const held = await openSession(agent, {
    provider: providerFor(host, { clock, idleMs: 1_000, client: deafClient }),
  });
  const unheard = held.send("Hi");
  const outcome = unheard.result();
  outcome.catch(() => undefined);
  for await (const event of unheard) if (event.type === "text.delta") break;
  await clock.advance(1_000);
  await expect(outcome).rejects.toMatchObject({ code: "host_failed", hostCode: "idle_timeout" });
  await held.close();

  // Ten times as long as it may be silent.
  const pieces = 100;
  async function* slow(): AsyncGenerator<object> {
    for (let n = 0; n < pieces; n += 1) {
      if (n % 10 === 0) await clock.advance(999);
      yield { contentBlockDelta: { contentBlockIndex: 0, delta: { text: "." } } };
    }
    yield { messageStop: { stopReason: "end_turn" } };
  }
  const client = { send: async () => ({ stream: slow() }) };
  const long = await run(agent, {
    provider: providerFor(host, { clock, idleMs: 1_000, client }),
    prompt: "Hi",
  });
  expect([long.text.length, clock.now() > 9_000]).toEqual([pieces, true]);
});

it("reads a refusal whole, and says what was said [A-077]", async () => {
  const host = await standIn({ model: () => "Hello." });
  const provider = providerFor(host, { tools: "replace", model: { liteLlmModelConfig: { modelId: "m" } } });
  await using session = await openSession(agent, { provider });
  host.fail({ is: "refusal", status: 424, type: "RuntimeClientError" });
  await expect(session.send("Hi").result()).rejects.toMatchObject({
    code: "host_failed",
    status: 424,
    hostCode: "RuntimeClientError",
    requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    message: expect.stringContaining("On demand: RuntimeClientError."),
  });
});
