// Several hosts on one store: each session has one of them, and whoever is asked, the owner answers.

import Anthropic from "@anthropic-ai/sdk";
import type { Store } from "loophost";
import { embeddedHost } from "loophost/server";
import { memoryStore } from "loophost/stores/memory";
import { manualClock } from "loophost/testing";
import { describe, expect, it, onTestFinished } from "vitest";

import { dyingStore } from "./dying-store.ts";
import type { HostUnderTest } from "./support.ts";
import {
  answer,
  call,
  createSession,
  customTool,
  follow,
  gate,
  GONE,
  listed,
  message,
  refusal,
  say,
  scripted,
  startHost,
} from "./support.ts";

type Options = Parameters<typeof startHost>[1];

const CALLS_ONCE = scripted([call("c1", "a")], "done");

/** A host that shares a store. */
async function share(store: Store, options: Options = {}, model = CALLS_ONCE): Promise<HostUnderTest> {
  const host = await startHost(model, { store, advertise: "auto", ...options });
  onTestFinished(() => host.host.close());
  return host;
}

const numbered = (events: readonly { readonly id?: string }[]) => events.flatMap(({ id }) => id ?? []);

describe("hosts that share a store", () => {
  it("are one: a session is held through any of them, and one of them has it", async () => {
    const store = memoryStore();
    const [one, two] = [await share(store), await share(store)];
    const id = await one.session(["a"]);
    await using near = await follow(one.client, id);
    await using far = await follow(two.client, id, { event_deltas: ["agent.message"] });
    await say(two.client, id, "go");
    const idle = await far.idle("requires_action");
    const [use] = (idle["stop_reason"] as { event_ids: string[] }).event_ids;
    await two.client.beta.sessions.events.send(id, { events: [answer(use, "42")] });
    await Promise.all([near.idle("end_turn"), far.idle("end_turn")]);
    const whole = await listed(one.client, id);
    expect(await listed(two.client, id)).toEqual(whole);
    expect(numbered(near.events)).toEqual(numbered(whole));
    expect(numbered(far.events)).toEqual(numbered(whole));
    expect(far.types()).toContain("event_delta");
    expect(await two.client.beta.sessions.retrieve(id)).toMatchObject({ status: "idle" });
    expect(await refusal(two.client.beta.sessions.retrieve("sesn_none"))).toBe(GONE);
  });

  it("go on where one stops: streams opened through another last, and miss nothing [S7-restart]", async () => {
    const store = memoryStore();
    const one = await share(store);
    const id = await one.session(["a"]);
    await using near = await follow(one.client, id);
    const two = await share(store);
    await using far = await follow(two.client, id);
    await say(one.client, id, "go");
    const idle = await far.idle("requires_action");
    await one.host.close();
    await near.ended;
    const [use] = (idle["stop_reason"] as { event_ids: string[] }).event_ids;
    await two.client.beta.sessions.events.send(id, { events: [answer(use, "42")] });
    await far.idle("end_turn");
    expect(numbered(far.events)).toEqual(numbered(await listed(two.client, id)));
    expect(await two.client.beta.sessions.delete(id)).toMatchObject({ id });
    await far.ended;
  });

  it("take up what a host that died left unfinished, by themselves, once its leases lapsed [S7-restart]", async () => {
    const clock = manualClock();
    const kept = memoryStore({ now: () => clock.now() });
    const dying = dyingStore(kept, undefined);
    let asked = 0;
    // It never listens, so that there is nothing of it left to close.
    const one = embeddedHost({
      model() {
        asked += 1;
        return new Promise(() => undefined);
      },
      store: dying.store,
      clock,
      advertise: "http://127.0.0.1:9",
    });
    const client = new Anthropic({
      apiKey: "any",
      baseURL: "http://127.0.0.1",
      fetch: (input, init) => one.fetch(new Request(input, init)),
    });
    const id = await createSession(client);
    await say(client, id, "go");
    await expect.poll(() => asked).toBe(1);
    dying.kill();
    const two = await share(kept, { clock }, () => "done");
    const ended = async () => (await kept.records.get("host.open", id)) === undefined;
    for (let second = 0; second < 29; second += 1) await clock.advance(1_000);
    expect(await ended()).toBe(false);
    await expect
      .poll(async () => {
        await clock.advance(1_000);
        return ended();
      })
      .toBe(true);
    const types = (await listed(two.client, id)).map(({ type }) => type);
    expect(types.filter((type) => type === "user.message")).toHaveLength(1);
    expect(types).toContain("agent.message");
    expect((await kept.records.list("host.hosts", "", 10)).length).toBe(1);
  });

  it("leave nothing to one that slept through its leases: what it says then is not written, and it is one of them again", async () => {
    const [slow, quick] = [manualClock(), manualClock()];
    const store = memoryStore({ now: () => quick.now() });
    const model = gate<string>();
    const one = await share(store, { clock: slow }, () => model.opened);
    const id = await one.session();
    await using near = await follow(one.client, id);
    await say(one.client, id, "go");
    await near.until("span.model_request_start");
    const two = await share(store, { clock: quick }, () => "by the other");
    const isOpen = async () => (await store.records.get("host.open", id)) !== undefined;
    for (let second = 0; second < 60 && (await isOpen()); second += 1) await quick.advance(1_000);
    expect(await isOpen()).toBe(false);

    model.open("too late");
    await near.ended;
    await slow.advance(1_000);
    const hosts = async () => (await store.records.list("host.hosts", "", 10)).length;
    await expect.poll(hosts).toBe(2);
    const whole = await listed(two.client, id);
    expect(await listed(one.client, id)).toEqual(whole);
    const said = whole.filter(({ type }) => type === "agent.message");
    expect(said).toMatchObject([{ content: [{ text: "by the other" }] }]);
  });

  it("take a post once, whichever of them it is sent to again [I5]", async () => {
    const store = memoryStore();
    const one = await share(store, {}, () => "ok");
    const id = await one.session();
    const headers = { "Idempotency-Key": "k" };
    const send = ({ client }: HostUnderTest, text = "go") =>
      client.beta.sessions.events.send(id, { events: [message(text)] }, { headers });
    const { data } = await send(one);
    await one.host.close();
    const two = await share(store, {}, () => "ok");
    expect((await send(two)).data).toMatchObject([{ id: data?.[0]?.id }]);
    expect((await listed(two.client, id)).filter(({ type }) => type === "user.message")).toHaveLength(1);
    expect(await refusal(send(await share(store), "something else"))).toBe("400 invalid_request_error");
    await two.client.beta.sessions.delete(id);
    expect(await store.records.list(`host.posts/${id}`, "", 10)).toEqual([]);
  });
});

