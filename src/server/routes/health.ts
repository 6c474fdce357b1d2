/** Health checks for whoever supervises the process: liveness and readiness, without a key. */

import { Hono } from "hono";

import type { HostEnv } from "./request.ts";

/** What a supervisor is told of. */
export interface Health {
  /** Contract: whether the host has been neither closed nor replaced. */
  isAlive(): boolean;
  /** Contract: whether it can answer clients now; bounded in time, does not reject. */
  isReady(): Promise<boolean>;
}

/** The routes of health: `/healthz`, whether to let the process live, and `/readyz`, whether to send it clients. */
export function healthRoutes(health: Health): Hono<HostEnv> {
  return new Hono<HostEnv>()
    .get("/healthz", () => reply(health.isAlive()))
    .get("/readyz", async () => reply(health.isAlive() && (await health.isReady())));
}

function reply(isWell: boolean): Response {
  return Response.json({ status: isWell ? "ok" : "unavailable" }, { status: isWell ? 200 : 503 });
}
