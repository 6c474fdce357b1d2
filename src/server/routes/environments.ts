/** `/v1/environments`: the places sessions are created under. */

import { Hono } from "hono";

import { invalid } from "../http/errors.ts";
import { limitOf, pageOf } from "../http/query.ts";
import type { EnvironmentRecord } from "../records/environment-record.ts";
import { createEnvironment, updateEnvironment } from "../records/environment-record.ts";
import type { HostRecords } from "../records/host-records.ts";
import { found } from "../records/host-records.ts";
import type { SessionRecord } from "../records/session-record.ts";
import type { WorkQueue } from "../work/work-queue.ts";
import type { HostEnv } from "./request.ts";
import { bodyOf, queryOf } from "./request.ts";

/** The routes of environments. */
export function environmentRoutes({ environments, sessions }: HostRecords, work: WorkQueue): Hono<HostEnv> {
  return new Hono<HostEnv>()
    .post("/", async (c) => {
      const environment = createEnvironment(bodyOf(c));
      await environments.add(environment);
      return Response.json(environment);
    })
    .get("/", async (c) => {
      const query = queryOf(c);
      const withArchived = query.get("include_archived") === "true";
      const { data, next_page } = await environments.list({
        order: "desc",
        limit: limitOf(query, 20),
        page: pageOf(query),
        accept: (environment) => withArchived || environment.archived_at === null,
      });
      return Response.json({ data, next_page });
    })
    .get("/:id", async (c) => {
      const id = c.req.param("id");
      return Response.json(must(await environments.get(id), id));
    })
    .post("/:id", async (c) => {
      const id = c.req.param("id");
      const body = bodyOf(c);
      return Response.json(
        await environments.change(id, (record) => updateEnvironment(must(record, id), body)),
      );
    })
    .post("/:id/archive", async (c) => {
      const id = c.req.param("id");
      const archived = await environments.change(id, (record) => {
        const environment = must(record, id);
        return { ...environment, archived_at: environment.archived_at ?? new Date().toISOString() };
      });
      return Response.json(archived);
    })
    .delete("/:id", async (c) => {
      const id = c.req.param("id");
      must(await environments.get(id), id);
      const uses = ({ environment_id: used }: SessionRecord) => used === id;
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

function must(record: EnvironmentRecord | undefined, id: string): EnvironmentRecord {
  return found(record, `Environment ${id}`, "environment_not_found");
}
