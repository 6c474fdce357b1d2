/** Self-hosted environments: built-in calls that ask for permission, and the queue that calls workers. */

import type { ConformanceCheck } from "../check.ts";
import { checksOf, Inapplicable } from "../check.ts";
import type { WireEvent } from "../event-feed.ts";
import { at, dataOf, must, ok, okIfThere, refused, textAt } from "../expect.ts";
import type { Talk } from "../talk.ts";
import { awaitedBy, message } from "../talk.ts";
import type { TestClient } from "../test-client.ts";
import type { Reply } from "../wire.ts";

const COMMAND = 'bash {"command":"echo loophost"}';

/** The checks of calls that wait for a permission. */
export const permissionChecks: readonly ConformanceCheck[] = checksOf("permissions", 3, [
  {
    name: "ask",
    needs: "model",
    title: "tells a built-in call under always_ask as agent.tool_use with ask, and waits for it",
    why: "A client that does not know it runs what nobody allowed.",
    async run(client) {
      const { talk, call } = await builtInCall(client, "always_ask");
      mustBe(talk, call, "ask");
      mustWaitFor(talk, talk.feed.events.at(-1), call);
    },
  },
  {
    name: "deny",
    needs: "model",
    title: "answers a denied call itself, with an error that holds the reason, and goes on",
    why: "The client must not run it, nor answer.",
    async run(client) {
      const { talk, call } = await builtInCall(client, "always_ask");
      const turn = await talk.turn(confirm(call, "deny", "not on a Sunday"));
      const closed = turn.find(
        (event) => at(event, "tool_use_id") === call.id && event.type !== "user.tool_confirmation",
      );
      must(
        closed?.type === "agent.tool_result" && closed["is_error"] === true,
        talk.feed.evidence,
        `an agent.tool_result for ${call.id} with is_error`,
      );
      must(JSON.stringify(closed).includes("not on a Sunday"), talk.feed.showing(closed), "the reason");
    },
  },
  {
    name: "allow",
    needs: "model",
    title: "waits for the result of an allowed call, and goes on with it",
    why: "In a self-hosted environment the client runs it.",
    async run(client) {
      const { talk, call } = await builtInCall(client, "always_ask");
      ok(await talk.post(confirm(call, "allow")));
      ok(await talk.post(toolResult(call)));
      // It may ask once more, for the result, before it is there.
      await talk.untilIdle(0, "end_turn");
    },
  },
  {
    name: "late-confirmation",
    needs: "model",
    title: "takes a confirmation that comes too late, without effect",
    why: "Two people may press the button; the second must see no error.",
    async run(client) {
      const { talk, call } = await builtInCall(client, "always_ask");
      await talk.turn(confirm(call, "deny", "no"));
      ok(await talk.post(confirm(call, "allow")));
    },
  },
  {
    name: "allowed",
    needs: "model",
    title: "tells a call under always_allow with allow, and waits for its user.tool_result",
    why: "In a self-hosted environment nobody else answers.",
    async run(client) {
      const { talk, call } = await builtInCall(client, "always_allow");
      mustBe(talk, call, "allow");
      mustWaitFor(talk, talk.feed.events.at(-1), call);
      await talk.turn(toolResult(call));
    },
  },
]);

