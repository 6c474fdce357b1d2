// Handles that do not fit: of another agent, another provider, without ids, or changed on their way. None is used for anything.

import { defineAgent, openSession, run } from "loophost";
import type { Provider, ProvisionHandle } from "loophost";
import { agentcore } from "loophost/providers/agentcore";
import { claude } from "loophost/providers/claude";
import { local } from "loophost/providers/local";
import { ensureAgent, ensureEnvironment, provision, setTag, teardown } from "loophost/provisioning";
import { memoryStore } from "loophost/stores/memory";
import { describe, expect, it } from "vitest";

import { fakeHost } from "./fake-host.ts";

const agent = defineAgent({ name: "sales", instructions: "Sell.", model: "m" });
const digest = "0f3a9c21".padEnd(64, "0");
const name = "sales_0f3a9c21";
const arn = "arn:aws:bedrock-agentcore:us-west-2:123456789012:harness/sales-abcdefghij";

/** Nothing is reached: what does not fit is refused before anything is sent. */
const unreachable: typeof globalThis.fetch = () => Promise.reject(new Error("asked"));
const hosts: Record<string, { provider: Provider; ids: Record<string, string> }> = {
  local: { provider: local({ model: () => "hi" }), ids: {} },
  claude: {
    provider: claude({ baseUrl: "http://127.0.0.1", fetch: unreachable }),
    ids: { agentId: "agent_1", environmentId: "env_1" },
  },
  agentcore: {
    provider: agentcore({
      harnessArn: arn,
      harness: { executionRoleArn: "arn:aws:iam::123456789012:role/Agents" },
    }),
    ids: { harnessId: "sales-abcdefghij", harnessArn: arn },
  },
};

describe.each(Object.entries(hosts))("on %s", (host, { provider, ids }) => {
  const whole: ProvisionHandle = { provider: host, name, digest, ...ids };
  const unfit: Record<string, [handle: unknown, says: string]> = {
    "of another agent": [
      { ...whole, name: "service_0f3a9c21" },
      'service_0f3a9c21 is no version of agent "sales"',
    ],
    "of an agent whose name begins alike": [
      { ...whole, name: "sales_team_0f3a9c21" },
      'sales_team_0f3a9c21 is no version of agent "sales"',
    ],
    "of another provider": [{ ...whole, provider: "other" }, "for other is of no use"],
    "whose digest is another": [
      { ...whole, digest: digest.replace("0f", "1f") },
      "does not end in the first",
    ],
    "whose digest is cut": [{ ...whole, digest: "0f3a9c21" }, "does not end in the first"],
  };
  for (const id of Object.keys(ids)) unfit[`with an empty ${id}`] = [{ ...whole, [id]: "" }, `has no ${id}`];
  if (Object.keys(ids).length > 0)
    unfit["without ids"] = [{ provider: host, name, digest }, `has no ${Object.keys(ids).join(" and no ")}`];

  it.each(Object.entries(unfit))("a handle %s is refused", async (_, [handle, says]) => {
    const provisioned = handle as ProvisionHandle;
    for (const call of [
      () => run(agent, { provider, provisioned, prompt: "hi" }),
      () => openSession(agent, { provider, provisioned }),
    ])
      await expect(call()).rejects.toMatchObject({
        code: "invalid_options",
        message: expect.stringContaining(says),
      });
  });

  it.each(Object.entries(unfit).filter(([what]) => !what.includes("agent")))(
    "a handle %s is torn down nowhere and tagged as nothing",
    async (_, [handle]) => {
      const store = memoryStore();
      for (const call of [
        () => teardown(provider, handle as ProvisionHandle),
        () => setTag(provider, "sales:prod", handle as ProvisionHandle, { store }),
      ])
        await expect(call()).rejects.toMatchObject({ code: "invalid_options" });
    },
  );
});

