// The control plane, over the official SDK against the stand-in.

import { expect, it } from "vitest";

import { createClient } from "../../../src/providers/agentcore/control/create-client.ts";
import { askedOf, controlled, ROLE } from "./control-support.ts";

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

it("makes, reads, changes, lists and deletes harnesses, with all their pages and versions [A-070] [A-071]", async () => {
  const { host, control, run } = await controlled();
  const { harnesses } = control;
  const made = await run(
    harnesses.create({
      harnessName: "Clerk",
      executionRoleArn: ` ${ROLE} `,
      systemPrompt: [{ text: "Be brief." }],
    }),
  );
  expect(made).toMatchObject({ harnessName: "Clerk", harnessVersion: "1", executionRoleArn: ROLE });
  expect(host.requests[0]?.body).toEqual({
    harnessName: "Clerk",
    executionRoleArn: ROLE,
    systemPrompt: [{ text: "Be brief." }],
    clientToken: expect.any(String),
  });
  expect(made["createdAt"]).toBe("2026-11-20T00:00:00.000Z");
  await run(harnesses.waitUntilReady(made.harnessId));
  const changed = await run(harnesses.update(made.harnessId, { systemPrompt: [{ text: "Be long." }] }));
  expect(changed).toMatchObject({ harnessVersion: "2", systemPrompt: [{ text: "Be long." }] });
  const first = await run(harnesses.get(made.harnessId, { version: "1" }));
  expect(first["systemPrompt"]).toEqual([{ text: "Be brief." }]);
  expect((await run(all(harnesses.versions(made.harnessId)))).map((v) => v.harnessVersion)).toEqual([
    "2",
    "1",
  ]);

  for (let n = 0; n < 230; n += 1) host.harnesses.create({ harnessName: `H${n}`, executionRoleArn: ROLE });
  expect(await run(all(harnesses.list()))).toHaveLength(232);
  await run(harnesses.delete(made.harnessId));
  await run(harnesses.waitUntilGone(made.harnessId));
  await run(harnesses.delete(made.harnessId));
  await expect(run(harnesses.get(made.harnessId))).rejects.toMatchObject({
    code: "host_rejected",
    status: 404,
    hostCode: "ResourceNotFoundException",
  });
  expect(askedOf(host).filter((asked) => asked === "GET /harnesses")).toHaveLength(3);
});

it("serves a version under a name, once the endpoint is ready", async () => {
  const { host, control, run } = await controlled();
  const { endpoints, harnesses } = control;
  const [{ harnessId } = { harnessId: "" }] = await run(all(harnesses.list()));
  await run(harnesses.update(harnessId, { maxIterations: 3 }));
  host.harnesses.pace = { readyAfterMs: 20_000 };
  await run(endpoints.create(harnessId, "prod", { targetVersion: "1", description: "The live one." }));
  const ready = await run(endpoints.waitUntilReady(harnessId, "prod"));
  expect(ready).toMatchObject({ endpointName: "prod", liveVersion: "1", description: "The live one." });
  const moving = await run(endpoints.update(harnessId, "prod", { targetVersion: "2" }));
  expect(moving).toMatchObject({ status: "UPDATING", liveVersion: "1", targetVersion: "2" });
  expect(await run(endpoints.waitUntilReady(harnessId, "prod"))).toMatchObject({ liveVersion: "2" });
  expect((await run(all(endpoints.list(harnessId)))).map((e) => e.endpointName)).toEqual(["DEFAULT", "prod"]);
  await run(endpoints.delete(harnessId, "prod"));
  await run(endpoints.waitUntilGone(harnessId, "prod"));
  await expect(run(endpoints.create(harnessId, "with-dash"))).rejects.toMatchObject({
    code: "invalid_options",
  });
});

it("keeps API keys, shows none, and repeats no creation that may have been one", async () => {
  const { host, control, run } = await controlled();
  const { apiKeys } = control;
  const made = await run(apiKeys.create("other-vendor", "sk-very-secret"));
  expect(made.credentialProviderArn).toContain("apikeycredentialprovider/other-vendor");
  const refused = run(apiKeys.create("other-vendor", "sk-very-secret"));
  await expect(refused).rejects.toMatchObject({ code: "host_rejected", status: 409 });
  expect(await run(apiKeys.get("other-vendor"))).toMatchObject({ name: "other-vendor" });
  await run(apiKeys.update("other-vendor", "sk-another"));

  // Made, and the answer lost: it is found by its name.
  host.failControl({ is: "reset", when: "after" });
  expect(await run(apiKeys.create("second", "sk-2"))).toMatchObject({ name: "second" });
  // Not made, and nobody can tell: the error of the request, and no second one.
  host.failControl({ is: "refusal", status: 500, type: "InternalServerException" });
  await expect(run(apiKeys.create("third", "sk-3"))).rejects.toMatchObject({
    code: "host_failed",
    status: 500,
  });
  expect((await run(all(apiKeys.list()))).map(({ name }) => name)).toEqual(["other-vendor", "second"]);
  await run(apiKeys.delete("second"));
  await run(apiKeys.delete("second"));
  const creations = host.requests.filter(({ path }) => path.endsWith("CreateApiKeyCredentialProvider"));
  expect(creations.map(({ body }) => (body as { name: string }).name)).toEqual([
    "other-vendor",
    "other-vendor",
    "second",
    "third",
  ]);
});

it("repeats what is known by its token, so that a lost answer makes no second harness [A-075]", async () => {
  const { host, control, run } = await controlled();
  host.failControl(
    { is: "reset", when: "after" },
    { is: "refusal", status: 500, type: "InternalServerException" },
  );
  const made = await run(control.harnesses.create({ harnessName: "Once", executionRoleArn: ROLE }));
  expect(askedOf(host)).toEqual(["POST /harnesses", "POST /harnesses", "POST /harnesses"]);
  const tokens = host.requests.map(({ body }) => (body as { clientToken: string }).clientToken);
  expect(new Set(tokens).size).toBe(1);
  expect((await run(all(control.harnesses.list()))).map(({ harnessName }) => harnessName)).toEqual([
    "Demo",
    "Once",
  ]);
  host.failControl(...Array.from({ length: 3 }, () => ({ is: "reset" }) as const));
  await expect(run(control.harnesses.get(made.harnessId))).rejects.toMatchObject({ code: "host_failed" });
  expect(host.requests).toHaveLength(7);
});

it("refuses what is not usable before anything is sent [A-204]", async () => {
  const { host, control } = await controlled();
  for (const executionRoleArn of ["", "  ", "role/Agents"])
    await expect(control.harnesses.create({ harnessName: "Clerk", executionRoleArn })).rejects.toMatchObject({
      code: "invalid_options",
    });
  for (const harnessName of ["", "with-dash", "9lives", "a".repeat(41)])
    await expect(control.ensureHarness({ harnessName, executionRoleArn: ROLE })).rejects.toMatchObject({
      code: "invalid_options",
    });
  expect(() => createClient({ region: "somewhere" })).toThrow(/region must be/);
  await expect(
    control.ensureHarness({ harnessName: "A", executionRoleArn: ROLE }, { timeoutMs: -1 }),
  ).rejects.toThrow(/timeoutMs must be/);
  expect(host.requests).toEqual([]);
});
