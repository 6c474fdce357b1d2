/** Sessions as records: made, read, changed, found. */

import type { ConformanceCheck } from "../check.ts";
import { checksOf } from "../check.ts";
import { at, dataOf, hasKeys, isSame, isTime, must, ok, refused, textAt } from "../expect.ts";
import { HELLO, INTERRUPT } from "../talk.ts";
import type { TestClient } from "../test-client.ts";
import type { Reply } from "../wire.ts";

const NULLABLE = ["title", "budget", "archived_at"];

/** The checks. */
export const sessionChecks: readonly ConformanceCheck[] = checksOf("sessions", 1, [
  {
    name: "create",
    title: "creates a session that is idle, every field there",
    why: "Typed clients read fields that are null, but not fields that are missing.",
    async run(client) {
      const made = await client.newSession({ metadata: { order: "42" } });
      const { body } = made;
      must(at(body, "type") === "session", made, 'type "session"');
      must(at(body, "status") === "idle", made, 'status "idle"');
      must(at(body, "agent", "id") === (await client.agent()), made, "the agent, whole");
      must(Array.isArray(at(body, "agent", "tools")), made, "the agent's tools");
      must(isSame(at(body, "metadata"), { order: "42" }), made, "the metadata that was sent");
      must(isTime(at(body, "created_at")), made, "created_at as a time");
      hasKeys(made, body, [...NULLABLE, "environment_id", "resources", "vault_ids", "usage", "stats"]);
    },
  },
  {
    name: "agent-version",
    title: "takes the agent as an object with its version",
    why: "Clients that pin versions send it so.",
    async run(client) {
      const agent = { type: "agent", id: await client.agent(), version: 1 };
      const made = await client.newSession({ agent });
      must(at(made.body, "agent", "version") === 1, made, "agent.version 1");
    },
  },
  {
    name: "overrides",
    tier: 2,
    title: "takes an agent with overrides for this session alone",
    why: "Clients change the model or the instructions of one conversation so.",
    async run(client) {
      const id = await client.agent();
      const agent = { type: "agent_with_overrides", id, system: "Another." };
      const made = await client.newSession({ agent });
      must(at(made.body, "agent", "system") === "Another.", made, "the system of the override");
      const read = ok(await client.wire.get(`/v1/agents/${id}`));
      must(at(read.body, "system") !== "Another.", read, "the agent as it was");
    },
  },
  {
    name: "unknown-parts",
    title: "refuses a session of an unknown agent or in an unknown environment",
    why: "The mistake must show where it was made, not when the first message fails.",
    async run(client) {
      refused(await client.trySession({ agent: "agent_unknown" }));
      refused(await client.trySession({ environment_id: "env_unknown" }));
    },
  },
  {
    name: "retrieve",
    title: "gives a session as it was created",
    why: "A client that comes back starts from it.",
    async run(client) {
      const made = await client.newSession({ title: "Orders" });
      const read = ok(await client.wire.get(`/v1/sessions/${textAt(made, "id")}`));
      for (const field of ["id", "agent", "title", "metadata", "status"])
        must(isSame(at(read.body, field), at(made.body, field)), read, `${field} as created`);
    },
  },
  {
    name: "update",
    title: "changes title and metadata, the latter as a patch, and says so as session.updated",
    why: "Programs keep their own notes in metadata, several of them in one session.",
    async run(client) {
      const talk = await client.talk({ metadata: { keep: "1", drop: "2" } });
      const change = { title: "New", metadata: { drop: null, add: "3" } };
      const changed = ok(await client.wire.post(talk.path, change));
      must(at(changed.body, "title") === "New", changed, "the new title");
      must(isSame(at(changed.body, "metadata"), { keep: "1", add: "3" }), changed, "patched metadata");
      await talk.feed.untilType("session.updated");
    },
  },
  {
    name: "initial-events",
    needs: "model",
    title: "starts with its initial_events by itself",
    why: "Clients make a session and its first message in one request.",
    async run(client) {
      const made = await client.newSession({ initial_events: [HELLO] });
      must(at(made.body, "status") === "running", made, 'status "running"');
      const path = `/v1/sessions/${textAt(made, "id")}/events`;
      const list = await client.wire.poll(
        () => client.wire.get(path),
        (reply) => holds(reply, "session.status_idle"),
        "the end of a turn",
      );
      must(holds(list, "user.message"), list, "the user.message among the events");
    },
  },
  {
    name: "initial-events-refused",
    tier: 2,
    title: "refuses initial_events other than messages and outcomes",
    why: "There is nothing yet that could be interrupted or answered.",
    run: async (client) => void refused(await client.trySession({ initial_events: [INTERRUPT] })),
  },
  {
    name: "metadata-limits",
    tier: 2,
    title: "refuses more than 16 pairs of metadata",
    why: "What works here must work on the service.",
    async run(client) {
      const pairs = Array.from({ length: 17 }, (_, index) => [`key${index}`, "value"]);
      refused(await client.trySession({ metadata: Object.fromEntries(pairs) }));
    },
  },
  {
    name: "list",
    title: "lists sessions, newest first, and finds those of an agent by agent_id",
    why: "A client that lost an id looks for it here.",
    async run(client) {
      const { ids, query } = await threeSessions(client);
      const list = ok(await client.wire.get(`/v1/sessions?${query}`));
      must(isSame(idsOf(list), ids.toReversed()), list, `only ${ids.toReversed().join(", ")}, in this order`);
    },
  },
  {
    name: "pages",
    title: "gives a long list in pages, with a next_page that moves and ends as null",
    why: "A cursor that stands still is an endless loop in every client.",
    async run(client) {
      const { ids, query } = await threeSessions(client);
      const first = ok(await client.wire.get(`/v1/sessions?${query}&limit=2`));
      must(idsOf(first).length === 2, first, "2 sessions, as limit=2 says");
      const cursor = encodeURIComponent(textAt(first, "next_page"));
      const second = ok(await client.wire.get(`/v1/sessions?${query}&limit=2&page=${cursor}`));
      must(isSame(idsOf(second), ids.slice(0, 1)), second, `only ${ids[0]}, the oldest`);
      must(at(second.body, "next_page") === null, second, "next_page null on the last page");
    },
  },
  {
    name: "prev-page",
    tier: 2,
    title: "leads back from a later page by prev_page, which is null on the first",
    why: "User interfaces turn pages both ways.",
    async run(client) {
      const { query } = await threeSessions(client);
      const first = ok(await client.wire.get(`/v1/sessions?${query}&limit=2`));
      must(at(first.body, "prev_page") === null, first, "prev_page null on the first page");
      const next = encodeURIComponent(textAt(first, "next_page"));
      const second = ok(await client.wire.get(`/v1/sessions?${query}&limit=2&page=${next}`));
      const back = encodeURIComponent(textAt(second, "prev_page"));
      const again = ok(await client.wire.get(`/v1/sessions?${query}&limit=2&page=${back}`));
      must(isSame(idsOf(again), idsOf(first)), again, `the first page again: ${idsOf(first).join(", ")}`);
    },
  },
  {
    name: "cursor-order",
    tier: 2,
    title: "refuses a cursor of one order in a list of the other",
    why: "It would skip or repeat sessions without a word.",
    async run(client) {
      const { query } = await threeSessions(client);
      const first = ok(await client.wire.get(`/v1/sessions?${query}&limit=2&order=desc`));
      const next = encodeURIComponent(textAt(first, "next_page"));
      refused(await client.wire.get(`/v1/sessions?${query}&limit=2&order=asc&page=${next}`));
    },
  },
  {
    name: "order",
    tier: 2,
    title: "lists sessions oldest first with order=asc",
    why: "Programs that copy sessions read them in the order they were made.",
    async run(client) {
      const { ids, query } = await threeSessions(client);
      const list = ok(await client.wire.get(`/v1/sessions?${query}&order=asc`));
      must(isSame(idsOf(list), ids), list, `${ids.join(", ")}, in this order`);
    },
  },
  {
    name: "statuses",
    tier: 2,
    title: "filters sessions by statuses[], in its bracket form, several at once",
    why: "The official SDKs write lists in a query so.",
    async run(client) {
      const { ids, query } = await threeSessions(client);
      const busy = ok(await client.wire.get(`/v1/sessions?${query}&statuses%5B%5D=running`));
      must(isSame(idsOf(busy), []), busy, "no session, since none is running");
      const both = "statuses%5B%5D=running&statuses%5B%5D=idle";
      const all = ok(await client.wire.get(`/v1/sessions?${query}&${both}`));
      must(isSame(idsOf(all), ids.toReversed()), all, "all three, which are idle");
    },
  },
  {
    name: "created-at",
    tier: 2,
    title: "filters sessions by created_at[gte] and [lt]",
    why: "Jobs that clean up look for what is older than a day.",
    async run(client) {
      const { ids, query } = await threeSessions(client);
      const future = encodeURIComponent("2999-01-01T00:00:00Z");
      const late = ok(await client.wire.get(`/v1/sessions?${query}&created_at%5Bgte%5D=${future}`));
      must(isSame(idsOf(late), []), late, "no session, since none is made in the year 2999");
      const early = ok(await client.wire.get(`/v1/sessions?${query}&created_at%5Blt%5D=${future}`));
      must(isSame(idsOf(early), ids.toReversed()), early, "all three, since they were made before 2999");
    },
  },
]);

/** Three sessions of an agent of their own, in the order they were made. */
async function threeSessions(client: TestClient): Promise<{ ids: readonly string[]; query: string }> {
  const agent = textAt(await client.newAgent(), "id");
  const ids: string[] = [];
  for (let n = 0; n < 3; n += 1) {
    ids.push(textAt(await client.newSession({ agent }), "id"));
    // Times of creation must differ where they are only kept in whole milliseconds.
    await client.wire.pause(2);
  }
  return { ids, query: `agent_id=${agent}` };
}

function holds(list: Reply, type: string): boolean {
  return dataOf(ok(list)).some((event) => event["type"] === type);
}

function idsOf(list: Reply): readonly unknown[] {
  return dataOf(list).map(({ id }) => id);
}
