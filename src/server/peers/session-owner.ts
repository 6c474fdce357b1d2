/**
 * Requests about a session are answered by the host that has it: this one, which takes a session that nobody has, or
 * another, to which they are passed on. Whoever had it may just have died; then it is asked again who has it.
 */

import type { Context, Handler } from "hono";

import { sleep } from "../../core/async/abort.ts";
import type { Clock } from "../../core/clock.ts";
import type { LogStore } from "../../core/store.ts";
import { digestOf } from "../http/auth.ts";
import { CLIENT_GONE, MISDIRECTED, Refusal } from "../http/errors.ts";
import { lastSeqOf } from "../log/event-list.ts";
import { logIdOf } from "../log/event-log.ts";
import type { HostEnv } from "../routes/request.ts";
import type { LiveSessions } from "../session/live-sessions.ts";
import type { HostDirectory, Peer } from "./directory.ts";
import { ownerIn } from "./directory.ts";
import { lastingStream } from "./lasting-stream.ts";
import type { Passed } from "./pass-on.ts";
import { isStream, NOT_HERE, PASSED_ON, passOn } from "./pass-on.ts";

/** What finding the owner of a session takes. */
export interface OwnerParts {
  readonly directory: HostDirectory;
  readonly live: LiveSessions;
  readonly log: LogStore;
  readonly clock: Clock;
  readonly pingIntervalMs: number;
  /** Aborts when the host is closed. */
  readonly closed: AbortSignal;
  /** Contract: answers a request from its beginning. */
  readonly answer: (request: Request, env: HostEnv["Bindings"]) => Response | Promise<Response>;
}

type HostContext = Context<HostEnv>;

const FIRST_PAUSE_MS = 25;
const MAX_PAUSE_MS = 500;
/** Longer than a lease lasts: its owner may have gone with its whole machine. */
const FIND_WITHIN_MS = 40_000;
const MIN_SILENT_MS = 60_000;
const MAX_KNOWN = 10_000;

/** Whether a request says that another host passes it on; and if so whether it is meant for this one. */
export function isFromPeer(headers: Headers, { secret }: HostDirectory): boolean | undefined {
  const given = headers.get(PASSED_ON);
  return given === null ? undefined : digestOf(given).equals(digestOf(secret));
}

/** The reply to what is passed on to a host that does not have the session. */
export function notHere(): Response {
  return new Response(null, { status: MISDIRECTED, headers: { [NOT_HERE]: "1" } });
}

/** Has requests about a session answered by its owner. */
export function byOwner(parts: OwnerParts): Handler<HostEnv> {
  const { live, directory, clock } = parts;
  const owners = new KnownOwners();
  return async (c, next) => {
    const id = c.req.param("id") ?? "";
    const giveUpAt = clock.now() + FIND_WITHIN_MS;
    let passed: Passed | undefined;
    let peer = c.get("isPassedOn") || live.has(id) ? undefined : owners.get(id);
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      if (peer === undefined) {
        let owner: string;
        try {
          return await live.use(id, () => next());
        } catch (thrown) {
          const other = ownerIn(thrown);
          if (other === undefined) throw thrown;
          owner = other;
        }
        if (c.get("isPassedOn")) return notHere();
        peer = await directory.find(owner);
      }
      owners.delete(id);
      passed ??= await toPass(c, id, parts.log);
      const reply = peer && (await passOn(peer, passed, clock));
      if (peer !== undefined && reply !== undefined) {
        owners.set(id, peer);
        return isStream(reply) ? lasting(c, reply, passed, parts) : reply;
      }
      peer = undefined;
      if (clock.now() > giveUpAt)
        throw new Refusal("api_error", "The host of this session cannot be reached.", undefined, 503);
      await sleep(pauseMs, clock, passed.signal).catch(clientGone);
    }
  };
}

/** A cache of who had which session last, bounded: without it each request would ask the store. A stale entry is harmless: that host answers 421. */
class KnownOwners {
  readonly #peers = new Map<string, Peer>();

  get(sessionId: string): Peer | undefined {
    return this.#peers.get(sessionId);
  }

  set(sessionId: string, peer: Peer): void {
    this.#peers.set(sessionId, peer);
    for (const oldest of this.#peers.keys())
      if (this.#peers.size > MAX_KNOWN) this.#peers.delete(oldest);
      else return;
  }

  delete(sessionId: string): void {
    this.#peers.delete(sessionId);
  }
}

/** Ends a request that nobody waits for any more; not worth a line in a log of failures. */
function clientGone(): never {
  throw new Refusal("api_error", "The client has closed the connection.", undefined, CLIENT_GONE);
}

/** A request as it is passed on. */
async function toPass(c: HostContext, id: string, log: LogStore): Promise<Passed> {
  const { method, url, signal } = c.req.raw;
  const { pathname, search } = new URL(url);
  const headers = new Headers(c.req.raw.headers);
  // Without a place to begin at, what a host says as it dies would be missed.
  if (method === "GET" && pathname.endsWith("/stream") && !/^\d+$/.test(headers.get("last-event-id") ?? "")) {
    const last = await lastSeqOf((after, limit) => log.read(logIdOf(id), after, limit));
    headers.set("last-event-id", String(last));
  }
  // So that it may be sent again when its host dies before it answers.
  if (method === "POST" && !headers.has("idempotency-key"))
    headers.set("idempotency-key", `passed on ${c.env.requestId}`);
  return { method, path: pathname + search, headers, body: c.get("body"), signal };
}

function lasting(c: HostContext, reply: Response, passed: Passed, parts: OwnerParts): Response {
  // One that goes on inside another lasts by that.
  if (c.env.isContinued === true || reply.body === null) return reply;
  const { clock, pingIntervalMs, closed, answer } = parts;
  const { url, headers } = c.req.raw;
  const { env } = c;
  const body = lastingStream(reply.body, {
    after: Number(passed.headers.get("last-event-id")),
    reopen: async (after, signal) => {
      const again = new Headers(headers);
      again.set("last-event-id", String(after));
      return answer(new Request(url, { headers: again, signal }), { ...env, isContinued: true });
    },
    clock,
    maxSilentMs: Math.max(MIN_SILENT_MS, 4 * pingIntervalMs),
    signal: closed,
  });
  return new Response(body, { headers: reply.headers });
}
