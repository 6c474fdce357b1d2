/**
 * Asking a model over HTTP: one request, its reply read as it comes, and another try where that may help.
 *
 *   H1  a reply is whole or it is an error: one that was cut off or fell silent is asked for again
 *   H2  what a failed try has shown is taken back before the next one
 *   H3  no key gets into an error, nor to an address a redirect names
 */

import { onAbort } from "../../core/abort.ts";
import type { Clock } from "../../core/clock.ts";
import { LoophostError, messageOf, toLoophostError } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";
import { retryPolicy, withRetry } from "../../core/retry.ts";
import { readSse } from "../../core/sse.ts";
import type { FetchModelOptions } from "./fetch-model.ts";
import type { ModelCall, ModelReply } from "./model.ts";
import type { ServiceLabel } from "./service-error.ts";
import { toRefusal } from "./service-error.ts";

/** A service that is asked over HTTP. */
export interface ModelService extends ServiceLabel {
  readonly url: string;
  /** Contract: called before every request, because keys change; undefined for a service that needs none. */
  readonly apiKey: () => Promise<string | undefined>;
  readonly headers: (key: string | undefined) => Record<string, string>;
}

/** One try: what is sent, and who reads the reply. */
export interface ModelTry {
  readonly body: Uint8Array<ArrayBuffer> | string;
  readonly reader: ReplyReader;
}

/** Makes a reply of what comes over the wire. */
export interface ReplyReader {
  /** Contract: takes the next event of a stream, true when it was the last. Throws what makes the reply worthless. */
  take(data: string): boolean;
  /** Contract: takes a reply that came in one piece. Throws what makes it worthless. */
  takeWhole(body: Record<string, unknown>): void;
  /** Whether the reply is all there, should the stream end here. */
  readonly isWhole: boolean;
  /** Whether deltas went out. */
  readonly hasEmitted: boolean;
  /** Contract: called once, when the reply is whole. */
  finish(): ModelReply;
}

/** Sends requests and sees them through. */
export interface ModelClient {
  /** Contract: calls `begin` for every try. Rejects with a LoophostError. */
  ask(call: ModelCall, begin: () => ModelTry): Promise<ModelReply>;
}

/** How long a stream that has said everything may take to end: once ended, its connection serves the next request. */
const LINGER_MS = 500;

/** Makes the client of a service. */
export function createModelClient(service: ModelService, options: FetchModelOptions): ModelClient {
  const policy = retryPolicy(options.retry);
  return {
    ask(call, begin) {
      const { signal, clock, emit } = call;
      let attempted: ModelTry;
      const next = () => (attempted = write(begin, service));
      return withRetry(() => exchange(service, options, next(), call), {
        policy,
        clock,
        signal,
        toError: (thrown) => toError(thrown, service, signal),
        onRetry(attempt, delayMs, { message: reason }) {
          if (attempted.reader.hasEmitted) emit({ type: "deltas.retracted", reason });
          emit({ type: "retrying", attempt, delayMs, reason });
        },
      }).catch((thrown: unknown) => {
        throw toError(thrown, service, signal);
      });
    },
  };
}

/** What cannot be written cannot be written the next time either. */
function write(begin: () => ModelTry, { name }: ModelService): ModelTry {
  try {
    return begin();
  } catch (thrown) {
    throw toLoophostError(thrown, "invalid_options", `The request to ${name} could not be written`);
  }
}

/**
 * A redirect would take the key along. Refusing it also spares Node a copy of every request, kept to be sent once more.
 * Workers know no "error"; there the redirect itself comes back, which is no success either.
 */
const REDIRECT = globalThis.navigator?.userAgent === "Cloudflare-Workers" ? "manual" : "error";

