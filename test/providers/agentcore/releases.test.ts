// Two releases of the official SDK drive the stand-in by themselves, with their own signer and their own decoder; and nothing we
// hand out shows what they are given to sign with.

import { inspect } from "node:util";

import * as current from "@aws-sdk/client-bedrock-agentcore";
import * as older from "@aws-sdk/client-bedrock-agentcore-3.1090";
import { expect, it } from "vitest";

import { defineAgent, openSession } from "../../../src/index.ts";
import { createClient } from "../../../src/providers/agentcore/control/create-client.ts";
import { providerFor, standIn } from "./support.ts";

it.each([
  ["3.1141.0", current],
  // What is used of it here is the same; its types know fewer kinds of events.
  ["3.1090.0", older as unknown as typeof current],
] as const)("the official SDK %s invokes, runs a command and stops", async (_release, sdk) => {
  const host = await standIn({ model: () => "Hello.", onCommand: () => ({ stdout: "out", exitCode: 0 }) });
  const client = new sdk.BedrockAgentCoreClient({
    endpoint: host.url,
    region: "us-west-2",
    credentials: { accessKeyId: "loopback", secretAccessKey: "loopback" },
  });
  const runtimeSessionId = crypto.randomUUID();
  const { harnessArn } = host;
  const messages = [{ role: "user" as const, content: [{ text: "Hi" }] }];
  const reply = await client.send(new sdk.InvokeHarnessCommand({ harnessArn, runtimeSessionId, messages }));
  const kinds: string[] = [];
  for await (const event of reply.stream ?? []) kinds.push(...Object.keys(event));
  expect([...new Set(kinds)]).toEqual([
    "messageStart",
    "contentBlockDelta",
    "contentBlockStop",
    "messageStop",
    "metadata",
  ]);
  const at = { agentRuntimeArn: harnessArn, runtimeSessionId };
  const ran = await client.send(new sdk.InvokeAgentRuntimeCommandCommand({ ...at, body: { command: "ls" } }));
  const output: unknown[] = [];
  for await (const event of ran.stream ?? []) output.push(event);
  expect(JSON.stringify(output)).toContain('"stdout":"out"');
  await client.send(new sdk.StopRuntimeSessionCommand(at));
  await expect(client.send(new sdk.StopRuntimeSessionCommand(at))).rejects.toMatchObject({
    name: "ResourceNotFoundException",
  });
  const short = client.send(
    new sdk.InvokeHarnessCommand({ harnessArn, runtimeSessionId: "short", messages }),
  );
  await expect(short).rejects.toMatchObject({ name: "ValidationException" });
});

it("shows no credential in anything it hands out, at any depth [I11]", async () => {
  const secrets = ["AKIASECRET", "a-secret-access-key", "a-session-token", "a.bearer.token", "sk-api-key"];
  const [accessKeyId = "", secretAccessKey = "", sessionToken = "", bearerToken = "", apiKey = ""] = secrets;
  const credentials = { accessKeyId, secretAccessKey, sessionToken };
  const host = await standIn({ model: () => "Hello.", credentials: [credentials], bearerToken });
  const provider = providerFor(host, { credentials, bearerToken });
  const control = createClient({ controlBaseUrl: host.url, credentials, region: "us-west-2" });
  const things: unknown[] = [provider, control];
  await using session = await openSession(defineAgent({ name: "talker", instructions: "" }), {
    provider,
    onEvent: (event) => things.push(event),
  });
  things.push(session, await session.send("Hi").result());
  const failures = [
    () => (
      host.fail({ is: "refusal", status: 403, type: "AccessDeniedException" }),
      session.send("Hi").result()
    ),
    () => (host.fail({ is: "reset", at: 1 }), session.send("Hi").result()),
    () => control.harnesses.get("Nobody-0123456789"),
    () => (
      host.failControl({ is: "refusal", status: 400, type: apiKey }),
      control.apiKeys.create("k", apiKey)
    ),
  ];
  for (const fail of failures) things.push(await fail().catch((thrown: unknown) => thrown));
  expect(things.filter((thing) => thing instanceof Error)).toHaveLength(failures.length);
  const shown = inspect(things, { showHidden: true, depth: Number.POSITIVE_INFINITY });
  expect(secrets.filter((secret) => shown.includes(secret))).toEqual([]);
});
