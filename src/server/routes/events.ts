/** `/v1/sessions/{id}/events` and `/threads`: what happened in a session, as a list and as a stream. */

import { Hono } from "hono";

import { found, invalid } from "../http/errors.ts";
import { pageOf, pageThrough } from "../http/pages.ts";
import { createdWithin, listOf, orderOf } from "../http/query.ts";
import { listEvents } from "../log/event-list.ts";
import type { StreamOptions } from "../log/event-stream.ts";
import { openStream } from "../log/event-stream.ts";
import { threadOf } from "../records/session-record.ts";
import type { LiveSessions } from "../session/live-sessions.ts";
import type { HostedSession } from "../session/session.ts";
import { readEvents } from "../wire/user-events.ts";
import type { HostContext, HostEnv } from "./request.ts";
import { bodyOf, queryOf } from "./request.ts";

/** What every stream of the host has in common. */
type StreamDefaults = Omit<StreamOptions, "previews" | "after">;

/** The routes of the events of sessions. */
export function eventRoutes(live: LiveSessions, defaults: StreamDefaults): Hono<HostEnv> {
  const use = <T>(c: HostContext, work: (session: HostedSession) => T | Promise<T>) =>
    live.use(c.req.param("id") ?? "", work);
  /** Each session has one thread; its events are the session's. */
  const useThread = (c: HostContext, work: (session: HostedSession) => Response | Promise<Response>) =>
    use(c, (session) => {
      const id = c.req.param("thread");
      found(id === session.record.thread_id ? id : undefined, `Thread ${id}`);
      return work(session);
    });
  return new Hono<HostEnv>()
    .post("/:id/events", async (c) => {
      const data = await live.post(c.req.param("id"), readEvents(bodyOf(c)), c.get("keyed"));
      return Response.json({ data });
    })
    .get("/:id/events", (c) => use(c, (session) => list(c, session)))
    .get("/:id/events/stream", (c) => use(c, (session) => stream(c, session, defaults)))
    .get("/:id/threads", (c) =>
      use(c, async (session) => {
        const record = await session.kept();
        const statuses = listOf(queryOf(c), "statuses");
        const isListed = statuses.length === 0 || statuses.includes(record.status);
        return Response.json(pageThrough(isListed ? [threadOf(record)] : [], queryOf(c)));
      }),
    )
    .get("/:id/threads/:thread", (c) =>
      useThread(c, async (session) => Response.json(threadOf(await session.kept()))),
    )
    .get("/:id/threads/:thread/events", (c) => useThread(c, (session) => list(c, session)))
    .get("/:id/threads/:thread/stream", (c) => useThread(c, (session) => stream(c, session, defaults)));
}

async function list(c: HostContext, session: HostedSession): Promise<Response> {
  const query = queryOf(c);
  const types = listOf(query, "types");
  const isInTime = createdWithin(query);
  // A queued message is in the log twice, when it came and when it was taken; it is listed once.
  const queued = session.queued();
  const { data, next_page } = await listEvents(session.log, {
    order: orderOf(query, "asc"),
    ...pageOf(query, 1_000),
    accept: ({ id, type, processed_at: at }) =>
      (types.length === 0 || types.includes(type)) && (at === null ? queued.has(id) : isInTime(at)),
  });
  // Race: it may have been taken since.
  const taken = new Set(data.flatMap(({ id, processed_at: at }) => (at === null ? [] : [id])));
  const once = data.filter(({ id, processed_at: at }) => at !== null || !taken.has(id));
  return Response.json({ data: once, next_page });
}

function stream(c: HostContext, session: HostedSession, defaults: StreamDefaults): Response {
  const previews = listOf(queryOf(c), "event_deltas");
  const unknown = previews.find((type) => type !== "agent.message" && type !== "agent.thinking");
  if (unknown !== undefined || previews.length > 100)
    throw invalid('event_deltas[] takes "agent.message" and "agent.thinking", at most 100 values.');
  const last = Number(c.req.header("last-event-id") || Number.NaN);
  const body = openStream(session.log, {
    ...defaults,
    previews: new Set(previews),
    after: Number.isInteger(last) && last >= 0 ? last : undefined,
  });
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache",
      // Disables buffering in proxies, which would delay events.
      "x-accel-buffering": "no",
    },
  });
}
