/** `/v1/environments`: the places sessions are created under. */

import { Hono } from "hono";

import { invalid } from "../http/errors.ts";
import { pageOf } from "../http/pages.ts";
import { withArchived } from "../http/query.ts";
import type { EnvironmentRecord } from "../records/environment-record.ts";
import { createEnvironment, updateEnvironment } from "../records/environment-record.ts";
import type { HostRecords } from "../records/host-records.ts";
import { archived, foundEnvironment } from "../records/host-records.ts";
import type { SessionGlance } from "../records/session-record.ts";
import type { WorkQueue } from "../work/work-queue.ts";
import type { HostEnv } from "./request.ts";
import { bodyOf, queryOf } from "./request.ts";

/** The routes of environments. */
export function environmentRoutes(records: HostRecords, work: WorkQueue): Hono<HostEnv> {
  const { environments, sessions } = records;
  return new Hono<HostEnv>()
    .post("/", async (c) => {
      const body = bodyOf(c);
      return Response.json(await environments.make(() => createEnvironment(body), c.get("keyed")));
    })
    .get("/", async (c) => {
      const query = queryOf(c);
      const { data, next_page } = await environments.list({
        order: "desc",
        ...pageOf(query),
        accept: withArchived(query),
      });
      return Response.json({ data, next_page });
    })
    .get("/:id", async (c) => Response.json(await records.environment(c.req.param("id"))))
    .post("/:id", async (c) => {
      const id = c.req.param("id");
      const body = bodyOf(c);
      const update = (record: EnvironmentRecord | undefined) =>
        updateEnvironment(foundEnvironment(record, id), body);
      return Response.json(await environments.change(id, update, c.get("keyed")));
    })
    .post("/:id/archive", async (c) => {
      const id = c.req.param("id");
      const archive = (record: EnvironmentRecord | undefined) => archived(foundEnvironment(record, id));
      return Response.json(await environments.change(id, archive, c.get("keyed")));
    })
    .delete("/:id", async (c) => {
      const { id } = await records.environment(c.req.param("id"));
      const uses = ({ environment_id: used }: SessionGlance) => used === id;
      const { data } = await sessions.list({ order: "desc", limit: 1, page: null, accept: uses });
      if (data[0] !== undefined)
        throw invalid(
          `Environment ${id} is used by session ${data[0].id}. Delete its sessions first, or archive it.`,
        );
      await environments.delete(id);
      await work.forget(id);
      return Response.json({ id, type: "environment_deleted" });
    });
}
