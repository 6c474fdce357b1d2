// Two releases of the official SDK drive both planes of the stand-in by themselves, with their own signer and their own decoder.

import * as current from "@aws-sdk/client-bedrock-agentcore";
import * as older from "@aws-sdk/client-bedrock-agentcore-3.1090";
import * as currentControl from "@aws-sdk/client-bedrock-agentcore-control";
import * as olderControl from "@aws-sdk/client-bedrock-agentcore-control-3.1090";
import { expect, it } from "vitest";

import { createClient } from "../../../src/providers/agentcore/control/create-client.ts";
import { ROLE } from "./control-support.ts";
import { standIn } from "./support.ts";

const credentials = { accessKeyId: "loopback", secretAccessKey: "loopback" };

it.each([
  ["3.1141.0", current],
  // What is used of it here is the same; its types know fewer kinds of events.
  ["3.1090.0", older as unknown as typeof current],
] as const)("the official SDK %s invokes, runs a command and stops", async (_release, sdk) => {
  const host = await standIn({ model: () => "Hello.", onCommand: () => ({ stdout: "out", exitCode: 0 }) });
  const client = new sdk.BedrockAgentCoreClient({
    endpoint: host.url,
    region: "us-west-2",
    credentials,
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

it.each([
  ["3.1142.0", currentControl],
  ["3.1090.0", olderControl as unknown as typeof currentControl],
] as const)(
  "the official SDK %s for the control plane makes, reads, changes and deletes",
  async (_release, sdk) => {
    const host = await standIn({ model: () => "Hello." });
    const client = new sdk.BedrockAgentCoreControlClient({
      endpoint: host.url,
      region: "us-west-2",
      credentials,
    });
    const made = await client.send(
      new sdk.CreateHarnessCommand({ harnessName: "Clerk", executionRoleArn: ROLE, maxIterations: 2 }),
    );
    const harnessId = made.harness?.harnessId;
    const systemPrompt = [{ text: "Be brief." }];
    await client.send(new sdk.UpdateHarnessCommand({ harnessId, systemPrompt }));
    const { harness } = await client.send(new sdk.GetHarnessCommand({ harnessId }));
    expect(harness).toMatchObject({ harnessVersion: "2", status: "READY", maxIterations: 2, systemPrompt });
    expect(harness?.createdAt).toBeInstanceOf(Date);
    const { harnesses = [] } = await client.send(new sdk.ListHarnessesCommand({}));
    expect(harnesses.map(({ harnessName }) => harnessName)).toEqual(["Demo", "Clerk"]);
    const { harnessVersions } = await client.send(new sdk.ListHarnessVersionsCommand({ harnessId }));
    expect(harnessVersions).toHaveLength(2);
    const at = { harnessId, endpointName: "prod" };
    await client.send(new sdk.CreateHarnessEndpointCommand({ ...at, targetVersion: "1" }));
    await client.send(new sdk.UpdateHarnessEndpointCommand({ ...at, targetVersion: "2" }));
    const { endpoint } = await client.send(new sdk.GetHarnessEndpointCommand(at));
    expect(endpoint).toMatchObject({ endpointName: "prod", liveVersion: "2", status: "READY" });
    await client.send(new sdk.DeleteHarnessEndpointCommand(at));
    const key = await client.send(
      new sdk.CreateApiKeyCredentialProviderCommand({ name: "k", apiKey: "sk-1" }),
    );
    expect(key.credentialProviderArn).toContain(":bedrock-agentcore:");
    await expect(
      client.send(new sdk.CreateApiKeyCredentialProviderCommand({ name: "k", apiKey: "sk-2" })),
    ).rejects.toMatchObject({ name: "ConflictException" });
    await client.send(new sdk.DeleteApiKeyCredentialProviderCommand({ name: "k" }));
    await client.send(new sdk.DeleteHarnessCommand({ harnessId }));
    await expect(client.send(new sdk.GetHarnessCommand({ harnessId }))).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });

    const control = createClient({ controlClient: client });
    const ensured = await control.ensureHarness({ harnessName: "Clerk", executionRoleArn: ROLE });
    expect(ensured).toMatchObject({ isNew: true, harness: { status: "READY" } });
    expect(await control.ensureHarness({ harnessName: "Clerk", executionRoleArn: ROLE })).toMatchObject({
      isNew: false,
    });
  },
);