describe("a digest", () => {
  it("is one: that of a handle begins with the digits at the end of its name, whatever its environment", async () => {
    for (const kinds of [["agent", "environment"], ["agent"]] as const) {
      const { provider } = fakeHost({ kinds });
      for (const handle of [
        await provision(provider, agent),
        await provision(provider, agent, { environment: { config: { a: 1 } } }),
        await ensureAgent(provider, agent),
      ])
        expect(handle.name).toBe(`sales_${handle.digest.slice(0, 8)}`);
    }
    const place = await ensureEnvironment(fakeHost().provider, { config: { a: 1 } });
    expect(place.name).toBe(`env_${place.digest.slice(0, 8)}`);
  });

  it("finds a version to tag, whole or from its first eight digits on; any other text finds none", async () => {
    const { provider } = fakeHost();
    const store = memoryStore();
    const handle = await provision(provider, agent, { store, environment: { config: { a: 1 } } });
    for (const length of [8, 20, 64])
      expect(await setTag(provider, "sales:prod", handle.digest.slice(0, length), { store })).toMatchObject({
        handle,
      });
    const short = handle.digest.slice(0, 8);
    const other = short.replace(/./, (digit) => (digit === "0" ? "1" : "0"));
    for (const [given, code] of [
      [other, "provision_failed"],
      [other + handle.digest.slice(8), "provision_failed"],
      [`${short}${"0".repeat(56)}`, "provision_failed"],
      [`${short}zz`, "invalid_options"],
      [short.slice(1), "invalid_options"],
      [`${handle.digest}0`, "invalid_options"],
      ["", "invalid_options"],
      [handle.name, "invalid_options"],
    ] as const)
      await expect(setTag(provider, "sales:next", given, { store })).rejects.toMatchObject({ code });
  });
});

describe("a definition that JSON cannot say", () => {
  const circle: Record<string, unknown> = { type: "cloud" };
  circle["networking"] = { hosts: [circle] };
  let deep: object = {};
  for (let level = 0; level < 10_000; level += 1) deep = { deep };
  const endless = { toJSON: () => ({ ...endless }) };
  const cases: Record<string, [config: object, says: string]> = {
    "a circle": [circle, "config.networking.hosts[0] is an object around itself"],
    "a bigint": [{ limits: { bytes: 1n } }, "config.limits.bytes is a bigint"],
    NaN: [{ limits: [1, Number.NaN] }, "config.limits[1] is NaN"],
    Infinity: [{ ms: Infinity }, "config.ms is Infinity"],
    "a function": [{ hook: () => undefined }, "config.hook is a function"],
    "a depth without end": [deep, "config.deep.deep"],
    "a toJSON() without end": [{ endless }, "config.endless is more than 200 levels deep"],
  };

  it.each(Object.entries(cases))(
    "is refused by its path before anything is sent: %s",
    async (_, [given, says]) => {
      const { provider, asked } = fakeHost();
      const config = given as never;
      const at = { baseUrl: "http://127.0.0.1", fetch: unreachable };
      const setUp = claude({ ...at, hostTools: [{ type: "t", config }] });
      const inPlace = claude({ ...at, agentId: "agent_1", environment: { type: "cloud", config } });
      const rest = `hostTools[0].${says}`;
      for (const [call, message] of [
        [() => provision(provider, agent, { environment: { config } }), `environment: ${says}`],
        [() => ensureAgent(provider, agent, { environment: { config } }), `environment: ${says}`],
        [() => ensureEnvironment(provider, { config }), says],
        [() => provision(setUp, agent), rest],
        [() => run(agent, { provider: setUp, prompt: "hi" }), rest],
        [() => run(agent, { provider: inPlace, prompt: "hi" }), `claude(): environment.${says}`],
      ] as const)
        await expect(call()).rejects.toMatchObject({
          code: "invalid_options",
          message: expect.stringContaining(message),
        });
      expect(asked).toEqual([]);
      const harness = { executionRoleArn: "arn:aws:iam::123456789012:role/Agents", environment: config };
      expect(() => agentcore({ region: "us-west-2", harness })).toThrow(
        says.replace("config.", "environment."),
      );
    },
  );

  it("is not a date, which is said as JSON says it", async () => {
    const { provider } = fakeHost();
    const of = async (at: unknown) => (await ensureEnvironment(provider, { config: { at } as never })).digest;
    expect(await of(new Date(5))).toBe(await of("1970-01-01T00:00:00.005Z"));
    expect(await of(new Date(5))).not.toBe(await of(new Date(6)));
  });
});
