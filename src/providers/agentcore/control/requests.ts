/**
 * Requests that are answered with one object, each repeated as far as that is safe, and each within a deadline: a request that
 * hangs would otherwise hold up a whole provisioning without a named error.
 *
 *   R1  what changes nothing, or carries a token by which the service knows it again, is repeated while that may help
 *   R2  what makes something without such a token is repeated only when it was certainly not made
 *   R3  the time a caller has left is shared among the tries, so that no single try can spend it all
 */

import { onAbort } from "../../../core/async/abort.ts";
import type { RetryPolicy } from "../../../core/async/retry.ts";
import { retryPolicy, withRetry } from "../../../core/async/retry.ts";
import type { Clock } from "../../../core/clock.ts";
import { LoophostError } from "../../../core/errors.ts";
import { isObject } from "../../../core/json.ts";
import type { Plane } from "../api/client.ts";
import { toHostError } from "../api/host-error.ts";
import { untilAborted } from "../api/stream.ts";

/** What every call of the control plane takes besides. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** One request. */
export interface ControlRequest extends CallOptions {
  /** The command's name in the SDK. */
  readonly command: string;
  readonly input: object;
  readonly doing: string;
  /** Milliseconds the caller has left. */
  readonly leftMs?: number | undefined;
  /** What must not be shown, such as a key that is stored over there. */
  readonly secrets?: readonly string[] | undefined;
}

/** What was answered, as plain JSON. */
export type Answer = Readonly<Record<string, unknown>>;

/** How requests are made. */
export interface RequestRules {
  readonly clock: Clock;
  /** Milliseconds for one request with all its tries. */
  readonly requestMs: number;
}

const POLICY: RetryPolicy = retryPolicy({ attempts: 3, firstDelayMs: 500, maxRetryAfterMs: 30_000 });
const PAGE = 100;
/** A list that never ends, by a token that repeats, is a fault over there and no reason to ask for ever. */
const MAX_PAGES = 1_000;

/** Sends requests; which method is called says what may be repeated. */
export class ControlRequests {
  readonly clock: Clock;
  readonly #plane: Plane;
  readonly #requestMs: number;

  constructor(plane: Plane, { clock, requestMs }: RequestRules) {
    this.#plane = plane;
    this.clock = clock;
    this.#requestMs = requestMs;
  }

  /** Repeats it while that may help: nothing is changed by it, or not twice. */
  repeat(request: ControlRequest): Promise<Answer> {
    return this.#send(request, repeatable);
  }

  /** Repeats it only where it was certainly not taken. */
  once(request: ControlRequest): Promise<Answer> {
    return this.#send(request, (error) => error);
  }

  /** All pages of a list; `member` is the field of the answer that holds the items. */
  async *list(request: ControlRequest, member: string): AsyncGenerator<Answer, void, void> {
    let nextToken: unknown;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const input = { ...request.input, maxResults: PAGE, nextToken };
      const answer = await this.repeat({ ...request, input });
      const items = answer[member];
      if (!Array.isArray(items)) throw unexpected(request.doing, `no list of ${member}`);
      for (const item of items) {
        if (!isObject(item)) throw unexpected(request.doing, `an item that is no object`);
        yield item;
      }
      const before = nextToken;
      nextToken = answer["nextToken"];
      if (typeof nextToken !== "string" || nextToken === "") return;
      if (nextToken === before) throw unexpected(request.doing, "the same page again");
    }
    throw unexpected(request.doing, `more than ${MAX_PAGES} pages`);
  }

  async #send(request: ControlRequest, judge: (error: LoophostError) => LoophostError): Promise<Answer> {
    const { doing, signal = new AbortController().signal, leftMs = Infinity, secrets } = request;
    const limitMs = Math.max(1, Math.min(this.#requestMs, leftMs) / POLICY.attempts);
    try {
      return await withRetry(() => this.#try(request, limitMs, signal), {
        policy: POLICY,
        clock: this.clock,
        signal,
        toError: (thrown) => judge(toHostError(thrown, doing, secrets)),
      });
    } catch (thrown) {
      if (signal.aborted) throw new LoophostError("aborted", `${doing}: it was aborted.`);
      throw thrown;
    }
  }

  async #try(
    { command, input, doing }: ControlRequest,
    limitMs: number,
    signal: AbortSignal,
  ): Promise<Answer> {
    const stopping = new AbortController();
    const unlink = onAbort([signal], (reason) => stopping.abort(reason));
    const cancel = this.clock.after(limitMs, () => stopping.abort(tooSlow(doing, limitMs)));
    try {
      const sent = this.#plane.send(command, input, stopping.signal);
      return toPlain(await untilAborted(sent, stopping.signal));
    } catch (thrown) {
      throw stopping.signal.aborted ? stopping.signal.reason : thrown;
    } finally {
      cancel();
      unlink();
    }
  }
}

/** The error of a request that changes nothing, or not twice: a lost reply is no reason not to ask again. */
export function repeatable(error: LoophostError): LoophostError {
  const isUnclear = error.code === "host_failed" && (error.status === undefined || error.status >= 500);
  if (!isUnclear) return error;
  const { code, message, status, hostCode, requestId, retryAfterMs } = error;
  return new LoophostError(code, message, { status, hostCode, requestId, retryAfterMs, mayRetry: true });
}

/** The error of an answer that is not what the service's model says. */
export function unexpected(doing: string, what: string): LoophostError {
  return new LoophostError("host_protocol", `${doing}: AgentCore answered with ${what}.`, {
    mayRetry: false,
  });
}

function tooSlow(doing: string, limitMs: number): LoophostError {
  const message = `${doing}: AgentCore did not answer within ${Math.round(limitMs)} ms.`;
  return new LoophostError("host_failed", message, { hostCode: "request_timeout", mayRetry: false });
}

/** A copy that is plain JSON: dates as strings, and nothing of the SDK's, whose metadata is of no use to anybody. */
function toPlain(answer: Answer): Answer {
  const plain: unknown = JSON.parse(JSON.stringify({ ...answer, $metadata: undefined }));
  return isObject(plain) ? plain : {};
}