async function exchange(
  service: ModelService,
  options: FetchModelOptions,
  { body, reader }: ModelTry,
  { signal, clock }: ModelCall,
): Promise<ModelReply> {
  const streams = options.stream ?? true;
  const maxSilentMs = options.idleTimeoutMs ?? (streams ? 120_000 : 300_000);
  const stopping = new AbortController();
  const unlink = onAbort([signal], (reason) => stopping.abort(reason));
  const watcher = watch(clock, maxSilentMs, () => stopping.abort(fellSilent(service, maxSilentMs)));
  try {
    const key = await service.apiKey();
    const headers = service.headers(key);
    const send = options.fetch ?? fetch;
    const request = { method: "POST", headers, body, redirect: REDIRECT, signal: stopping.signal } as const;
    const response = await send(service.url, request);
    watcher.heard();
    if (!response.ok) throw await toRefusal(response, service, key);
    if (response.body !== null && isStream(response, streams))
      await readSse(response.body, ({ data }) => void (reader.take(data) && watcher.over()), {
        onBytes: watcher.heard,
        signal: stopping.signal,
      });
    else reader.takeWhole(parseReply(await response.text(), service.name));
  } catch (thrown) {
    // A connection that breaks after the last word has done its work.
    if (!reader.isWhole || signal.aborted) throw stopping.signal.aborted ? stopping.signal.reason : thrown;
  } finally {
    watcher.end();
    unlink();
  }
  if (reader.isWhole) return reader.finish();
  throw new LoophostError("host_unreachable", `The reply of ${service.name} ended before it was complete.`);
}

/** Parses what a service sent, which on every wire here is an object. */
export function parseReply(text: string, service: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    if (isObject(parsed)) return parsed;
  } catch {
    // Told below, with the text itself.
  }
  const start = JSON.stringify(text.slice(0, 100));
  throw new LoophostError(
    "host_protocol",
    `${service} sent something that is no JSON object: ${start}. Check baseUrl.`,
  );
}

/** Some servers answer in one piece when asked for a stream, or the reverse; some call a stream anything. */
function isStream({ headers }: Response, wasAskedFor: boolean): boolean {
  const type = headers.get("content-type") ?? "";
  return type.includes("event-stream") || (wasAskedFor && !type.includes("json"));
}

function fellSilent({ name }: ModelService, ms: number): LoophostError {
  return new LoophostError(
    "host_unreachable",
    `${name} sent nothing for ${ms} ms. Raise idleTimeoutMs if it needs longer.`,
  );
}

/**
 * Watches over an exchange: calls `stop` after a silence, and soon after the last word.
 *
 * It has one timer, which rings early the first time, because most exchanges are over by then: setting another one at
 * every end cost more than reading a short reply. Hearing something costs a look at the clock.
 */
function watch(clock: Clock, maxSilentMs: number, stop: () => void): Watch {
  let heardAt = clock.now();
  let isOver = false;
  let hasRung = false;
  let cancel = clock.after(Math.min(LINGER_MS, maxSilentMs), ring);
  function ring(): void {
    hasRung = true;
    const leftMs = isOver ? 0 : heardAt + maxSilentMs - clock.now();
    if (leftMs > 0) cancel = clock.after(leftMs, ring);
    else stop();
  }
  return {
    heard: () => void (heardAt = clock.now()),
    over() {
      isOver = true;
      if (!hasRung) return;
      cancel();
      cancel = clock.after(LINGER_MS, ring);
    },
    end: () => cancel(),
  };
}

interface Watch {
  readonly heard: () => void;
  readonly over: () => void;
  readonly end: () => void;
}

function toError(thrown: unknown, service: ModelService, signal: AbortSignal): LoophostError {
  if (signal.aborted)
    return new LoophostError("aborted", "The model call was aborted.", { cause: signal.reason });
  if (thrown instanceof LoophostError) return thrown;
  const { host } = new URL(service.url);
  const problem = messageOf(thrown);
  if (/unexpected ?redirect|encountered redirect/i.test(problem))
    return new LoophostError(
      "host_rejected",
      `${service.name} at ${host} answered with a redirect, which is not followed. Set baseUrl to where it leads.`,
      { cause: thrown },
    );
  return new LoophostError(
    "host_unreachable",
    `The connection to ${service.name} at ${host} failed: ${problem}.`,
    {
      cause: thrown,
    },
  );
}
