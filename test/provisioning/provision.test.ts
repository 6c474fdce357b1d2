// provision() and teardown() over a host of the test's own: what is made once, remembered, rolled back and forgotten.

import { defineAgent, LoophostError } from "loophost";
import type { ProvisionProgress, Store } from "loophost";
import { local } from "loophost/providers/local";
import { ensureAgent, ensureEnvironment, provision, teardown } from "loophost/provisioning";
import { memoryStore } from "loophost/stores/memory";
import { manualClock, scriptedProvider, settleMicrotasks } from "loophost/testing";
import { describe, expect, it, onTestFinished } from "vitest";

import { fakeHost } from "./fake-host.ts";

const agent = defineAgent({ name: "sales", instructions: "Sell." });
const environment = { config: { type: "cloud" } };
const kindsOf = ({ asked }: ReturnType<typeof fakeHost>) => asked.map(({ kind }) => kind);

/** All records of a collection. */
const recordsOf = (store: Store, collection = "provisions") => store.records.list(collection, "", 1_000);

describe("a handle", () => {
  it("is of the agent and the environment, and the same for the same definition [A-188]", async () => {
    const [one, other] = [fakeHost(), fakeHost()];
    const handle = await provision(one.provider, agent);
    expect(handle).toEqual({
      provider: "fake",
      name: expect.stringMatching(/^sales_[0-9a-f]{8}$/),
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      agentId: "agent_1",
      environmentId: "environment_2",
    });
    expect(await provision(other.provider, defineAgent({ name: "sales", instructions: "Sell." }))).toEqual(
      handle,
    );
    expect(JSON.parse(JSON.stringify(handle))).toEqual(handle);
  });

  it("is another for another agent, environment or setting, never one for two [A-170] [A-187]", async () => {
    const fake = fakeHost();
    const other = defineAgent({ name: "sales", instructions: "Sell more." });
    const third = defineAgent({ name: "service", instructions: "Sell." });
    const handles = [
      await provision(fake.provider, agent),
      await provision(fake.provider, agent, { environment }),
      await provision(fake.provider, agent, { environment: { config: { type: "cloud", a: 1 } } }),
      await provision(fake.provider, other),
      await provision(fake.provider, third),
    ];
    expect(new Set(handles.map(({ agentId }) => agentId))).toHaveLength(3);
    expect(new Set(handles.map(({ environmentId }) => environmentId))).toHaveLength(5);
    const set = fakeHost({ settings: () => ({ hostTools: ["bash"] }) });
    expect((await provision(set.provider, agent)).digest).not.toBe(handles[0]?.digest);
  });

  it("has the environment in its name where that is a part of the agent [A-187]", async () => {
    const fake = fakeHost({ kinds: ["agent"] });
    const bare = await provision(fake.provider, agent);
    const placed = await provision(fake.provider, agent, { environment });
    expect(bare.name).not.toBe(placed.name);
    expect(fake.asked.map((request) => request.environment)).toEqual([undefined, environment.config]);
    await expect(ensureEnvironment(fake.provider, environment)).rejects.toMatchObject({
      code: "invalid_options",
    });
  });

  it("is of the agent alone, or the environment alone, when that is asked for [A-193]", async () => {
    const fake = fakeHost();
    expect(await ensureAgent(fake.provider, agent)).not.toHaveProperty("environmentId");
    const place = await ensureEnvironment(fake.provider, environment);
    expect(place).toMatchObject({
      name: expect.stringMatching(/^env_[0-9a-f]{8}$/),
      environmentId: "environment_2",
    });
    expect(await ensureEnvironment(fake.provider, { ...environment, name: "lab" })).toMatchObject({
      name: expect.stringMatching(/^lab_[0-9a-f]{8}$/),
    });
    expect(kindsOf(fake)).toEqual(["agent", "environment", "environment"]);
  });

  it("says so where there is nothing to set up, and goes through teardown [A-090]", async () => {
    const provider = local({ model: () => "hi" });
    const handle = await provision(provider, agent, { environment });
    expect(handle).toEqual({ provider: "local", name: expect.any(String), digest: expect.any(String) });
    await ensureEnvironment(provider, environment);
    await teardown(provider, handle);
  });

  it("cannot be had of a provider that has no provisioning, which is said [A-172]", async () => {
    const provider = scriptedProvider({ turns: [] });
    for (const call of [provision(provider, agent), teardown(provider, {} as never)])
      await expect(call).rejects.toMatchObject({
        code: "invalid_options",
        message: expect.stringContaining('"scripted" has no `provisioning`'),
      });
  });

  it("carries the output tool to the host, which the run will need there", async () => {
    const fake = fakeHost();
    const output = { type: "object", properties: { n: { type: "number" } } } as const;
    await provision(fake.provider, defineAgent({ name: "typed", instructions: "", output }));
    expect(fake.asked[0]?.agent?.tools.map(({ name }) => name)).toEqual(["submit_output"]);
  });
});

