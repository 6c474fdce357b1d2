/** `/v1/environments/{id}/work`: the queue that workers of a self-hosted environment live on. */

import { Hono } from "hono";

import { invalid } from "../http/errors.ts";
import { patchMetadata } from "../http/fields.ts";
import { pageOf } from "../http/pages.ts";
import { wholeNumberOf } from "../http/query.ts";
import type { HostRecords } from "../records/host-records.ts";
import type { WorkQueue } from "../work/work-queue.ts";
import { workOf } from "../work/work-record.ts";
import type { HostContext, HostEnv } from "./request.ts";
import { bodyOf, optionalBodyOf, queryOf } from "./request.ts";

/** Milliseconds a worker has to acknowledge an item it was offered, unless its poll says otherwise. */
const RECLAIM_MS = 5_000;
const DAY_MS = 86_400_000;
const MAX_TTL_SECONDS = 3_600;

/** The routes of work. */
export function workRoutes(records: HostRecords, work: WorkQueue): Hono<HostEnv> {
  const routes = new Hono<HostEnv>();
  routes.use("/:environment/work/*", async (c, next) => {
    const id = c.req.param("environment");
    const { config } = await records.environment(id);
    if (config["type"] !== "self_hosted")
      throw invalid(`Environment ${id} is not self-hosted, so it has no work for workers.`);
    return next();
  });
  return routes
    .get("/:environment/work/poll", async (c) => {
      const query = queryOf(c);
      const offered = await work.poll(c.req.param("environment"), {
        blockMs: wholeNumberOf(query, "block_ms", 1, 999) ?? 0,
        reclaimMs: wholeNumberOf(query, "reclaim_older_than_ms", 0, DAY_MS) ?? RECLAIM_MS,
        workerId: c.req.header("anthropic-worker-id")?.slice(0, 256),
        signal: c.req.raw.signal,
      });
      return Response.json(offered);
    })
    .get("/:environment/work/stats", async (c) => Response.json(await work.stats(c.req.param("environment"))))
    .get("/:environment/work", async (c) => {
      const page = await work.list(c.req.param("environment"), pageOf(queryOf(c)));
      return Response.json({ data: page.data.map((item) => workOf(item)), next_page: page.next_page });
    })
    .get("/:environment/work/:id", async (c) => Response.json(workOf(await work.get(...idsOf(c)))))
    .post("/:environment/work/:id", async (c) => {
      const { metadata } = bodyOf(c);
      const changed = await work.change(...idsOf(c), (item) => ({
        ...item,
        metadata: patchMetadata(item.metadata, metadata),
      }));
      return Response.json(workOf(changed));
    })
    .post("/:environment/work/:id/ack", async (c) =>
      Response.json(workOf(await work.acknowledge(...idsOf(c)))),
    )
    .post("/:environment/work/:id/heartbeat", async (c) => {
      const query = queryOf(c);
      const reply = await work.heartbeat(...idsOf(c), {
        expected: query.get("expected_last_heartbeat") ?? undefined,
        ttlSeconds: wholeNumberOf(query, "desired_ttl_seconds", 1, MAX_TTL_SECONDS),
      });
      return Response.json(reply);
    })
    .post("/:environment/work/:id/stop", async (c) =>
      Response.json(workOf(await work.stop(...idsOf(c), optionalBodyOf(c)["force"] === true))),
    );
}

function idsOf(c: HostContext): [environmentId: string, id: string] {
  return [c.req.param("environment") ?? "", c.req.param("id") ?? ""];
}
