/** The HTTP of the embedded host, over hono: who is let in, which route answers, and what an error looks like. */

import { Hono } from "hono";

import type { Clock } from "../core/clock.ts";
import type { Store } from "../core/store.ts";
import { checkIsLocal, keyCheck, keysOf, unknownKey } from "./http/auth.ts";
import { errorResponse, notFound, Refusal } from "./http/errors.ts";
import type { Health } from "./http/health.ts";
import { HEALTH_PATHS, healthReply } from "./http/health.ts";
import { keyedPost, ReplyMemory } from "./http/idempotency.ts";
import { requestLog } from "./http/request-log.ts";
import type { EmbeddedHostOptions, FailedIn } from "./options.ts";
import type { HostDirectory } from "./peers/directory.ts";
import { byOwner, isFromPeer, notHere } from "./peers/session-owner.ts";
import type { FileStore } from "./records/file-store.ts";
import type { HostRecords } from "./records/host-records.ts";
import { agentRoutes } from "./routes/agents.ts";
import { environmentRoutes } from "./routes/environments.ts";
import { eventRoutes } from "./routes/events.ts";
import { fileRoutes } from "./routes/files.ts";
import type { HostEnv } from "./routes/request.ts";
import { readBody } from "./routes/request.ts";
import { resourceRoutes } from "./routes/resources.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { workRoutes } from "./routes/work.ts";
import type { LiveSessions } from "./session/live-sessions.ts";
import type { WorkQueue } from "./work/work-queue.ts";

/** What the routes work with. */
export interface HostParts {
  readonly options: EmbeddedHostOptions;
  readonly store: Store;
  readonly clock: Clock;
  readonly records: HostRecords;
  readonly files: FileStore;
  readonly work: WorkQueue;
  readonly live: LiveSessions;
  /** Contract: resolves while the store is ours, and rejects once it is another host's. */
  readonly claim: { hold(): Promise<unknown> };
  readonly health: Health;
  /** The hosts that share the store, with this one; undefined for one that is alone. */
  readonly peers: HostDirectory | undefined;
  /** Aborts when the host is closed. */
  readonly closed: AbortSignal;
  /** Contract: gets the errors whose details clients must not see. */
  readonly report: (thrown: unknown, about: FailedIn) => void;
  /** Contract: why requests are refused: the host is closed, or its store was taken over; else undefined. */
  readonly whyOver: () => Refusal | undefined;
}

/** What answers requests. */
export interface HostApp {
  fetch(request: Request, env: HostEnv["Bindings"]): Response | Promise<Response>;
}

/** Wires the routes. */
export function hostApp(parts: HostParts): HostApp {
  const { options, store, clock, records, files, work, live, claim, peers, closed, health } = parts;
  const { report, whyOver } = parts;
  const { pingIntervalMs = 15_000, eventName = "type" } = options;
  const app = new Hono<HostEnv>();
  const replies = new ReplyMemory();
  const isKeyAmong = keyCheck(options.apiKey);
  if (options.onRequest !== undefined) app.use(requestLog(options.onRequest, clock));
  app.use((c, next) => {
    const isPassedOn = peers && isFromPeer(c.req.raw.headers, peers);
    c.set("isPassedOn", isPassedOn === true);
    // Meant for a host that had this address before; or one that closes, and whose sessions go to others.
    if (isPassedOn === false || (isPassedOn === true && whyOver() !== undefined))
      return Promise.resolve(notHere());
    // No web page knows the secret of a host.
    if (c.env.isLocalOnly && isPassedOn !== true) checkIsLocal(c.req.raw.headers);
    return next();
  });
  for (const path of HEALTH_PATHS) app.get(path, () => healthReply(path, health));
  app.use(async (c, next) => {
    const over = whyOver();
    if (over !== undefined) throw over;
    // Wait for the lease: a store that another host owns must not be read.
    await claim.hold();
    const keys = keysOf(c.req.raw.headers);
    const isAdmitted =
      c.get("isPassedOn") || isKeyAmong(keys) || (await work.admits(keys, c.req.method, c.req.path));
    if (!isAdmitted) throw unknownKey();
    if (c.req.method !== "POST") return next();
    const body = await readBody(c.req.raw);
    c.set("body", body);
    const key = c.req.header("idempotency-key");
    if (key === undefined) return next();
    // Not the host: a client may come back by another name of it, or through another host on the store.
    const { pathname, search } = new URL(c.req.url);
    const keyed = keyedPost(key, pathname + search, c.req.header("content-type") ?? "", body);
    c.set("keyed", keyed);
    c.res = await replies.once(keyed, () => next().then(() => c.res));
  });
  app.route("/v1/agents", agentRoutes(records));
  app.route("/v1/environments", environmentRoutes(records, work));
  app.route("/v1/environments", workRoutes(records, work));
  if (peers !== undefined)
    app.use(
      "/v1/sessions/:id/*",
      byOwner({
        directory: peers,
        live,
        log: store.log,
        clock,
        pingIntervalMs,
        closed,
        answer: (...asked) => app.fetch(...asked),
      }),
    );
  app.route("/v1/sessions", sessionRoutes(records, live, files, work));
  app.route("/v1/sessions", resourceRoutes(live, files));
  app.route("/v1/files", fileRoutes(files));
  app.route("/v1/sessions", eventRoutes(live, { clock, pingIntervalMs, eventName }));
  app.notFound((c) => errorResponse(notFound(`${c.req.method} ${c.req.path}`), c.env.requestId));
  app.onError((thrown, c) => {
    if (!(thrown instanceof Refusal)) report(thrown, {});
    return errorResponse(thrown, c.env.requestId);
  });
  return app;
}