describe("what hosts on one store keep together", () => {
  it("is changed by one of them at a time: of two updates of one version one is taken", async () => {
    const store = memoryStore();
    const [one, two] = [await share(store), await share(store)];
    const agents = [one.client.beta.agents, two.client.beta.agents];
    const { id } = await one.client.beta.agents.create({ name: "helper", model: "m" });
    for (let version = 1; version <= 5; version += 1) {
      const updates = agents.map((some, index) => some.update(id, { version, description: `by ${index}` }));
      const taken = (await Promise.allSettled(updates)).filter(({ status }) => status === "fulfilled");
      expect(taken).toHaveLength(1);
    }
    expect(await two.client.beta.agents.retrieve(id)).toMatchObject({ version: 6 });
  });

  it("has the order it was made in, whichever of them made it", async () => {
    const store = memoryStore();
    const [one, two] = [await share(store), await share(store)];
    const made: string[] = [];
    for (const { client } of [one, two, one, two, two, one])
      made.unshift((await client.beta.environments.create({ name: "dev" })).id);
    const { data } = await one.client.beta.environments.list();
    expect(data.map(({ id }) => id)).toEqual(made);
  });

  it("has one queue of work: an item is offered once, and its worker may ask any of them [I11]", async () => {
    const store = memoryStore();
    const options = { apiKey: "k" };
    const [one, two] = [await share(store, options), await share(store, options)];
    const environment = await one.client.beta.environments.create({
      name: "ours",
      config: { type: "self_hosted" },
    });
    const agent = await one.client.beta.agents.create({
      name: "worker",
      model: "m",
      tools: [{ type: "agent_toolset_20260401" }, customTool("a")],
    });
    const where = { agent: agent.id, environment_id: environment.id };
    const { id } = await one.client.beta.sessions.create(where);
    await using stream = await follow(one.client, id);
    await say(one.client, id, "go");
    await stream.idle("requires_action");
    const offered = await two.client.beta.environments.work.poll(environment.id);
    expect(offered?.data).toEqual({ type: "session", id });
    expect(await one.client.beta.environments.work.poll(environment.id)).toBeNull();
    const { sessions_token: authToken } = JSON.parse(
      Buffer.from(offered?.secret ?? "", "base64url").toString(),
    ) as { sessions_token: string };
    for (const { url } of [one, two]) {
      const worker = new Anthropic({ baseURL: url, authToken, apiKey: null, maxRetries: 0 });
      expect(await worker.beta.sessions.retrieve(id)).toMatchObject({ id });
    }
    const at = { environment_id: environment.id };
    await one.client.beta.environments.work.ack(offered?.id ?? "", at);
    expect(
      await two.client.beta.environments.work.poll(environment.id, { reclaim_older_than_ms: 0 }),
    ).toBeNull();
    expect(await two.client.beta.environments.work.stats(environment.id)).toMatchObject({
      depth: 0,
      pending: 0,
    });
  });
});

