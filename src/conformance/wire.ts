/** Plain HTTP to the server under test: what a check sends, and all it can know of the reply. */

import { onAbort, sleep } from "../core/async/abort.ts";
import { systemClock } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import { atMostBytes, readText } from "../core/wire/body.ts";
import type { Evidence } from "./check.ts";
import { Mismatch } from "./check.ts";

/** How a request says who it is from. */
export type ConformanceAuth = "bearer" | "x-api-key" | "both";

/** What goes with a request beside method and path. */
export interface Ask {
  /** JSON, or a form, or a text that is sent as it is. */
  readonly body?: object | string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** A key other than the given one, or none. */
  readonly auth?: ConformanceAuth | "none" | "wrong" | undefined;
}

/** A reply, read to its end. */
export interface Reply extends Evidence {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The text as JSON, undefined where it is none. */
  readonly body: unknown;
}

/** Counts the bytes of a reply, and throws once it has more than any check needs. */
export function replyBytes(): (bytes: number) => void {
  return atMostBytes(MAX_REPLY_BYTES, () => new Error(`the reply has more than ${MAX_REPLY_BYTES} bytes`));
}

const MAX_REPLY_BYTES = 64 * 1024 * 1024;

/** How the server under test is reached. */
export interface WireOptions {
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  readonly auth: ConformanceAuth;
  readonly fetch: typeof fetch;
}

/** How the evidence begins where there was no connection, or it was cut. */
export const NO_REPLY = "no reply";

/** What the service wants to see on a request; other servers ignore it. */
const HEADERS = {
  accept: "application/json",
  "anthropic-version": "2023-06-01",
  "anthropic-beta": "managed-agents-2026-04-01",
};
const WRONG_KEY = "loophost-conformance-wrong-key";
const SHOWN_BEGINNING = 400;
const SHOWN_END = 200;
const MAX_WAITS = 5;

/** A client that hides nothing, with the deadline of one check. */
export class Wire {
  readonly #options: WireOptions;
  readonly signal: AbortSignal;

  constructor(options: WireOptions, signal: AbortSignal) {
    this.#options = options;
    this.signal = signal;
  }

  /** The same client with an earlier deadline. */
  within(ms: number): Wire {
    return new Wire(this.#options, deadline(ms, this.signal).signal);
  }

  get(path: string, ask?: Ask): Promise<Reply> {
    return this.request("GET", path, ask);
  }

  post(path: string, body?: object | string, ask?: Ask): Promise<Reply> {
    return this.request("POST", path, { ...ask, body });
  }

  delete(path: string): Promise<Reply> {
    return this.request("DELETE", path);
  }

  /** Sends a request and reads the reply, whatever its status. A stream is not waited for. */
  async request(method: string, path: string, ask: Ask = {}): Promise<Reply> {
    const { response, sent } = await this.open(method, path, ask);
    const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
    if (isStream) discard(response);
    const text = isStream
      ? "(an event stream)"
      : await this.#orLate(sent, () => readText(response.body, replyBytes()));
    return {
      sent,
      came: `${response.status} ${text}`.trim(),
      status: response.status,
      headers: response.headers,
      text,
      body: parse(text),
    };
  }

  /** Sends a request and gives the reply as soon as its headers are there. Waits where the server says so, with 429. */
  async open(method: string, path: string, ask: Ask = {}): Promise<{ response: Response; sent: string }> {
    const { baseUrl, fetch: send } = this.#options;
    const { body, headers = {}, auth } = ask;
    const isJson = typeof body === "string" || (body !== undefined && !(body instanceof FormData));
    const sent = `${method} ${path}${isJson ? ` ${typeof body === "string" ? body : JSON.stringify(body)}` : ""}`;
    const init: RequestInit = {
      method,
      headers: {
        ...HEADERS,
        ...this.#credentials(auth ?? this.#options.auth),
        ...(isJson && { "content-type": "application/json" }),
        ...headers,
      },
      redirect: "manual",
      signal: this.signal,
      ...(body !== undefined && {
        body: typeof body === "string" || body instanceof FormData ? body : JSON.stringify(body),
      }),
    };
    for (let wait = 1; ; wait += 1) {
      const response = await this.#orLate(sent, () => send(`${baseUrl.replace(/\/+$/, "")}${path}`, init));
      if (response.status !== 429 || wait > MAX_WAITS) return { response, sent };
      discard(response);
      await this.pause(Number(response.headers.get("retry-after") ?? 0) * 1_000 || 1_000 * wait);
    }
  }

  /** Asks again and again until a reply fits, for so long at most. */
  async poll(
    ask: () => Promise<Reply>,
    fits: (reply: Reply) => boolean,
    expected: string,
    maxMs: number = Number.POSITIVE_INFINITY,
  ): Promise<Reply> {
    const startedAt = performance.now();
    for (let pauseMs = 10; ; pauseMs = Math.min(2 * pauseMs, 1_000)) {
      const reply = await ask();
      if (fits(reply)) return reply;
      const isLate = performance.now() - startedAt > maxMs;
      await (isLate ? Promise.reject(new Error("late")) : this.pause(pauseMs)).catch(() => {
        throw new Mismatch(reply, expected);
      });
    }
  }

  /** Waits, within the deadline. */
  pause(ms: number): Promise<void> {
    return sleep(ms, systemClock, this.signal);
  }

  /** A text as a report may show it: its beginning and end, and without the key, should a server repeat it. */
  show(text: string): string {
    const { apiKey } = this.#options;
    const safe = apiKey ? text.replaceAll(apiKey, "[key]") : text;
    if (safe.length <= SHOWN_BEGINNING + SHOWN_END) return safe;
    return `${safe.slice(0, SHOWN_BEGINNING)} … ${safe.slice(-SHOWN_END)}`;
  }

  #credentials(auth: ConformanceAuth | "none" | "wrong"): Record<string, string> {
    const key = auth === "wrong" ? WRONG_KEY : (this.#options.apiKey ?? "none");
    return {
      ...(auth !== "none" && auth !== "x-api-key" && { authorization: `Bearer ${key}` }),
      ...(auth !== "none" && auth !== "bearer" && { "x-api-key": key }),
    };
  }

  async #orLate<T>(sent: string, work: () => Promise<T>): Promise<T> {
    // Not every custom `fetch` rejects on abort.
    const { promise: late, reject } = Promise.withResolvers<never>();
    const unlink = onAbort([this.signal], reject);
    try {
      return await Promise.race([work(), late]);
    } catch (thrown) {
      const came = this.signal.aborted ? "nothing in time" : `${NO_REPLY}: ${messageOf(thrown)}`;
      throw new Mismatch({ sent, came }, "a reply");
    } finally {
      unlink();
    }
  }
}

/** Cancels an unread body, which would keep its connection (a leak). Not awaited: some bodies never settle their cancel. */
export function discard(response: Response): void {
  response.body?.cancel().catch(() => undefined);
}

/**
 * A signal that aborts after a time, with another signal, or when it is told to.
 *
 * Not made of `AbortSignal.timeout` and `any`: what only they hold on to may be collected before it fires.
 */
export function deadline(ms: number, outer?: AbortSignal): AbortController {
  const controller = new AbortController();
  const cancel = systemClock.after(ms, () => controller.abort(new Error("no end in time")));
  const unlink = onAbort([outer], (reason) => controller.abort(reason));
  onAbort([controller.signal], () => {
    cancel();
    unlink();
  });
  return controller;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
