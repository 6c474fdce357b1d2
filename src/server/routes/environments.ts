/** `/v1/environments`: the places sessions are created under. */

import { Hono } from "hono";

import type { EnvironmentRecord } from "../environment-record.ts";
import { createEnvironment, updateEnvironment } from "../environment-record.ts";
import type { HostRecords } from "../host-records.ts";
import { found } from "../host-records.ts";
import { limitOf } from "../query.ts";
import type { HostEnv } from "./request.ts";
import { bodyOf, queryOf } from "./request.ts";

/** The routes of environments. */
export function environmentRoutes({ environments }: HostRecords): Hono<HostEnv> {
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
        page: query.get("page"),
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
      await environments.delete(id);
      return Response.json({ id, type: "environment_deleted" });
    });
}

function must(record: EnvironmentRecord | undefined, id: string): EnvironmentRecord {
  return found(record, `Environment ${id}`, "environment_not_found");
}
