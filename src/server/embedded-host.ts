/**
 * The embedded loop host: Claude Managed Agents' HTTP and event stream over our own loop, any model and any store.
 *
 * What a client may rely on is what the official SDKs use: agents, environments and their work, files, and sessions with
 * their resources, events and one thread. A model is offered an agent's custom tools, which whoever holds the session
 * runs, and in a self-hosted environment its built-in tools, which workers run. MCP servers and skills are kept and shown,
 * and do nothing.
 */

import { hostname as machineName } from "node:os";

import { contained } from "../core/async/contained.ts";
import { withDeadlines } from "../core/async/store-deadline.ts";
import type { Clock } from "../core/clock.ts";
import { systemClock } from "../core/clock.ts";
import { LoophostError } from "../core/errors.ts";
import { isObject } from "../core/json.ts";
import { refuseOldNode } from "../core/old-node.ts";
import type { Provider } from "../core/provider.ts";
import { local } from "../providers/local/local.ts";
import { memoryStore } from "../stores/memory.ts";
import type { HostApp, HostParts } from "./app.ts";
import { isLoopback } from "./http/auth.ts";
import type { Refusal } from "./http/errors.ts";
import { hostClosed, invalid, storeTaken } from "./http/errors.ts";
import type { Health } from "./http/health.ts";
import type { Listening } from "./http/listen.ts";
import { listenWith } from "./http/listen.ts";
import { leaseWhileUsed } from "./log/log-lease.ts";
import type { EmbeddedHostOptions, FailedIn, ListenOptions } from "./options.ts";
import { checkHostOptions, checkListenOptions } from "./options.ts";
import { HostDirectory } from "./peers/directory.ts";
import type { AgentSnapshot } from "./records/agent-record.ts";
import { FileStore } from "./records/file-store.ts";
import { HostRecords } from "./records/host-records.ts";
import { newId } from "./records/ids.ts";
import { turnsOfMany, turnsOfOne } from "./records/turns.ts";
import { ConversationCache } from "./session/conversation-cache.ts";
import { LiveSessions } from "./session/live-sessions.ts";
import { isMarked, markedIds } from "./session/open-marks.ts";
import { claimStore, shareStore } from "./store-owner.ts";
import { WorkQueue } from "./work/work-queue.ts";

/** An embedded host. */
export interface EmbeddedHost extends AsyncDisposable {
  /** Answers a request in process, without a socket: give it to a client as its `fetch`. */
  fetch(request: Request): Promise<Response>;
  /**
   * Answers over HTTP. Default: a free port of 127.0.0.1, where it answers to the names of this machine only.
   *
   * @throws LoophostError `invalid_options` for an option that cannot be used, or another address without an `apiKey`;
   * `missing_dependency` without hono; `session_owned` when the store is another host's
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
  const { clock = systemClock, advertise } = options;
  const store = withDeadlines(options.store ?? memoryStore(), clock);
  const takeUp = async (isOurs: (hostId: string | undefined) => boolean, withStopped = false) =>
    live.takeUp(await markedIds(store.records, isOurs, withStopped));
  const peers =
    advertise === undefined
      ? undefined
      : new HostDirectory(store, clock, (isThere) => takeUp((id) => id === undefined || !isThere(id)));
  const turns =
    peers === undefined ? () => turnsOfOne(store.records) : turnsOfMany(store, clock, () => peers.owner);
  const records = new HostRecords(store.records, turns);
  const files = new FileStore(store.records, turns("files"));
  const work = new WorkQueue(turns("work"), clock, (sessionId) => isMarked(store.records, sessionId));
  const live = new LiveSessions(records.sessions, {
    store,
    clock,
    ...(peers && { hostId: peers.self, leaseLog: leaseWhileUsed(store.log, () => peers.owner, clock) }),
    provider: providerOf(options, clock),
    files,
    conversations: new ConversationCache(store.records),
    prices: options.prices ?? {},
    observers: options.observers ?? [],
    onRunning: (session) => work.want(session),
    onError: (thrown, sessionId) => report(thrown, { sessionId }),
  });
  const listening = new Set<Listening>();
  /** Why requests are refused, once the host is closed or has lost its store. */
  let over: Refusal | undefined;
  const closed = new AbortController();

  const report = (thrown: unknown, about: FailedIn): void => {
    contained(() => options.onError?.(thrown, about));
  };
  const stopWork = async (why: Refusal): Promise<void> => {
    over ??= why;
    closed.abort(why);
    work.close();
    await live.close();
  };
  const share = peers && shareStore(store, peers, advertise === "auto" ? undefined : advertise);
  const claim =
    share ??
    claimStore(options, clock, {
      // A session that cannot be resumed now is resumed, or found broken, at its next use.
      onHeld() {
        // Race: a host that lives, and whose store is taken, may go on with a session that waits until that is claimed, too.
        takeUp(() => true, options.ifOwned === "take").catch(() => undefined);
      },
      onLost(loss) {
        report(loss, {});
        stopWork(storeTaken()).catch(() => undefined);
      },
    });
  // Each request gets this error; without a handler here it would be an unhandled rejection.
  claim.hold().catch(() => undefined);

  const health: Health = {
    clock,
    isAlive: () => over === undefined,
    // Ready means that the store can be read, which every request needs.
    ready: () => claim.hold().then(() => store.records.get("host.ready", "any")),
  };

  let app: Promise<HostApp> | undefined;
  const appOf = () =>
    (app ??= loadApp({
      options,
      store,
      clock,
      records,
      files,
      work,
      live,
      claim,
      peers,
      closed: closed.signal,
      health,
      report,
      whyOver: () => over,
    }));

  const answer = async (request: Request, isLocalOnly: boolean): Promise<Response> => {
    const requestId = newId("req");
    const response = await (await appOf()).fetch(request, { requestId, isLocalOnly });
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
      await appOf();
      // Who shares its store is asked for sessions as soon as it is known where it listens.
      if (share === undefined) await claim.hold();
      const server = await listenWith((request) => answer(request, isLocal), port, hostname);
      await share
        ?.join(advertise === "auto" ? reachable(server.url) : (advertise ?? ""))
        .catch(async (thrown) => {
          await server.close();
          throw thrown;
        });
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

/**
 * Loads what answers requests with the first use: imported at the top, a missing hono would fail the import of this module,
 * with no word on what to do.
 */
async function loadApp(parts: HostParts): Promise<HostApp> {
  const { hostApp } = await import("./app.ts").catch((cause: unknown) => {
    if (!isObject(cause) || cause["code"] !== "ERR_MODULE_NOT_FOUND") throw cause;
    throw new LoophostError(
      "missing_dependency",
      "The embedded host needs packages that are not installed. Run: npm install hono @hono/node-server",
      { cause },
    );
  });
  return hostApp(parts);
}

/** The address of a host that listens on all of this machine's, for others. */
function reachable(url: string): string {
  return url.replace(/\/\/(0\.0\.0\.0|\[::\])(?=:)/, `//${machineName()}`);
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
