/** Items of the work queue of a self-hosted environment, and the steps of their life. Pure: time and tokens come in. */

import type { JsonObject } from "../../core/json.ts";
import type { Metadata } from "../http/fields.ts";
import { newId } from "../records/ids.ts";
import { now } from "../records/time.ts";

/** Where an item is: taken from the queue it is starting, with its first heartbeat active. */
type WorkState = "queued" | "starting" | "active" | "stopping" | "stopped";

/** One piece of work for a worker: to run the built-in tools a session calls. */
export type WorkRecord = {
  readonly id: string;
  readonly type: "work";
  readonly environment_id: string;
  readonly state: WorkState;
  readonly data: { readonly type: "session"; readonly id: string };
  readonly metadata: Metadata;
  readonly created_at: string;
  readonly acknowledged_at: string | null;
  readonly started_at: string | null;
  readonly latest_heartbeat_at: string | null;
  readonly stop_requested_at: string | null;
  readonly stopped_at: string | null;
  /** Kept, not shown: of the token that was given out with the item last. The token itself is kept nowhere. */
  readonly token_digest: string | null;
  /** Kept, not shown: how long a heartbeat holds. */
  readonly ttl_seconds: number;
};

/** What a heartbeat holds when the worker asks for nothing else. */
const DEFAULT_TTL_SECONDS = 90;

/** Makes an item for a session. */
export function createWork(environmentId: string, sessionId: string): WorkRecord {
  return {
    id: newId("work"),
    type: "work",
    environment_id: environmentId,
    state: "queued",
    data: { type: "session", id: sessionId },
    metadata: {},
    created_at: now(),
    acknowledged_at: null,
    started_at: null,
    latest_heartbeat_at: null,
    stop_requested_at: null,
    stopped_at: null,
    token_digest: null,
    ttl_seconds: DEFAULT_TTL_SECONDS,
  };
}

/** A worker says it has the item. Said again, or late, it changes nothing. */
export function acknowledged(work: WorkRecord): WorkRecord {
  return work.state === "queued" ? { ...work, state: "starting", acknowledged_at: now() } : work;
}

/** A worker is at work; the lease runs from here. */
export function beaten(work: WorkRecord, ttlSeconds: number = DEFAULT_TTL_SECONDS): WorkRecord {
  const at = laterThan(work.latest_heartbeat_at);
  return {
    ...work,
    state: "active",
    acknowledged_at: work.acknowledged_at ?? at,
    started_at: work.started_at ?? at,
    latest_heartbeat_at: at,
    ttl_seconds: ttlSeconds,
  };
}

/** The worker was lost: the item is as it was before anybody took it, so that its heartbeats are refused. */
export function requeued(work: WorkRecord): WorkRecord {
  return {
    ...work,
    state: "queued",
    acknowledged_at: null,
    started_at: null,
    latest_heartbeat_at: null,
    ttl_seconds: DEFAULT_TTL_SECONDS,
  };
}

/** Asks the item's worker to stop; without a worker, or by force, it has stopped at once. */
export function stopping(work: WorkRecord, isForced: boolean): WorkRecord {
  const requested = { ...work, stop_requested_at: work.stop_requested_at ?? now() };
  return isForced || work.state === "queued"
    ? { ...requested, state: "stopped", stopped_at: now() }
    : { ...requested, state: "stopping" };
}

/** Whether the item's worker is to leave it. */
export function isEnding({ state }: WorkRecord): boolean {
  return state === "stopping" || state === "stopped";
}

/** What the host holds of the item's lease. */
export function leaseOf(work: WorkRecord): {
  readonly state: WorkState;
  readonly last_heartbeat: string | null;
  readonly lease_extended: boolean;
  readonly ttl_seconds: number;
} {
  return {
    state: work.state,
    last_heartbeat: work.latest_heartbeat_at,
    lease_extended: !isEnding(work),
    ttl_seconds: work.ttl_seconds,
  };
}

/** An item as clients see it; the secret is shown to the worker that takes it, and never again. */
export function workOf(work: WorkRecord, secret: string | null = null): JsonObject {
  const { token_digest: _, ttl_seconds: __, ...shown } = work;
  return { ...shown, secret };
}

/** The time; never the time given, since a heartbeat is known by its time. */
function laterThan(previous: string | null): string {
  return new Date(Math.max(Date.now(), previous === null ? 0 : Date.parse(previous) + 1)).toISOString();
}
