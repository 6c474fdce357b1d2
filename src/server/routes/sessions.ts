/** `/v1/sessions`: conversations, from their creation to their end. */

import { Hono } from "hono";

import type { Json } from "../../core/json.ts";
import { invalid } from "../http/errors.ts";
import { isJsonObject, requiredString } from "../http/fields.ts";
import { pageOf } from "../http/pages.ts";
import { createdWithin, listOf, orderOf, versionOf, withArchived } from "../http/query.ts";
import type { AgentSnapshot } from "../records/agent-record.ts";
import { overridden, snapshotOf } from "../records/agent-record.ts";
import type { FileStore } from "../records/file-store.ts";
import type { HostRecords } from "../records/host-records.ts";
import type { SessionRecord } from "../records/session-record.ts";
import { createSession, sessionOf } from "../records/session-record.ts";
import { createResources, dropResources } from "../records/session-resource.ts";
import { readBudget } from "../session/budget.ts";
import type { LiveSessions } from "../session/live-sessions.ts";
import { readInitialEvents } from "../wire/user-events.ts";
import type { WorkQueue } from "../work/work-queue.ts";
import type { HostEnv } from "./request.ts";
import { bodyOf, queryOf } from "./request.ts";

/** The routes of sessions. */
export function sessionRoutes(
  records: HostRecords,
  live: LiveSessions,
  files: FileStore,
  work: WorkQueue,
): Hono<HostEnv> {
  return new Hono<HostEnv>()
    .post("/", async (c) => {
      const body = bodyOf(c);
      const keyed = c.get("keyed");
      refuseVaults(body["vault_ids"]);
      const events = readInitialEvents(body);
      const agent = await resolveAgent(records, body["agent"]);
      const environmentId = requiredString(body, "environment_id", 256);
      const environment = await records.environment(environmentId);
      if (environment.archived_at !== null)
        throw invalid(`Environment ${environmentId} is archived.`, "environment_archived");
      const budget = readBudget(body["budget"], agent.model.id, live.prices);
      const session = { ...createSession(body, agent, environment), budget };
      const resources = await createResources(body, session.id, files);
      let created: SessionRecord | undefined;
      try {
        created = await live.create({ ...session, resources }, events, keyed);
        return Response.json(sessionOf(created));
      } finally {
        if (created?.id !== session.id) await dropResources(resources, files);
      }
    })
    .get("/", async (c) => {
      const query = queryOf(c);
      const isInTime = createdWithin(query);
      const isListed = withArchived(query);
      const statuses = listOf(query, "statuses");
      const [agentId, version] = [query.get("agent_id"), versionOf(query, "agent_version")];
      // No session here has either.
      const asksForNone = query.has("deployment_id") || query.has("memory_store_id");
      const page = await records.sessions.list({
        order: orderOf(query, "desc"),
        ...pageOf(query),
        accept: (session) =>
          isListed(session) &&
          (statuses.length === 0 || statuses.includes(session.status)) &&
          (agentId === null || session.agent.id === agentId) &&
          (agentId === null || version === undefined || session.agent.version === version) &&
          !asksForNone &&
          isInTime(session.created_at),
      });
      return Response.json({ ...page, data: page.data.map(sessionOf) });
    })
    .get("/:id", (c) =>
      live.use(c.req.param("id"), async (session) => Response.json(sessionOf(await session.kept()))),
    )
    .post("/:id", (c) =>
      live.useOnce(c.req.param("id"), c.get("keyed"), async (session, taken, keep) => {
        if (taken !== undefined) return Response.json(sessionOf(await session.kept()));
        return Response.json(sessionOf(await session.update(bodyOf(c), () => keep([]))));
      }),
    )
    .post("/:id/archive", (c) =>
      live.use(c.req.param("id"), async (session) => {
        const record = await session.archive();
        await work.release(record.id);
        return Response.json(sessionOf(record));
      }),
    )
    .delete("/:id", async (c) => {
      const { id, resources } = await live.delete(c.req.param("id"));
      await work.release(id);
      await dropResources(resources, files);
      return Response.json({ id, type: "session_deleted" });
    });
}

/** Refuses vaults: accepted silently, a client would rely on credentials that no session gets. */
function refuseVaults(ids: Json | undefined): void {
  const says = ids !== undefined && ids !== null && !(Array.isArray(ids) && ids.length === 0);
  if (says) throw invalid("vault_ids is not there yet in this host; leave it out.");
}

/** The agent a session is created with: an id, a reference, or a reference with overrides. */
async function resolveAgent(records: HostRecords, given: Json | undefined): Promise<AgentSnapshot> {
  const reference = typeof given === "string" ? { type: "agent", id: given } : given;
  if (!isJsonObject(reference)) throw invalid("agent is required: an id or an object.");
  const { type, version } = reference;
  if (type !== "agent" && type !== "agent_with_overrides")
    throw invalid('agent.type must be "agent" or "agent_with_overrides".');
  if (version !== undefined && typeof version !== "number") throw invalid("agent.version must be a number.");
  const agent = await records.agent(requiredString(reference, "id", 256, "agent."), version);
  if (agent.archived_at !== null) throw invalid(`Agent ${agent.id} is archived.`);
  return snapshotOf(type === "agent" ? agent : overridden(agent, reference));
}
