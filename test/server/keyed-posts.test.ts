// Posts under an Idempotency-Key that come again after their host died: to another host on the store, or to the next one.

import Anthropic, { toFile } from "@anthropic-ai/sdk";
import type { Store } from "loophost";
import { embeddedHost } from "loophost/server";
import { memoryStore } from "loophost/stores/memory";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";

import type { DeathPlace } from "./dying-store.ts";
import { dyingStore } from "./dying-store.ts";
import { BAD, GONE, listed, message, refusal, startHost } from "./support.ts";

const DAY_MS = 86_400_000;
const keyed = (key: string) => ({ headers: { "Idempotency-Key": key } });
const KEYED = keyed("k");

afterEach(() => void vi.useRealTimers());

/** A client of a new host on a store, which shares it or is alone with it. */
async function clientOn(store: Store, isShared = true) {
  const { host, client } = await startHost(() => "ok", { store, ...(isShared && { advertise: "auto" }) });
  onTestFinished(() => host.close());
  return { client, close: () => host.close() };
}

/** What a session needs. */
async function placeFor({ beta }: Anthropic) {
  const agent = await beta.agents.create({ name: "helper", model: "m" });
  const environment = await beta.environments.create({ name: "dev" });
  return { agent: agent.id, environment_id: environment.id };
}

/** Each kind of thing that a post makes, made under one key; and how many there are. */
const MAKES = {
  agent: async ({ beta }: Anthropic, name: string) =>
    (await beta.agents.create({ name, model: "m" }, KEYED)).id,
  environment: async ({ beta }: Anthropic, name: string) =>
    (await beta.environments.create({ name }, KEYED)).id,
  file: async ({ beta }: Anthropic, name: string) =>
    (await beta.files.upload({ file: await toFile(Buffer.from(name), "a.txt") }, KEYED)).id,
  session: async ({ beta }: Anthropic, title: string, place: Awaited<ReturnType<typeof placeFor>>) =>
    (await beta.sessions.create({ ...place, title }, KEYED)).id,
  resource: async ({ beta }: Anthropic, path: string, _: unknown, { sessionId, fileId }: Given) => {
    const resource = { type: "file" as const, file_id: fileId, mount_path: `/${path}` };
    return (await beta.sessions.resources.add(sessionId, resource, KEYED)).id;
  },
};

interface Given {
  readonly sessionId: string;
  readonly fileId: string;
}

describe.each([
  ["another host on the store", true],
  ["the next host on the store", false],
])("what is posted again under its Idempotency-Key to %s", (_, isShared) => {
  it.each(Object.entries(MAKES))("makes one %s [S7-11]", async (_kind, make) => {
    const store = memoryStore();
    const one = await clientOn(store, isShared);
    const place = await placeFor(one.client);
    const file = await one.client.beta.files.upload({ file: await toFile(Buffer.from("a"), "a.txt") });
    const given = { sessionId: (await one.client.beta.sessions.create(place)).id, fileId: file.id };
    const id = await make(one.client, "mine", place, given);
    await one.close();
    const two = await clientOn(store, isShared);
    expect(await make(two.client, "mine", place, given)).toBe(id);
    expect(await refusal(make(two.client, "other", place, given))).toBe(BAD);
  });

  it("changes an agent, an environment and a session once", async () => {
    const store = memoryStore();
    const one = await clientOn(store, isShared);
    const place = await placeFor(one.client);
    const { id } = await one.client.beta.sessions.create(place);
    const change = async ({ beta }: Anthropic) => [
      await beta.agents.update(place.agent, { version: 1, description: "better" }, keyed("a")),
      await beta.environments.update(place.environment_id, { description: "better" }, keyed("b")),
      await beta.sessions.update(id, { title: "better" }, keyed("c")),
    ];
    const changed = await change(one.client);
    await one.close();
    const two = await clientOn(store, isShared);
    expect(await change(two.client)).toEqual(changed);
    const events = await listed(two.client, id);
    expect(events.filter(({ type }) => type === "session.updated")).toHaveLength(1);
  });
});

it("hosts that get a creation at once make one session, with its first message once", async () => {
  const store = memoryStore();
  const clients = [await clientOn(store), await clientOn(store)].map(({ client }) => client);
  const [one = new Anthropic()] = clients;
  const body = { ...(await placeFor(one)), initial_events: [message("go")] };
  const made = await Promise.all(
    [...clients, ...clients].map((some) => some.beta.sessions.create(body, KEYED)),
  );
  const [id = ""] = new Set(made.map((session) => session.id));
  expect(made.map((session) => session.id)).toEqual(made.map(() => id));
  expect((await one.beta.sessions.list()).data).toHaveLength(1);
  const events = await listed(one, id);
  expect(events.filter(({ type }) => type === "user.message")).toHaveLength(1);
});

it("a creation whose host died at any write is asked for again, and makes one session, with its first message once", async () => {
  const [before = 0, whole = 0] = await createAt(undefined);
  expect(whole).toBeGreaterThan(before + 2);
  for (const when of ["before", "after"] as const)
    for (let nth = before + 1; nth <= whole; nth += 1) await createAt({ nth, when });
});

