/**
 * The embedded loop host: Claude Managed Agents' HTTP and event stream over our own loop, any model and any store.
 *
 * What a client may rely on is what the official SDKs use: agents, environments and their work, files, and sessions with
 * their resources, events and one thread. A model is offered an agent's custom tools, which whoever holds the session
 * runs, and in a self-hosted environment its built-in tools, which workers run. MCP servers and skills are kept and shown,
 * and do nothing.
 */

import { Hono } from "hono";

import { contained } from "../core/async/contained.ts";
import type { Clock } from "../core/clock.ts";
import { systemClock } from "../core/clock.ts";
import { LoophostError } from "../core/errors.ts";
import { refuseOldNode } from "../core/old-node.ts";
import type { Provider } from "../core/provider.ts";
import { local } from "../providers/local/local.ts";
import { memoryStore } from "../stores/memory.ts";
import { checkIsLocal, isLoopback, keyCheck, keysOf, unknownKey } from "./http/auth.ts";
import { errorResponse, hostClosed, invalid, notFound, Refusal, storeTaken } from "./http/errors.ts";
import type { Health } from "./http/health.ts";
import { HEALTH_PATHS, healthReply } from "./http/health.ts";
import { ReplyMemory } from "./http/idempotency.ts";
import type { Listening } from "./http/listen.ts";
import { listenWith } from "./http/listen.ts";
import { requestLog } from "./http/request-log.ts";
import type { EmbeddedHostOptions, FailedIn, ListenOptions } from "./options.ts";
import { checkHostOptions, checkListenOptions } from "./options.ts";
import type { AgentSnapshot } from "./records/agent-record.ts";
import { FileStore } from "./records/file-store.ts";
import { HostRecords } from "./records/host-records.ts";
import { newId } from "./records/ids.ts";
import { agentRoutes } from "./routes/agents.ts";
import { environmentRoutes } from "./routes/environments.ts";
import { eventRoutes } from "./routes/events.ts";
import { fileRoutes } from "./routes/files.ts";
import type { HostEnv } from "./routes/request.ts";
import { readBody } from "./routes/request.ts";
import { resourceRoutes } from "./routes/resources.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { workRoutes } from "./routes/work.ts";
import { ConversationCache } from "./session/conversation-cache.ts";
import { LiveSessions } from "./session/live-sessions.ts";
import { claimStore } from "./store-owner.ts";
import { WorkQueue } from "./work/work-queue.ts";

/** An embedded host. */
export interface EmbeddedHost extends AsyncDisposable {
  /** Answers a request in process, without a socket: give it to a client as its `fetch`. */
  fetch(request: Request): Promise<Response>;
  /**
   * Answers over HTTP. Default: a free port of 127.0.0.1, where it answers to the names of this machine only.
   *
   * @throws LoophostError `invalid_options` for another address without an `apiKey`, `session_owned` when the store is
   * another host's
   */
  listen(options?: ListenOptions): Promise<Listening>;
  /** Stops listening, every run and every stream, and releases its lease on the store, which stays open. */
  close(): Promise<void>;
}

/**
 * Makes an embedded host.
 *
 * @throws LoophostError `invalid_options` when there is no model, or an option is not what it should be
 */