/** The checks of the queue. */
export const workChecks: readonly ConformanceCheck[] = checksOf("work", 3, [
  {
    name: "empty",
    title: "answers a poll of an empty queue with null or 204, and its statistics with a depth of 0",
    why: "Workers poll all day.",
    async run(client) {
      const path = `/v1/environments/${textAt(await selfHosted(client), "id")}/work`;
      const polled = await client.wire.get(`${path}/poll?block_ms=1`);
      if (polled.status !== 204) okIfThere(polled);
      must(polled.status === 204 || polled.body === null, polled, "null, or status 204");
      const stats = ok(await client.wire.get(`${path}/stats`));
      must(at(stats.body, "type") === "work_queue_stats", stats, 'type "work_queue_stats"');
      must(at(stats.body, "depth") === 0, stats, "depth 0");
    },
  },
  {
    name: "offered",
    needs: "model",
    title: "offers a session with built-in tools to do, with a secret to do it with",
    why: "It is how a worker hears of it.",
    async run(client) {
      const { item, talk } = await offeredItem(client);
      must(at(item.body, "type") === "work", item, 'type "work"');
      must(at(item.body, "data", "id") === talk.id, item, `data.id ${talk.id}`);
      textAt(item, "secret");
    },
  },
  {
    name: "once",
    needs: "model",
    title: "offers an item to one worker",
    why: "Two workers on one session run its tools twice.",
    async run(client) {
      const { path } = await offeredItem(client);
      const again = await client.wire.get(`${path}/poll?block_ms=1&reclaim_older_than_ms=60000`);
      must(again.status === 204 || again.body === null, again, "null, or status 204");
    },
  },
  {
    name: "heartbeat",
    needs: "model",
    title: "keeps the lease of a worker that names its last heartbeat, and answers 412 to one that does not",
    why: "A worker that was replaced must stop.",
    async run(client) {
      const { item, path } = await offeredItem(client);
      const own = `${path}/${textAt(item, "id")}`;
      ok(await client.wire.post(`${own}/ack`));
      const first = ok(await client.wire.post(`${own}/heartbeat?expected_last_heartbeat=NO_HEARTBEAT`));
      const last = encodeURIComponent(textAt(first, "last_heartbeat"));
      ok(await client.wire.post(`${own}/heartbeat?expected_last_heartbeat=${last}`));
      refused(await client.wire.post(`${own}/heartbeat?expected_last_heartbeat=NO_HEARTBEAT`), [412]);
    },
  },
  {
    name: "stop",
    needs: "model",
    title: "stops an item once",
    why: "The worker says so when it is done.",
    async run(client) {
      const { item, path } = await offeredItem(client);
      const own = `${path}/${textAt(item, "id")}`;
      ok(await client.wire.post(`${own}/ack`));
      const stopped = ok(await client.wire.post(`${own}/stop`, { force: true }));
      must(at(stopped.body, "state") === "stopped", stopped, 'state "stopped"');
      refused(await client.wire.post(`${own}/stop`, { force: true }), [409]);
    },
  },
  {
    name: "list",
    needs: "model",
    title: "lists the items of an environment",
    why: "Operators look at what is under way.",
    async run(client) {
      const { item, path } = await offeredItem(client);
      const list = ok(await client.wire.get(path));
      must(
        dataOf(list).some(({ id }) => id === textAt(item, "id")),
        list,
        `the item ${textAt(item, "id")}`,
      );
    },
  },
]);

/** An item that was offered to us, and the path of its queue. */
async function offeredItem(client: TestClient): Promise<{ item: Reply; talk: Talk; path: string }> {
  const environment = textAt(await selfHosted(client), "id");
  const path = `/v1/environments/${environment}/work`;
  const first = await client.wire.get(`${path}/poll?block_ms=1`);
  if (first.status !== 204) okIfThere(first);
  const { talk } = await builtInCall(client, "always_allow", environment);
  const item = await client.wire.poll(
    () => client.wire.get(`${path}/poll?block_ms=900`),
    ({ status, body }) => status === 200 && body !== null,
    "an item of work for the call that waits",
    10_000,
  );
  return { item, talk, path };
}

/** A session whose model has called bash, and waits. */
async function builtInCall(
  client: TestClient,
  policy: "always_ask" | "always_allow",
  environmentId?: string,
): Promise<{ talk: Talk; call: WireEvent }> {
  const environment = environmentId ?? (await client.shared("self-hosted", () => selfHosted(client)));
  const agent = await client.shared(policy, () =>
    client.newAgent({
      tools: [{ type: "agent_toolset_20260401", default_config: { permission_policy: { type: policy } } }],
    }),
  );
  const talk = await client.talk({ agent, environment_id: environment });
  const turn = await talk.turn(
    message(`Call the tool bash once, with this input, and then stop.\n${COMMAND}`),
  );
  const call = turn.find(({ type }) => type === "agent.tool_use");
  if (call === undefined) throw new Inapplicable("no call of bash: not offered here, or not made", true);
  return { talk, call };
}

async function selfHosted(client: TestClient): Promise<Reply> {
  return client.newEnvironment({ config: { type: "self_hosted" } });
}

function mustBe({ feed }: Talk, call: WireEvent, permission: string): void {
  const evidence = feed.showing(call);
  must(call["evaluated_permission"] === permission, evidence, `evaluated_permission "${permission}"`);
}

function mustWaitFor({ feed }: Talk, idle: WireEvent | undefined, call: WireEvent): void {
  const evidence = feed.showing(idle);
  must(awaitedBy(idle).includes(call.id), evidence, `requires_action with ${call.id}`);
}

function confirm({ id }: WireEvent, verdict: "allow" | "deny", why?: string): object {
  return { type: "user.tool_confirmation", tool_use_id: id, result: verdict, deny_message: why };
}

function toolResult({ id }: WireEvent): object {
  return { type: "user.tool_result", tool_use_id: id, content: [{ type: "text", text: "loophost" }] };
}
