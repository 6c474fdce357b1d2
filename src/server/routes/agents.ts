/** `/v1/agents`: what sessions are made from, in numbered versions. */

import { Hono } from "hono";

import { createdWithin, limitOf, pageOf, versionOf } from "../http/query.ts";
import { createAgent, updateAgent } from "../records/agent-record.ts";
import type { HostRecords } from "../records/host-records.ts";
import { found } from "../records/host-records.ts";
import type { HostEnv } from "./request.ts";
import { bodyOf, queryOf } from "./request.ts";

/** The routes of agents. */
export function agentRoutes(records: HostRecords): Hono<HostEnv> {
  const { agents } = records;
  return new Hono<HostEnv>()
    .post("/", async (c) => {
      const agent = createAgent(bodyOf(c));
      await records.keepVersion(agent);
      await agents.add(agent);
      return Response.json(agent);
    })
    .get("/", async (c) => {
      const query = queryOf(c);
      const isInTime = createdWithin(query);
      const withArchived = query.get("include_archived") === "true";
      const { data, next_page } = await agents.list({
        order: "desc",
        limit: limitOf(query, 20),
        page: pageOf(query),
        accept: (agent) => (withArchived || agent.archived_at === null) && isInTime(agent.created_at),
      });
      return Response.json({ data, next_page });
    })
    .get("/:id", async (c) => {
      const version = versionOf(queryOf(c), "version");
      return Response.json(await records.agent(c.req.param("id"), version));
    })
    .post("/:id", async (c) => {
      const id = c.req.param("id");
      const body = bodyOf(c);
      const changed = await agents.change(id, async (agent) => {
        const next = updateAgent(found(agent, `Agent ${id}`), body);
        await records.keepVersion(next);
        return next;
      });
      return Response.json(changed);
    })
    .post("/:id/archive", async (c) => {
      const id = c.req.param("id");
      const archived = await agents.change(id, (record) => {
        const agent = found(record, `Agent ${id}`);
        return { ...agent, archived_at: agent.archived_at ?? new Date().toISOString() };
      });
      return Response.json(archived);
    })
    .get("/:id/versions", async (c) => {
      const { id } = await records.agent(c.req.param("id"));
      const query = queryOf(c);
      return Response.json(await records.versions(id, limitOf(query, 20), pageOf(query)));
    });
}
