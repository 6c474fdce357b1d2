/** `/v1/sessions`: conversations, from their creation to their end. */

import { Hono } from "hono";

import type { Json } from "../../core/json.ts";
import { invalid } from "../http/errors.ts";
import { isJsonObject, refuseNotYet, requiredString } from "../http/fields.ts";
import { createdWithin, limitOf, listOf, orderOf, pageOf, versionOf } from "../http/query.ts";
import type { AgentSnapshot } from "../records/agent-record.ts";
import { overridden, snapshotOf } from "../records/agent-record.ts";
import type { FileStore } from "../records/file-store.ts";
import type { HostRecords } from "../records/host-records.ts";
import { found } from "../records/host-records.ts";
import { createSession, sessionOf } from "../records/session-record.ts";
import { createResources, dropResources } from "../records/session-resource.ts";
import { readBudget } from "../session/budget.ts";
import type { LiveSessions } from "../session/live-sessions.ts";
import { readInitialEvents } from "../session/user-events.ts";
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
      refuseNotYet(body, ["vault_ids"]);
      const events = readInitialEvents(body);
      const agent = await resolveAgent(records, body["agent"]);
      const environmentId = requiredString(body, "environment_id", 256);
      const environment = found(
        await records.environments.get(environmentId),
        `Environment ${environmentId}`,
        "environment_not_found",
      );
      if (environment.archived_at !== null)
        throw invalid(`Environment ${environmentId} is archived.`, "environment_archived");
      const budget = readBudget(body["budget"], agent.model.id, live.prices);
      const session = { ...createSession(body, agent, environment), budget };
      const resources = await createResources(body, session.id, files);
      try {
        return Response.json(await live.create({ ...session, resources }, events));
      } catch (thrown) {
        await dropResources(resources, files);
        throw thrown;
      }
    })
    .get("/", async (c) => {
      const query = queryOf(c);
      const isInTime = createdWithin(query);
      const withArchived = query.get("include_archived") === "true";
      const statuses = listOf(query, "statuses");
      const [agentId, version] = [query.get("agent_id"), versionOf(query, "agent_version")];
      // No session here has either.
      const asksForNone = query.has("deployment_id") || query.has("memory_store_id");
      const page = await records.sessions.list({
        order: orderOf(query, "desc"),
        limit: limitOf(query, 20),
        page: pageOf(query),
        accept: ({ agent, status, archived_at: archivedAt, created_at: createdAt }) =>
          (withArchived || archivedAt === null) &&
          (statuses.length === 0 || statuses.includes(status)) &&
          (agentId === null ||
            (agent.id === agentId && (version === undefined || agent.version === version))) &&
          !asksForNone &&
          isInTime(createdAt),
      });
      return Response.json({ ...page, data: page.data.map(sessionOf) });
    })
    .get("/:id", (c) => live.use(c.req.param("id"), ({ record }) => Response.json(sessionOf(record))))
    .post("/:id", async (c) => {
      const body = bodyOf(c);
      return live.use(c.req.param("id"), async (session) => {
        const record = session.update(body);
        await session.log.written();
        return Response.json(sessionOf(record));
      });
    })
    .post("/:id/archive", (c) =>
      live.use(c.req.param("id"), async (session) => {
        const record = await session.archive();
        await session.log.written();
        await work.release(record.id);
        return Response.json(sessionOf(record));
      }),
    )
    .delete("/:id", (c) =>
      live.use(c.req.param("id"), async (session) => {
        const { id, resources } = session.record;
        await session.delete();
        await work.release(id);
        await dropResources(resources, files);
        return Response.json({ id, type: "session_deleted" });
      }),
    );
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
