// Names and digests of what is provisioned: the same on every machine, within each host's rules, never one for two.

import { createHash } from "node:crypto";

import { defineAgent, defineTool, openSession, run } from "loophost";
import type { Json, OpenRequest, ProvisionHandle } from "loophost";
import { scriptedProvider } from "loophost/testing";
import { describe, expect, it } from "vitest";

import { canonical } from "../../src/core/digest.ts";
import type { NameRules } from "../../src/core/provisioning.ts";
import { agentDigest, digestIn, resourceName } from "../../src/core/provisioning.ts";
import { done } from "../support/host-events.ts";

const HARNESS: NameRules = { maxBytes: 40, isPlain: true };
const CLAUDE: NameRules = { maxBytes: 256, isPlain: false };
const digest = "0123456789abcdef".repeat(4);
const d8 = digest.slice(0, 8);
const hash6 = (text: string) => createHash("sha256").update(JSON.stringify(text)).digest("hex").slice(0, 6);
const bytes = (text: string) => Buffer.byteLength(text);

describe("a name", () => {
  it("is the base and eight digits of the digest [A-181]", async () => {
    expect(await resourceName("sales agent", digest, CLAUDE)).toBe(`sales agent_${d8}`);
  });

  it("has what a host does not take replaced, and a letter in front [A-182]", async () => {
    expect(await resourceName("sales-agent 2", digest, HARNESS)).toBe(`sales_agent_2_${d8}`);
    expect(await resourceName("2nd", digest, HARNESS)).toBe(`a2nd_${d8}`);
    expect(await resourceName("", digest, HARNESS)).toBe(`a_${d8}`);
    expect(await resourceName("😀", digest, HARNESS)).toBe(`a__${d8}`);
  });

  it("is whole up to the last byte there is room for, then cut with a hash of the whole [A-183]", async () => {
    expect(await resourceName("b".repeat(31), digest, HARNESS)).toBe(`${"b".repeat(31)}_${d8}`);
    const long = "b".repeat(32);
    expect(await resourceName(long, digest, HARNESS)).toBe(`${"b".repeat(24)}_${hash6(long)}_${d8}`);
    const [one, other] = await Promise.all(
      ["x", "y"].map((end) => resourceName(long + end, digest, HARNESS)),
    );
    expect(one).not.toBe(other);
  });

  it("is counted in bytes and cut between characters [A-184]", async () => {
    for (const base of ["é".repeat(200), "😀".repeat(100), "a😀".repeat(80), "\ud800".repeat(300)]) {
      const name = await resourceName(base, digest, CLAUDE);
      expect(bytes(name)).toBeLessThanOrEqual(256);
      expect(bytes(name)).toBeGreaterThan(252);
      expect(name).toMatch(new RegExp(`_[0-9a-f]{6}_${d8}$`));
      expect(base.startsWith(name.slice(0, -16))).toBe(true);
    }
  });

  it("is refused under rules it cannot fit, with the least they must leave [A-185]", async () => {
    await expect(resourceName("b", digest, { maxBytes: 16, isPlain: true })).rejects.toMatchObject({
      code: "invalid_options",
      message: expect.stringContaining("17"),
    });
    const long = await resourceName("b".repeat(90), digest, { maxBytes: 17, isPlain: true });
    expect(bytes(long)).toBe(17);
  });

  it("tells its digest to whoever knows the base, and to no other base [A-191]", async () => {
    const long = "b".repeat(100);
    for (const [base, rules] of [
      ["data", CLAUDE],
      ["sales agent", HARNESS],
      [long, HARNESS],
    ] as const)
      expect(await digestIn(await resourceName(base, digest, rules), base, rules)).toBe(d8);
    expect(
      await digestIn(await resourceName("data_analysis", digest, CLAUDE), "data", CLAUDE),
    ).toBeUndefined();
    expect(await digestIn(`d_${d8}_${d8}`, "d", CLAUDE)).toBeUndefined();
    expect(await digestIn(`d_${d8.toUpperCase()}x`, "d", CLAUDE)).toBeUndefined();
  });
});

describe("the digest of an agent", () => {
  const tool = (name: string, properties: object) =>
    defineTool({
      name,
      description: name,
      input: { type: "object", properties } as never,
      execute: () => "",
    });
  const agent = { name: "a", instructions: "Help.", model: "m" };
  const of = (changes: object, settings: Json = null) =>
    agentDigest(defineAgent({ ...agent, ...changes }), settings);

  it("is of instructions, model, tools, terminal tool and settings, and not of the name [A-167]", async () => {
    const tools = [tool("t", { a: {}, b: {} })];
    expect(await of({ name: "b" })).toBe(await of({}));
    expect(await of({ limits: { maxTurns: 1 } })).toBe(await of({}));
    expect(await of({ terminalTool: undefined })).toBe(await of({}));
    const different = [
      of({}),
      of({ instructions: "Help!" }),
      of({ model: "n" }),
      of({ tools }),
      of({ tools: [tool("t", { a: {} })] }),
      of({ tools, terminalTool: "t" }),
      of({}, { hostTools: [] }),
    ];
    expect(new Set(await Promise.all(different)).size).toBe(different.length);
    // On another machine, too.
    expect(await of({})).toBe(
      createHash("sha256")
        .update('{"instructions":"Help.","model":"m","settings":null,"tools":[]}')
        .digest("hex"),
    );
  });

  it("does not depend on the order in which fields were written [A-167]", async () => {
    const [one, other] = [
      { a: { x: 1, y: [2] }, b: {} },
      { b: {}, a: { y: [2], x: 1 } },
    ];
    expect(await of({ tools: [tool("t", one)] })).toBe(await of({ tools: [tool("t", other)] }));
    expect(JSON.stringify(canonical({ b: undefined, a: null, 1: 2 }))).toBe('{"1":2,"a":null}');
    expect(JSON.stringify(canonical(JSON.parse('{"__proto__":{"b":1,"a":2}}')))).toBe(
      '{"__proto__":{"a":2,"b":1}}',
    );
  });
});

describe("what was provisioned", () => {
  const agent = defineAgent({ name: "a", instructions: "" });
  const handle: ProvisionHandle = { provider: "scripted", name: "a_1", digest, agentId: "agent_1" };

  it("reaches the provider that made it as it is [A-008]", async () => {
    const scripted = scriptedProvider({ turns: [[done]] });
    const requests: OpenRequest[] = [];
    const provider = {
      ...scripted,
      open: (request: OpenRequest) => {
        requests.push(request);
        return scripted.open(request);
      },
    };
    await run(agent, { provider, prompt: "hi", provisioned: handle });
    expect(requests.map(({ provisioned }) => provisioned)).toEqual([handle]);
  });

  it("is refused by another provider, and so is what is none", async () => {
    const provider = scriptedProvider({ turns: [[done]] });
    const other = openSession(agent, { provider, provisioned: { ...handle, provider: "claude" } });
    await expect(other).rejects.toMatchObject({
      code: "invalid_options",
      message: expect.stringContaining("for claude is of no use to scripted"),
    });
    for (const provisioned of ["agent_1", {}, { provider: "scripted" }])
      await expect(openSession(agent, { provider, provisioned: provisioned as never })).rejects.toMatchObject(
        {
          code: "invalid_options",
        },
      );
  });
});