describe("what is remembered", () => {
  it("is asked for once in a process, however many ask at once [A-171] [A-176]", async () => {
    const fake = fakeHost();
    const handles = await Promise.all(Array.from({ length: 20 }, () => provision(fake.provider, agent)));
    expect(new Set(handles.map((handle) => JSON.stringify(handle)))).toHaveLength(1);
    await provision(fake.provider, agent);
    expect(kindsOf(fake)).toEqual(["agent", "environment"]);
  });

  it("is found in a store by another process, without a request [A-175]", async () => {
    const store = memoryStore();
    const handle = await provision(fakeHost().provider, agent, { store });
    const next = fakeHost();
    expect(await provision(next.provider, agent, { store })).toEqual(handle);
    expect(next.asked).toEqual([]);
    // But not by one that is at another host, or in another account.
    const elsewhere = fakeHost({ scope: () => "elsewhere" });
    await provision(elsewhere.provider, agent, { store });
    expect(kindsOf(elsewhere)).toEqual(["agent", "environment"]);
  });

  it("is the handle, and nothing of it is kept when it failed [A-171]", async () => {
    const fake = fakeHost();
    const store = memoryStore();
    fake.onEnsure = () => Promise.reject(new Error("no"));
    const failing = provision(fake.provider, agent, { store });
    await expect(failing).rejects.toMatchObject({ code: "provision_failed", message: "provision(): no" });
    expect(await recordsOf(store)).toEqual([]);
    fake.onEnsure = () => undefined;
    expect(await provision(fake.provider, agent, { store })).toHaveProperty("agentId");
  });

  it("is looked up at the host again when that is asked for, or what is in the store is odd [A-180]", async () => {
    const store = memoryStore();
    const first = await provision(fakeHost().provider, agent, { store });
    const [record] = await recordsOf(store);
    for (const odd of [
      null,
      "x",
      {},
      { handle: 1 },
      { handle: { ...first, digest: "other" } },
      { handle: { ...first, name: 3 } },
      { handle: { ...first, name: `other_${first.digest.slice(0, 8)}` } },
      { handle: { ...first, agentId: undefined } },
      { handle: { ...first, environmentId: "" } },
    ]) {
      await store.records.put("provisions", record?.key ?? "", odd);
      const fake = fakeHost();
      expect(await provision(fake.provider, agent, { store })).toEqual(first);
      expect(kindsOf(fake)).toEqual(["agent", "environment"]);
      expect(await recordsOf(store)).toEqual([record]);
    }
    const fake = fakeHost();
    await provision(fake.provider, agent, { store, ifKnown: "check" });
    await provision(fake.provider, agent, { store, ifKnown: "check" });
    expect(kindsOf(fake)).toEqual(["agent", "environment", "agent", "environment"]);
  });

  it("is done without by a store that fails, which is told [A-173]", async () => {
    const broken = (): never => {
      throw new Error("disk gone");
    };
    for (const how of [broken, () => Promise.reject(new Error("disk gone"))]) {
      const problems: LoophostError[] = [];
      const store = { ...memoryStore(), records: { get: how, put: how, delete: how, list: how } };
      const handle = await provision(fakeHost().provider, agent, {
        store,
        onProblem: (one) => problems.push(one),
      });
      expect(handle).toHaveProperty("agentId");
      expect(problems.map(({ code }) => code)).toEqual(["store_failed", "store_failed"]);
    }
  });

  it("is done without by a store that never answers [A-173]", async () => {
    const clock = manualClock();
    const hang = () => new Promise<never>(() => undefined);
    const store = { ...memoryStore(), records: { get: hang, put: hang, delete: hang, list: hang } };
    const provisioning = provision(fakeHost().provider, agent, { store, clock });
    const passing = setInterval(() => void clock.advance(5_000).catch(() => undefined), 1);
    onTestFinished(() => clearInterval(passing));
    expect(await provisioning).toHaveProperty("agentId");
  });
});

