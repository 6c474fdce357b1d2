/** How sessions end: archived or deleted, and never while they work. */

import type { ConformanceCheck } from "../check.ts";
import { checksOf, Inapplicable } from "../check.ts";
import { at, dataOf, isOk, isTime, must, ok, refused, textAt } from "../expect.ts";
import { HELLO, LONG } from "../talk.ts";
import type { TestClient } from "../test-client.ts";
import type { Reply } from "../wire.ts";

const TERMINATED = "session.status_terminated";

/** The checks. */
export const endingChecks: readonly ConformanceCheck[] = checksOf("endings", 1, [
  {
    name: "archive",
    title: "archives a session: terminated, and said so as session.status_terminated",
    why: "Clients that follow the session stop at this event.",
    async run(client) {
      const talk = await client.talk();
      const archived = ok(await client.wire.post(`${talk.path}/archive`));
      must(at(archived.body, "status") === "terminated", archived, 'status "terminated"');
      must(isTime(at(archived.body, "archived_at")), archived, "archived_at as a time");
      const last = await talk.feed.untilType(TERMINATED);
      const { id } = talk.feed.events[last] ?? {};
      const listed = await talk.list();
      must(
        listed.some((event) => event.id === id),
        { sent: `GET ${talk.path}/events`, came: listed.map(({ type }) => type).join(", ") },
        `the same ${TERMINATED} in the list`,
      );
    },
  },
  {
    name: "archived-reads",
    title: "still shows an archived session, which the list holds with include_archived only",
    why: "What was said stays on record.",
    async run(client) {
      const agent = textAt(await client.newAgent(), "id");
      const path = `/v1/sessions/${textAt(await client.newSession({ agent }), "id")}`;
      ok(await client.wire.post(`${path}/archive`));
      ok(await client.wire.get(path));
      ok(await client.wire.get(`${path}/events`));
      const plain = ok(await client.wire.get(`/v1/sessions?agent_id=${agent}`));
      must(dataOf(plain).length === 0, plain, "a list without the archived session");
      const all = ok(await client.wire.get(`/v1/sessions?agent_id=${agent}&include_archived=true`));
      must(dataOf(all).length === 1, all, "a list with the archived session");
    },
  },
  {
    name: "archived-posts",
    title: "refuses events for an archived session",
    why: "A message that is taken and never answered is lost.",
    async run(client) {
      const talk = await client.talk();
      ok(await client.wire.post(`${talk.path}/archive`));
      refused(await talk.post(HELLO));
    },
  },
  {
    name: "delete",
    title: "deletes a session, of which then nothing is found",
    why: "Deleted means deleted, for record, events and stream.",
    async run(client) {
      const path = `/v1/sessions/${textAt(await client.newSession(), "id")}`;
      const deleted = ok(await client.wire.delete(path));
      must(at(deleted.body, "type") === "session_deleted", deleted, 'type "session_deleted"');
      must(path.endsWith(textAt(deleted, "id")), deleted, "the id of the session");
      for (const rest of ["", "/events", "/events/stream"])
        refused(await client.wire.get(`${path}${rest}`), [404]);
      refused(await client.wire.post(`${path}/events`, { events: [HELLO] }), [404]);
    },
  },
  {
    name: "delete-ends-streams",
    title: "says session.deleted on the streams of a deleted session, and ends them",
    why: "A client that follows it would wait for ever.",
    async run(client) {
      const { feed, path } = await client.talk();
      ok(await client.wire.delete(path));
      await feed.untilType("session.deleted");
      let hasEnded = false;
      const late = client.wire.signal;
      await Promise.race([
        feed.ended.then(() => (hasEnded = !late.aborted)),
        new Promise((resolve) => late.addEventListener("abort", resolve)),
      ]);
      must(hasEnded, feed.evidence, "the end of the stream");
    },
  },
  {
    name: "busy",
    needs: "model",
    title: "refuses to archive or delete a running session with 400",
    why: "Work under way would be lost without a word; clients interrupt first, and wait.",
    async run(client) {
      for (const end of ["archive", "delete"] as const) {
        const path = `/v1/sessions/${textAt(await client.newSession({ initial_events: [LONG] }), "id")}`;
        const reply = await (end === "archive"
          ? client.wire.post(`${path}/archive`)
          : client.wire.delete(path));
        if (isOk(reply)) await mustHaveRested(client, reply, path);
        refused(reply, [400]);
      }
    },
  },
]);

/** Ends the check where the session had nothing left to do by the time it was ended. */
async function mustHaveRested(client: TestClient, reply: Reply, path: string): Promise<void> {
  const list = await client.wire.get(`${path}/events`);
  const types = isOk(list) ? dataOf(list).map(({ type }) => type) : ["session.status_idle"];
  must(types.includes("session.status_idle"), reply, "status 400, since the session was running");
  throw new Inapplicable("the model was done before the session could be ended", true);
}
