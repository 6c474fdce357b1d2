/**
 * One POST whose reply is read as it comes: as server-sent events, or in one piece.
 *
 *   H1  a reply is whole or it is an error: one that was cut off or fell silent is never taken for complete
 *   H3  no key gets into an error, nor to an address a redirect names
 */

import { onAbort } from "../async/abort.ts";
import type { Clock } from "../clock.ts";
import { LoophostError, messageOf } from "../errors.ts";
import { isObject } from "../json.ts";
import { byteLimit, openBody, readText } from "./body.ts";
import type { ServiceLabel } from "./refusal.ts";
import { toRefusal } from "./refusal.ts";
import { secretsIn } from "./secrets.ts";
import { watchSilence } from "./silence.ts";
import type { ServerSentEvent } from "./sse.ts";
import { readSse } from "./sse.ts";

/** A service that is asked over HTTP. */
export interface HttpService extends ServiceLabel {
  readonly url: string;
  /** Contract: called before every request, because keys change; undefined for a service that needs none. */
  readonly apiKey: () => Promise<string | undefined>;
  readonly headers: (key: string | undefined) => Record<string, string>;
}

/** Takes a reply in as it comes over the wire. */
export interface HttpReader {
  /** Contract: takes the next event of a stream, true when it was the last. Throws what makes the reply worthless. */
  take(data: string, event: string): boolean;
  /** Contract: takes a reply that came in one piece. Throws what makes it worthless. */
  takeWhole(body: Record<string, unknown>): void;
  /** Whether the reply is all there, should the stream end here. */
  readonly isWhole: boolean;
}

/** One request, and how its reply is read. */
export interface HttpExchange {
  readonly body: Uint8Array<ArrayBuffer> | string;
  readonly reader: HttpReader;
  /** Milliseconds without a byte after which the reply is abandoned. */
  readonly maxSilentMs: number;
  /** Bytes a reply may have. */
  readonly maxReplyBytes: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/**
 * A redirect would take the key along. Refusing it also spares Node a copy of every request, kept to be sent once more.
 * Workers know no "error"; there the redirect itself comes back, which is no success either.
 */
const REDIRECT = globalThis.navigator?.userAgent === "Cloudflare-Workers" ? "manual" : "error";

/**
 * Sends one request and reads its reply to the end. Resolves once `reader.isWhole`.
 *
 * The first character of the body decides how it is read, not its content type: servers answer in one piece when asked for a
 * stream, and the reverse, and call either anything.
 *
 * @throws LoophostError `host_unreachable` for a reply that was cut off or fell silent, `reply_too_large`, `host_rejected` or
 * `host_failed` for a refusal, `host_protocol` for what is no reply at all; what the connection itself throws passes through, for `toConnectionError`
 */
export async function exchange(
  service: HttpService,
  { body, reader, maxSilentMs, maxReplyBytes, signal, clock, fetch: send = fetch }: HttpExchange,
): Promise<void> {
  const stopping = new AbortController();
  const unlink = onAbort([signal], (reason) => stopping.abort(reason));
  const watch = watchSilence(clock, maxSilentMs, () => stopping.abort(fellSilent(service, maxSilentMs)));
  try {
    const key = await service.apiKey();
    const headers = service.headers(key);
    const request = { method: "POST", headers, body, redirect: REDIRECT, signal: stopping.signal } as const;
    const response = await send(service.url, request);
    watch.heard();
    if (!response.ok)
      throw await toRefusal(response, service, [key ?? "", ...secretsIn(headers, service.url)]);
    const count = byteLimit(maxReplyBytes, service.name);
    const onBytes = (bytes: number) => {
      watch.heard();
      count(bytes);
    };
    const take = ({ data, event }: ServerSentEvent) => {
      // An event without data is a heartbeat of some servers.
      if (data.trim() !== "" && reader.take(data, event)) watch.over();
    };
    const { kind, start } = await openBody(response.body, onBytes);
    if (kind === "page") throw webPage(service);
    if (kind === "json")
      reader.takeWhole(parseObject(await readText(response.body, onBytes, start), service.name));
    else if (response.body !== null)
      await readSse(response.body, take, {
        onBytes,
        start,
        signal: stopping.signal,
      });
  } catch (thrown) {
    // A connection that breaks after the last event has done its work.
    if (!reader.isWhole || signal.aborted) throw stopping.signal.aborted ? stopping.signal.reason : thrown;
  } finally {
    watch.end();
    unlink();
  }
  if (!reader.isWhole)
    throw new LoophostError("host_unreachable", `The reply of ${service.name} ended before it was complete.`);
}

/**
 * Parses what a service sent, which on every wire here is an object.
 *
 * @throws LoophostError `host_protocol` with the beginning of what came instead; JSON that was damaged on its way may be asked
 * for again
 */
export function parseObject(text: string, service: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw notAReply(text, service, text.trimStart().startsWith("{"));
  }
  if (isObject(parsed)) return parsed;
  throw notAReply(text, service);
}

/** An HTML page with a success status: a sign-in, a proxy, the wrong path. */
function webPage({ name, url }: HttpService): LoophostError {
  const { host } = new URL(url);
  return new LoophostError(
    "host_protocol",
    `${name} at ${host} answered with a web page, not the API. Check baseUrl.`,
  );
}

function notAReply(text: string, service: string, isDamaged = false): LoophostError {
  const start = JSON.stringify(text.slice(0, 100));
  return isDamaged
    ? new LoophostError("host_protocol", `${service} sent damaged JSON: ${start}.`, { mayRetry: true })
    : new LoophostError(
        "host_protocol",
        `${service} sent something that is no JSON object: ${start}. Check baseUrl.`,
      );
}

/** Whether `fetch` refused to connect at all: it connects to no port of a list, such as 6000, and another try is refused as well. */
export function isBlockedPort(thrown: unknown): boolean {
  return messageOf(thrown).includes("(bad port)");
}

/** Turns whatever an exchange threw into a typed error, without the key and without the path of the address. */
export function toConnectionError(thrown: unknown, service: HttpService, signal: AbortSignal): LoophostError {
  if (signal.aborted)
    return new LoophostError("aborted", "The model call was aborted.", { cause: signal.reason });
  if (thrown instanceof LoophostError) return thrown;
  const { host } = new URL(service.url);
  const problem = messageOf(thrown);
  if (/unexpected ?redirect|encountered redirect/i.test(problem))
    return new LoophostError(
      "host_rejected",
      `${service.name} at ${host} answered with a redirect, which is not followed. Set baseUrl to where it leads.`,
      { cause: thrown, mayRetry: false },
    );
  if (isBlockedPort(thrown))
    return new LoophostError(
      "host_unreachable",
      `No fetch connects to the port of ${host}; choose another.`,
      {
        cause: thrown,
        mayRetry: false,
      },
    );
  const failed = `The connection to ${service.name} at ${host} failed: ${problem}.`;
  return new LoophostError("host_unreachable", failed, { cause: thrown });
}

function fellSilent({ name }: HttpService, ms: number): LoophostError {
  return new LoophostError(
    "host_unreachable",
    `${name} sent nothing for ${ms} ms. Raise idleTimeoutMs if it needs longer.`,
  );
}