export function embeddedHost(options: EmbeddedHostOptions): EmbeddedHost {
  refuseOldNode();
  checkHostOptions(options);
  const { store = memoryStore(), clock = systemClock } = options;
  const records = new HostRecords(store.records);
  const files = new FileStore(store.records);
  const work = new WorkQueue(store.records, clock, async (sessionId) => {
    const isThere = (await records.sessions.get(sessionId)) !== undefined;
    return isThere && live.use(sessionId, (session) => session.hasOpenRun);
  });
  const live = new LiveSessions(records.sessions, {
    store,
    clock,
    provider: providerOf(options, clock),
    files,
    conversations: new ConversationCache(),
    prices: options.prices ?? {},
    observers: options.observers ?? [],
    onRunning: (session) => work.want(session),
    onError: (thrown, sessionId) => report(thrown, { sessionId }),
  });
  const app = new Hono<HostEnv>();
  const replies = new ReplyMemory();
  const isKeyAmong = keyCheck(options.apiKey);
  const listening = new Set<Listening>();
  /** Why nothing is answered any more. */
  let over: Refusal | undefined;

  const report = (thrown: unknown, about: FailedIn): void => {
    contained(() => options.onError?.(thrown, about));
  };
  const stopWork = async (why: Refusal): Promise<void> => {
    over ??= why;
    work.close();
    await live.close();
  };
  const claim = claimStore(options, clock, {
    // A session that cannot be taken up now is taken up, or found broken, when it is next used.
    onHeld() {
      live.start().catch(() => undefined);
    },
    onLost(loss) {
      report(loss, {});
      stopWork(storeTaken()).catch(() => undefined);
    },
  });
  // Whoever uses the host hears of it.
  claim.hold().catch(() => undefined);

  const health: Health = {
    clock,
    isAlive: () => over === undefined,
    // A read goes as far as any request has to.
    ready: () => claim.hold().then(() => store.records.get("host.ready", "any")),
  };

  if (options.onRequest !== undefined) app.use(requestLog(options.onRequest, clock));
  app.use((c, next) => {
    if (c.env.isLocalOnly) checkIsLocal(c.req.raw.headers);
    return next();
  });
  for (const path of HEALTH_PATHS) app.get(path, () => healthReply(path, health));
  app.use(async (c, next) => {
    if (over !== undefined) throw over;
    // Nothing of a store is looked at that is another host's.
    await claim.hold();
    const keys = keysOf(c.req.raw.headers);
    if (!isKeyAmong(keys) && !(await work.admits(keys, c.req.method, c.req.path))) throw unknownKey();
    if (c.req.method !== "POST") return next();
    const body = await readBody(c.req.raw);
    c.set("body", body);
    const key = c.req.header("idempotency-key");
    if (key === undefined) return next();
    const request = Buffer.concat([Buffer.from(`${c.req.url}\n`), body]);
    c.res = await replies.once(key, request, () => next().then(() => c.res));
  });
  app.route("/v1/agents", agentRoutes(records));
  app.route("/v1/environments", environmentRoutes(records, work));
  app.route("/v1/environments", workRoutes(records, work));
  app.route("/v1/sessions", sessionRoutes(records, live, files, work));
  app.route("/v1/sessions", resourceRoutes(live, files));
  app.route("/v1/files", fileRoutes(files));
  app.route(
    "/v1/sessions",
    eventRoutes(live, {
      clock,
      pingIntervalMs: options.pingIntervalMs ?? 15_000,
      eventName: options.eventName ?? "type",
    }),
  );
  app.notFound((c) => errorResponse(notFound(`${c.req.method} ${c.req.path}`), c.env.requestId));
  app.onError((thrown, c) => {
    if (!(thrown instanceof Refusal)) report(thrown, {});
    return errorResponse(thrown, c.env.requestId);
  });

  const answer = async (request: Request, isLocalOnly: boolean): Promise<Response> => {
    const requestId = newId("req");
    const response = await app.fetch(request, { requestId, isLocalOnly });
    response.headers.set("request-id", requestId);
    return response;
  };

  const close = async (): Promise<void> => {
    await stopWork(hostClosed());
    await Promise.all([...listening].map((server) => server.close()));
    listening.clear();
    await claim.release();
  };

  return {
    fetch: (request) => answer(request, false),
    async listen(where = {}) {
      checkListenOptions(where);
      const { port = 0, hostname = "127.0.0.1" } = where;
      const isLocal = isLoopback(hostname);
      if (!isLocal && options.apiKey === undefined) {
        throw new LoophostError(
          "invalid_options",
          `Listening on ${hostname} would let everybody on the network in. Set apiKey, or listen on 127.0.0.1.`,
        );
      }
      await claim.hold();
      const server = await listenWith((request) => answer(request, isLocal), port, hostname);
      listening.add(server);
      return {
        url: server.url,
        close() {
          listening.delete(server);
          return server.close();
        },
      };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The loop host for an agent: this process, with the model its id names. */
function providerOf(
  { model, models = {} }: EmbeddedHostOptions,
  clock: Clock,
): (agent: AgentSnapshot) => Provider {
  if (model === undefined && Object.keys(models).length === 0)
    throw new LoophostError(
      "invalid_options",
      "embeddedHost() needs a model: pass `model`, or `models` by id.",
    );
  return (agent) => {
    const chosen = Object.hasOwn(models, agent.model.id) ? models[agent.model.id] : model;
    if (chosen === undefined)
      throw invalid(`This host has no model "${agent.model.id}". It has: ${Object.keys(models).join(", ")}.`);
    return local({ model: chosen, clock });
  };
}