describe("between hosts", () => {
  it("a client's key stays with the host it was given to, so that each host may have its own", async () => {
    const store = memoryStore();
    const one = await share(store, { apiKey: "key-of-one" });
    const two = await share(store, { apiKey: "key-of-two" });
    const id = await one.session();
    await using _ = await follow(one.client, id);
    expect(await two.client.beta.sessions.retrieve(id)).toMatchObject({ id });
    const path = `/v1/sessions/${id}`;
    expect(await two.raw("GET", path, undefined, { "x-api-key": "key-of-one" })).toMatchObject({
      status: 401,
    });
  });

  it("a request with another secret than the host's is answered by nobody, and not passed on", async () => {
    const store = memoryStore();
    const [one, two] = [await share(store, { apiKey: "k" }), await share(store, { apiKey: "k" })];
    const id = await one.session();
    await using _ = await follow(one.client, id);
    const path = `/v1/sessions/${id}`;
    expect(await one.raw("GET", path, undefined, { "x-loophost-peer": "guess" })).toMatchObject({
      status: 421,
    });
    const kept = await store.records.list("host.hosts", "", 10);
    const secrets = kept.map(({ value }) => (value as { secret: string }).secret);
    const statuses = await Promise.all(
      secrets.map(
        async (secret) => (await two.raw("GET", path, undefined, { "x-loophost-peer": secret })).status,
      ),
    );
    // Meant for the other host it is refused; meant for this one it is not passed on.
    expect(statuses).toEqual([421, 421]);
  });
});

describe("a store", () => {
  it("that hosts share is not for one that would be alone with it, nor the other way round [I6]", async () => {
    const shared = memoryStore();
    const one = await share(shared);
    await expect(startHost(CALLS_ONCE, { store: shared, ifOwned: "take" })).rejects.toMatchObject({
      code: "session_owned",
      message: `This store is shared by the host at ${one.url}. Give this one an address, too (advertise), or close that one.`,
    });
    await one.host.close();
    await using alone = await startHost(CALLS_ONCE, { store: shared });
    await expect(share(shared)).rejects.toMatchObject({
      code: "session_owned",
      message: expect.stringMatching(/in use by the host of process \d+ on .*, which is alone with it/),
    });
    expect(await alone.session()).toMatch(/^sesn_/);
  });

  it.each([
    [{ advertise: "auto" }, "needs a store"],
    [{ advertise: "auto", store: memoryStore(), ifOwned: "wait" }, "without ifOwned"],
    [{ advertise: "10.0.0.7:4100", store: memoryStore() }, "must be an address such as"],
    [{ advertise: "http://key@host/path", store: memoryStore() }, "must be an address such as"],
  ] as const)("is shared with %o: refused", (options, why) => {
    expect(() => embeddedHost({ model: CALLS_ONCE, ...options })).toThrow(why);
  });
});
