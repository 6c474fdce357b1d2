/** Health checks for whoever supervises a process: liveness and readiness, without a key. Those of hosts and of workers. */

import type { Clock } from "../../core/clock.ts";

/** What is checked. */
export interface Health {
  readonly clock: Clock;
  /** Contract: liveness: false once the process can do no more work and should be restarted. */
  isAlive(): boolean;
  /** Contract: resolves when it can take work now; what rejects, or takes longer than a second, counts as not ready. */
  ready(): Promise<unknown>;
}

const READY_WITHIN_MS = 1_000;

/** `/healthz`: whether to let the process live. `/readyz`: whether to send it work. */
export const HEALTH_PATHS = ["/healthz", "/readyz"] as const;

/** The reply to one of them: 200 or 503. */
export async function healthReply(path: (typeof HEALTH_PATHS)[number], health: Health): Promise<Response> {
  const isWell = health.isAlive() && (path === "/healthz" || (await isInTime(health)));
  return Response.json({ status: isWell ? "ok" : "unavailable" }, { status: isWell ? 200 : 503 });
}

async function isInTime(health: Health): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const cancel = health.clock.after(READY_WITHIN_MS, () => resolve(false));
  health.ready().then(
    () => resolve(true),
    () => resolve(false),
  );
  const isReady = await promise;
  cancel();
  return isReady;
}
