/**
 * Passing a request on to the host that has its session, and its reply back.
 *
 *   P1  the address, and the secret that goes along, are those the owner left in the store; the keys of a client stay here
 *   P2  a request is passed on once: who is asked and is not the owner says so, and passes nothing on
 *   P3  what may have been done is not asked for again, unless that changes nothing
 */

import { onAbort } from "../../core/async/abort.ts";
import type { Clock } from "../../core/clock.ts";
import { isObject } from "../../core/json.ts";
import { byteLimit, readBytes } from "../../core/wire/body.ts";
import { MISDIRECTED, Refusal } from "../http/errors.ts";
import type { Peer } from "./directory.ts";

/** The header of a request that another host passes on: the secret of the host it is meant for. */
export const PASSED_ON = "x-loophost-peer";

/** The header of the reply of a host that does not have the session: its status alone may be a proxy's. */
export const NOT_HERE = "x-loophost-not-here";

/** A request to pass on. */
export interface Passed {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer> | undefined;
  /** Ends it, when the client is gone. */
  readonly signal: AbortSignal;
}

/** What means something to a route. Everything else of a client's request stays here, its keys above all. */
const REQUEST_HEADERS = ["accept", "content-type", "idempotency-key", "last-event-id"];
const REPLY_HEADERS = ["content-type", "cache-control", "x-accel-buffering", "x-should-retry"];

const REPLY_WITHIN_MS = 40_000;
const MAX_REPLY_BYTES = 128 * 1024 * 1024;

/**
 * Asks the owner of a session. Gives its reply, a stream as it comes and all else as a whole; undefined when the owner is
 * not there, or not the owner, and nothing was done.
 *
 * @throws Refusal with status 503 when it is not known whether it was done
 */
export async function passOn(peer: Peer, passed: Passed, clock: Clock): Promise<Response | undefined> {
  const { method, path, body, signal } = passed;
  const stopping = new AbortController();
  const cancel = clock.after(REPLY_WITHIN_MS, () => stopping.abort(new Error("no reply in time")));
  const unlink = onAbort([signal], (reason) => stopping.abort(reason));
  try {
    const headers = { ...only(passed.headers, REQUEST_HEADERS), [PASSED_ON]: peer.secret };
    const options = { method, headers, redirect: "error", ...(body !== undefined && { body }) } as const;
    const reply = await fetch(originOf(peer) + path, { ...options, signal: stopping.signal });
    if (reply.status === MISDIRECTED && reply.headers.has(NOT_HERE)) {
      await reply.body?.cancel();
      return undefined;
    }
    const shown = { status: reply.status, headers: only(reply.headers, REPLY_HEADERS) };
    if (isStream(reply)) return new Response(reply.body, shown);
    return new Response(await readBytes(reply.body, byteLimit(MAX_REPLY_BYTES, "another host")), shown);
  } catch (thrown) {
    // Nobody waits for the reply of one whose client is gone: the caller finds that out.
    if (signal.aborted || wasNotSent(thrown) || isRepeatable(passed)) return undefined;
    throw new Refusal(
      "api_error",
      "The host of this session was lost while it answered. The request may have been carried out: look before you send it again.",
      undefined,
      503,
    );
  } finally {
    cancel();
    unlink();
  }
}

/** Whether a reply is one that has no end of its own. */
export function isStream({ ok, headers }: Response): boolean {
  return ok && headers.get("content-type")?.startsWith("text/event-stream") === true;
}

function only(headers: Headers, names: readonly string[]): Record<string, string> {
  const kept = names.flatMap((name) => {
    const value = headers.get(name);
    return value === null ? [] : [[name, value]];
  });
  return Object.fromEntries(kept);
}

function originOf({ address }: Peer): string {
  return new URL(address).origin;
}

/** Whether a request changes nothing, or nothing more when it is carried out twice: the keys of posts are in the store. */
function isRepeatable({ method, headers }: Passed): boolean {
  return method === "GET" || (method === "POST" && headers.has("idempotency-key"));
}

/** Whether there was no connection to send anything over. */
function wasNotSent(thrown: unknown): boolean {
  const cause = isObject(thrown) ? thrown["cause"] : undefined;
  const code = isObject(cause) ? cause["code"] : undefined;
  return typeof code === "string" && NO_CONNECTION.has(code);
}

const NO_CONNECTION: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
]);
