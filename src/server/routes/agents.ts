/** `/v1/agents`: what sessions are made from, in numbered versions. */

import { Hono } from "hono";

import { found } from "../http/errors.ts";
import { pageOf } from "../http/pages.ts";
import { createdWithin, versionOf, withArchived } from "../http/query.ts";
import { createAgent, updateAgent } from "../records/agent-record.ts";
import type { HostRecords } from "../records/host-records.ts";
import { archived } from "../records/host-records.ts";
import type { HostEnv } from "./request.ts";
import { bodyOf, queryOf } from "./request.ts";

/** The routes of agents. */
export function agentRoutes(records: HostRecords): Hono<HostEnv> {
  const { agents } = records;
  return new Hono<HostEnv>()
    .post("/", async (c) => {
      const body = bodyOf(c);
      return Response.json(
        await agents.make(
          () => createAgent(body),
          c.get("keyed"),
          (agent) => records.versionOf(agent),
        ),
      );
    })
    .get("/", async (c) => {
      const query = queryOf(c);
      const isInTime = createdWithin(query);
      const isListed = withArchived(query);
      const { data, next_page } = await agents.list({
        order: "desc",
        ...pageOf(query),
        accept: (agent) => isListed(agent) && isInTime(agent.created_at),
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
      const changed = await agents.change(
        id,
        (agent) => updateAgent(found(agent, `Agent ${id}`), body),
        c.get("keyed"),
        (agent) => records.versionOf(agent),
      );
      return Response.json(changed);
    })
    .post("/:id/archive", async (c) => {
      const id = c.req.param("id");
      const put = await agents.change(id, (agent) => archived(found(agent, `Agent ${id}`)), c.get("keyed"));
      return Response.json(put);
    })
    .get("/:id/versions", async (c) => {
      const { id } = await records.agent(c.req.param("id"));
      return Response.json(await records.versions(id, pageOf(queryOf(c))));
    });
}