/** Creates a session through a host that dies, and again through another; how often it wrote before it, and with it. */
async function createAt(place: DeathPlace | undefined): Promise<readonly number[]> {
  let aheadMs = 0;
  const store = memoryStore({ now: () => Date.now() + aheadMs });
  const { client, close } = await clientOn(store);
  const body = { ...(await placeFor(client)), initial_events: [message("go")] };
  const dying = dyingStore(store, place);
  // It never listens, so that there is nothing of it left to close.
  const host = embeddedHost({ model: () => "ok", store: dying.store, advertise: "http://127.0.0.1:9" });
  const own = new Anthropic({
    apiKey: "any",
    baseURL: "http://host",
    fetch: (input, init) => host.fetch(new Request(input, init)),
  });
  await own.beta.sessions.list();
  const before = dying.writes();
  await Promise.race([own.beta.sessions.create(body, KEYED), dying.died]);
  const whole = dying.writes();
  dying.kill();
  // Its leases lapse.
  aheadMs = 60_000;
  const { id } = await client.beta.sessions.create(body, KEYED);
  const typed = async (type: string) => (await listed(client, id)).filter((event) => event.type === type);
  await expect.poll(() => typed("agent.message")).toHaveLength(1);
  expect(await typed("user.message")).toHaveLength(1);
  expect((await client.beta.sessions.list()).data).toHaveLength(1);
  await close();
  return [before, whole];
}

it("keys of what was made are kept for a day, and are gone after two", async () => {
  const store = memoryStore();
  const one = await clientOn(store, false);
  const make = ({ beta }: Anthropic, key: string) => beta.environments.create({ name: "dev" }, keyed(key));
  const { id } = await make(one.client, "a");
  await one.close();
  const start = Date.now();
  vi.useFakeTimers({ toFake: ["Date"], now: start + DAY_MS - 1_000 });
  const two = await clientOn(store, false);
  expect(await make(two.client, "a")).toMatchObject({ id });
  await two.close();
  vi.setSystemTime(start + 2 * DAY_MS);
  const three = await clientOn(store, false);
  await make(three.client, "b");
  const day = Math.floor(start / DAY_MS);
  await expect.poll(() => store.records.list(`host.environments.keys/${day}`, "", 10)).toEqual([]);
  expect(await make(three.client, "a")).not.toMatchObject({ id });
});

it("a key whose post was refused is free for the same post later", async () => {
  const store = memoryStore();
  const one = await clientOn(store);
  const place = await placeFor(one.client);
  const { id } = await one.client.beta.sessions.create(place);
  const update = ({ beta }: Anthropic) =>
    beta.sessions.update(
      id,
      { budget: { type: "limit", max_list_cost: { amount: "5", currency: "USD" } } },
      KEYED,
    );
  expect(await refusal(update(one.client))).toBe("400 budget_create_only");
  expect(await store.records.list(`host.posts/${id}`, "", 10)).toEqual([]);
});

it("what was made under a key, and is gone, is not made anew", async () => {
  const store = memoryStore();
  const one = await clientOn(store);
  const place = await placeFor(one.client);
  const { id } = await one.client.beta.sessions.create(place, KEYED);
  await one.client.beta.sessions.delete(id);
  const two = await clientOn(store);
  expect(await refusal(two.client.beta.sessions.create(place, KEYED))).toBe(GONE);
});

describe("a reply that is not about the post is not kept under its key:", () => {
  /** A host, and a session of it that one which cannot be reached has until it is let go of. */
  async function elsewhere() {
    const store = memoryStore();
    const one = await startHost(() => "ok", { store, advertise: "auto" });
    onTestFinished(() => one.host.close());
    const id = await one.session();
    const log = `host/${id}`;
    const fence = await store.log.claim(log, { owner: "host_gone at http://127.0.0.1:9", ttlMs: 600_000 });
    const post = (headers = {}, signal: AbortSignal | null = null) =>
      fetch(`${one.url}/v1/sessions/${id}/events`, {
        method: "POST",
        body: JSON.stringify({ events: [message("go")] }),
        headers: { "content-type": "application/json", ...KEYED.headers, ...headers },
        signal,
      });
    const again = async () => {
      await store.log.release(log, fence);
      const { status } = await post();
      const events = await listed(one.client, id);
      return [status, events.filter(({ type }) => type === "user.message").length];
    };
    return { store, post, again };
  }

  it("that to a client which left", async () => {
    const { post, again } = await elsewhere();
    await expect(post({}, AbortSignal.timeout(200))).rejects.toThrow("timeout");
    expect(await again()).toEqual([200, 1]);
  });

  it("that to a host which passed it on to the wrong one", async () => {
    const { store, post, again } = await elsewhere();
    const [{ value } = { value: {} }] = await store.records.list("host.hosts", "", 1);
    const { secret } = value as { secret: string };
    expect((await post({ "x-loophost-peer": secret })).status).toBe(421);
    expect(await again()).toEqual([200, 1]);
  });
});