describe("what fails half-way", () => {
  /** Fails at the environment in some way, after the agent was made. */
  const failures: Record<string, (stop: AbortController, clock: ReturnType<typeof manualClock>) => unknown> =
    {
      "an error of the host's": () =>
        Promise.reject(new LoophostError("host_rejected", "No.", { status: 403 })),
      "a throw": () => {
        throw new TypeError("oops");
      },
      "something thrown that is no error": () => Promise.reject("oops"), // oxlint-disable-line prefer-promise-reject-errors
      "an abort": (stop) => {
        stop.abort();
        return Promise.reject(new Error("cut short"));
      },
      "a deadline": async (_, clock) => {
        await clock.advance(600_000);
        return Promise.reject(new Error("cut short"));
      },
    };
  it.each(Object.entries(failures))("is released again after %s [A-050]", async (_, fail) => {
    const fake = fakeHost();
    const stop = new AbortController();
    const clock = manualClock();
    fake.onEnsure = ({ kind }) => (kind === "environment" ? fail(stop, clock) : undefined);
    const provisioning = provision(fake.provider, agent, { signal: stop.signal, clock });
    await expect(provisioning).rejects.toBeInstanceOf(LoophostError);
    await settleMicrotasks();
    expect([...fake.live]).toEqual([]);
    expect(fake.released).toEqual(["agent_1"]);
  });

  it("leaves alone what was there before [A-050]", async () => {
    const fake = fakeHost();
    await ensureAgent(fake.provider, agent);
    fake.onEnsure = ({ kind }) => (kind === "environment" ? Promise.reject(new Error("no")) : undefined);
    await expect(provision(fake.provider, agent)).rejects.toThrow("no");
    expect(fake.released).toEqual([]);
  });

  it("is named when it cannot be released, and does not hide why", async () => {
    const fake = fakeHost();
    fake.onEnsure = ({ kind }) =>
      kind === "environment"
        ? Promise.reject(new LoophostError("host_rejected", "Quota.", { status: 402, requestId: "r1" }))
        : undefined;
    fake.onRelease = () => Promise.reject(new Error("busy"));
    await expect(provision(fake.provider, agent)).rejects.toMatchObject({
      code: "host_rejected",
      status: 402,
      requestId: "r1",
      message: expect.stringMatching(/^Quota\. The agent agent_1, .* is left: release it \(busy\)\.$/),
    });
  });

  it("is a timeout when a host takes too long, and what it makes too late is released", async () => {
    const fake = fakeHost();
    const clock = manualClock();
    const held = Promise.withResolvers<void>();
    fake.onEnsure = () => held.promise;
    const provisioning = provision(fake.provider, agent, { clock, timeoutMs: 1_000 });
    const failure = provisioning.catch((thrown: unknown) => thrown);
    await expect.poll(() => fake.asked.length).toBe(1);
    expect(fake.asked[0]?.timeoutMs).toBe(1_000);
    await clock.advance(1_000);
    expect(fake.asked[0]?.signal.aborted).toBe(true);
    // It may still be releasing what it made, and heeds no signal at all in the end.
    await clock.advance(30_000);
    expect(await failure).toMatchObject({ code: "provision_timeout" });
    held.resolve();
    await expect.poll(() => fake.released.length).toBe(1);
    expect([...fake.live]).toEqual([]);
  });

  it("is not for those who still wait when one gives up", async () => {
    const { fake, held, other } = await oneOfTwoGivesUp();
    held.resolve();
    const handle = await other;
    expect(handle).toHaveProperty("agentId");
    await teardown(fake.provider, handle);
    expect(await provision(fake.provider, agent)).not.toEqual(handle);
  });

  it("is not remembered for those who still waited when one gave up, and so can be tried again", async () => {
    const { fake, held, other } = await oneOfTwoGivesUp();
    held.reject(new Error("no"));
    await expect(other).rejects.toMatchObject({ code: "provision_failed" });
    fake.onEnsure = () => undefined;
    expect(await provision(fake.provider, agent)).toHaveProperty("agentId");
  });

  it("is said of a provider that gives no ids", async () => {
    for (const odd of [undefined, null, {}, { ids: {} }, { ids: { agentId: 3 } }, { ids: "agent_1" }]) {
      const fake = fakeHost({ ensure: () => Promise.resolve(odd as never) });
      const store = memoryStore();
      await expect(provision(fake.provider, agent, { store })).rejects.toMatchObject({
        code: "provision_failed",
      });
      expect(await recordsOf(store)).toEqual([]);
    }
  });
});

