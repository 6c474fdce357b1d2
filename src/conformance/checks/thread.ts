/** Threads: a session with one agent has one, and it looks like those of many. */

import type { ConformanceCheck } from "../check.ts";
import { checksOf } from "../check.ts";
import { EventFeed, eventsOf } from "../event-feed.ts";
import { at, dataOf, isSame, must, ok, okIfThere, refused } from "../expect.ts";
import type { Talk } from "../talk.ts";
import { HELLO } from "../talk.ts";
import type { TestClient } from "../test-client.ts";

/** The checks. */
export const threadChecks: readonly ConformanceCheck[] = checksOf("threads", 2, [
  {
    name: "primary",
    title: "lists the one thread of a session, without a parent, and gives it by id",
    why: "Clients draw the tree of agents from its root.",
    async run(client) {
      const { talk, path } = await threaded(client);
      const read = ok(await client.wire.get(path));
      must(at(read.body, "type") === "session_thread", read, 'type "session_thread"');
      must(at(read.body, "session_id") === talk.id, read, `session_id ${talk.id}`);
      must(at(read.body, "parent_thread_id") === null, read, "parent_thread_id null");
    },
  },
  {
    name: "events",
    needs: "model",
    title: "lists what the agent did in the thread, under the session's ids",
    why: "A client that shows one agent reads its thread only.",
    async run(client) {
      const { talk, path } = await threaded(client);
      const turn = await talk.turn(HELLO);
      const page = okIfThere(await client.wire.get(`${path}/events`));
      const listed = new Set(eventsOf(page).map(({ id }) => id));
      const missing = turn.filter(({ type, id }) => type.startsWith("agent.") && !listed.has(id));
      must(missing.length === 0, page, `${missing.map(({ type, id }) => `${type} ${id}`).join(", ")}, too`);
    },
  },
  {
    name: "stream",
    needs: "model",
    title: "streams a thread at /stream below it",
    why: "The path differs from the session's, /events/stream.",
    async run(client) {
      const { talk, path } = await threaded(client);
      const feed = await EventFeed.open(client.wire, `${path}/stream`);
      const turn = await talk.turn(HELLO);
      const said = turn.filter(({ type }) => type.startsWith("agent.")).map(({ id }) => id);
      await feed.wait(`the events ${said.join(", ")} of the agent`, () =>
        isSame(
          feed.events.filter(({ type }) => type.startsWith("agent.")).map(({ id }) => id),
          said,
        ),
      );
    },
  },
  {
    name: "unknown",
    title: "answers 404 to an unknown thread",
    why: "An id of another session must not show anything.",
    async run(client) {
      const { talk } = await threaded(client);
      refused(await client.wire.get(`${talk.path}/threads/sthr_unknown`), [404]);
    },
  },
]);

/** A session, and the path of its one thread. */
async function threaded(client: TestClient): Promise<{ talk: Talk; path: string }> {
  const talk = await client.talk();
  const list = okIfThere(await client.wire.get(`${talk.path}/threads`));
  const [thread, ...more] = dataOf(list);
  must(thread !== undefined && more.length === 0, list, "one thread");
  return { talk, path: `${talk.path}/threads/${String(thread["id"])}` };
}
