/** `/v1/sessions/{id}/resources`: what a session was given to work on. */

import { Hono } from "hono";

import { found, invalid } from "../http/errors.ts";
import { requiredString, typeOf } from "../http/fields.ts";
import { pageThrough } from "../http/pages.ts";
import type { FileStore } from "../records/file-store.ts";
import type { SessionRecord } from "../records/session-record.ts";
import type { SessionResource } from "../records/session-resource.ts";
import { createResource, dropResources } from "../records/session-resource.ts";
import { now } from "../records/time.ts";
import type { LiveSessions } from "../session/live-sessions.ts";
import type { HostedSession } from "../session/session.ts";
import type { HostContext, HostEnv } from "./request.ts";
import { bodyOf, queryOf } from "./request.ts";

/** The routes of the resources of sessions. */
export function resourceRoutes(live: LiveSessions, files: FileStore): Hono<HostEnv> {
  const use = (c: HostContext, work: (session: HostedSession) => Response | Promise<Response>) =>
    live.use(c.req.param("id") ?? "", work);
  return new Hono<HostEnv>()
    .get("/:id/resources", (c) =>
      use(c, async (session) => Response.json(pageThrough((await session.kept()).resources, queryOf(c)))),
    )
    .post("/:id/resources", (c) =>
      live.useOnce(c.req.param("id"), c.get("keyed"), async (session, taken, keep) => {
        if (taken !== undefined)
          return Response.json(
            found(
              (await session.kept()).resources.find(({ id }) => taken.has(id)),
              "What this Idempotency-Key made",
            ),
          );
        const body = bodyOf(c);
        if (typeOf(body) !== "file")
          throw invalid('Only a resource of type "file" can be added to a session.');
        const { id, resources } = session.record;
        const resource = await createResource(body, resources, id, files);
        try {
          const changed = [...session.record.resources, resource];
          await session.changeResources(changed, () => keep([resource.id]));
        } catch (thrown) {
          await dropResources([resource], files);
          throw thrown;
        }
        return Response.json(resource);
      }),
    )
    .get("/:id/resources/:resource", (c) =>
      use(c, async (session) => Response.json(resourceOf(c, await session.kept()))),
    )
    .post("/:id/resources/:resource", (c) =>
      use(c, async (session) => {
        const resource = resourceOf(c, session.record);
        requiredString(bodyOf(c), "authorization_token", 4_096);
        if (resource.type !== "github_repository")
          throw invalid("Only a github_repository has an authorization_token.");
        const changed = { ...resource, updated_at: now() };
        await session.changeResources(
          session.record.resources.map((other) => (other.id === changed.id ? changed : other)),
        );
        return Response.json(changed);
      }),
    )
    .delete("/:id/resources/:resource", (c) =>
      use(c, async (session) => {
        const resource = resourceOf(c, session.record);
        await session.changeResources(session.record.resources.filter(({ id }) => id !== resource.id));
        await dropResources([resource], files);
        return Response.json({ id: resource.id, type: "session_resource_deleted" });
      }),
    );
}

function resourceOf(c: HostContext, { resources }: SessionRecord): SessionResource {
  const wanted = c.req.param("resource") ?? "";
  return found(
    resources.find(({ id }) => id === wanted),
    `Resource ${wanted}`,
  );
}