describe("teardown()", () => {
  it("releases everything, and forgets it here and in the store [A-172]", async () => {
    const fake = fakeHost();
    const store = memoryStore();
    const handle = await provision(fake.provider, agent, { store });
    await teardown(fake.provider, JSON.parse(JSON.stringify(handle)), { store });
    expect([...fake.live]).toEqual([]);
    expect(await recordsOf(store)).toEqual([]);
    expect(await provision(fake.provider, agent, { store })).not.toEqual(handle);
  });

  it("tries everything, and forgets nothing when something is left [A-172]", async () => {
    const fake = fakeHost();
    const store = memoryStore();
    const handle = await provision(fake.provider, agent, { store });
    fake.onRelease = (kind) => (kind === "agent" ? Promise.reject(new Error("in use")) : undefined);
    await expect(teardown(fake.provider, handle, { store })).rejects.toThrow(
      /Not everything was released: .*in use/,
    );
    expect(fake.released).toEqual(["environment_2"]);
    expect(await recordsOf(store)).toHaveLength(1);
    expect(await provision(fake.provider, agent)).toEqual(handle);
    fake.onRelease = () => undefined;
    await teardown(fake.provider, handle, { store });
    expect(await recordsOf(store)).toEqual([]);
  });

  it("says when the store still remembers what is gone", async () => {
    const fake = fakeHost();
    const store = memoryStore();
    const handle = await provision(fake.provider, agent, { store });
    const broken = {
      ...store,
      records: { ...store.records, list: () => Promise.reject(new Error("disk gone")) },
    };
    await expect(teardown(fake.provider, handle, { store: broken })).rejects.toMatchObject({
      code: "store_failed",
    });
    await teardown(fake.provider, handle, { store });
    expect(await recordsOf(store)).toEqual([]);
  });
});

it("tells how far it is, and is not disturbed by who listens", async () => {
  const told: ProvisionProgress[] = [];
  const fake = fakeHost();
  fake.onEnsure = ({ kind, name, onProgress }) => onProgress({ kind, name, phase: "CREATING", elapsedMs: 5 });
  await provision(fake.provider, agent, {
    onProgress: (progress) => {
      told.push(progress);
      throw new Error("a listener's own");
    },
  });
  expect(told.map(({ kind, phase }) => `${kind} ${phase}`)).toEqual([
    "agent CREATING",
    "environment CREATING",
  ]);
});

/** Waits until something is so. */
/** Two wait for the same provisioning; one has given up, and the host has not answered yet. */
async function oneOfTwoGivesUp() {
  const fake = fakeHost();
  const held = Promise.withResolvers<void>();
  fake.onEnsure = () => held.promise;
  const stop = new AbortController();
  const one = provision(fake.provider, agent, { signal: stop.signal });
  const other = provision(fake.provider, agent);
  await expect.poll(() => fake.asked.length).toBe(1);
  stop.abort();
  await expect(one).rejects.toMatchObject({ code: "aborted" });
  return { fake, held, other };
}
