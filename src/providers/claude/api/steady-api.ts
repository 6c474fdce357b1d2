/**
 * The service's API over an unreliable network: every request has a deadline, and reads are retried. What changes
 * something is sent once; only its caller knows whether a repeat is safe.
 */

import { onAbort } from "../../../core/async/abort.ts";
import { contained } from "../../../core/async/contained.ts";
import type { RetryPolicy } from "../../../core/async/retry.ts";
import { retryPolicy, withRetry } from "../../../core/async/retry.ts";
import type { Clock } from "../../../core/clock.ts";
import { systemClock } from "../../../core/clock.ts";
import { LoophostError, toLoophostError } from "../../../core/errors.ts";
import type { ClaudeApi } from "./client.ts";
import { toHostError } from "./host-error.ts";

/** Timeouts and retries of an API. */
export interface SteadyOptions {
  readonly clock?: Clock | undefined;
  /** Milliseconds until a request counts as lost. Files have ten times as long. Default 60 000. */
  readonly timeoutMs?: number | undefined;
  readonly retry?: Partial<RetryPolicy> | undefined;
  readonly onRetry?: ((attempt: number, delayMs: number, error: LoophostError) => void) | undefined;
}

/** Adds deadlines and retries to an API. Streams are left alone: their readers watch over them. */
export function steadyApi(api: ClaudeApi, options: SteadyOptions): ClaudeApi {
  const { clock = systemClock, timeoutMs = 60_000, retry, onRetry } = options;
  const once = <T>(what: string, work: Work<T>, outer?: AbortSignal, ms = timeoutMs) =>
    bounded(what, work, { clock, ms, outer });
  const again = <T>(what: string, work: Work<T>, outer?: AbortSignal, ms = timeoutMs) =>
    withRetry(() => once(what, work, outer, ms), {
      policy: retryPolicy(retry),
      clock,
      signal: outer ?? new AbortController().signal,
      toError: (thrown) => toHostError(thrown, what),
      onRetry: (...about) => contained(() => onRetry?.(...about)),
    }).catch((thrown: unknown) => {
      // Aborted between two attempts: reject with the caller's own reason.
      throw toLoophostError(thrown, "aborted", what);
    });
  return {
    get: (path, query, signal) => again(`GET ${path}`, (within) => api.get(path, query, within), signal),
    post: (path, body, signal, headers) =>
      once(`POST ${path}`, (within) => api.post(path, body, within, headers), signal),
    delete: (path, signal) => once(`DELETE ${path}`, (within) => api.delete(path, within), signal),
    upload: (path, form, signal) =>
      once(`POST ${path}`, (within) => api.upload(path, form, within), signal, timeoutMs * 10),
    uploadStream: (path, body, contentType, signal) =>
      once(
        `POST ${path}`,
        (within) => api.uploadStream(path, body, contentType, within),
        signal,
        timeoutMs * 10,
      ),
    // Until it is open; whoever reads it watches over it from then on.
    downloadStream: (path, signal) =>
      again(`GET ${path}`, (within) => api.downloadStream(path, within), signal),
    download: (path, maxBytes, signal) =>
      again(`GET ${path}`, (within) => api.download(path, maxBytes, within), signal, timeoutMs * 10),
    stream: (path, query, signal, headers) => api.stream(path, query, signal, headers),
  };
}

type Work<T> = (signal: AbortSignal) => Promise<T>;

/** Runs a request with a deadline; when the caller aborts it rejects with the caller's reason. */
function bounded<T>(
  what: string,
  work: (signal: AbortSignal) => Promise<T>,
  {
    clock,
    ms,
    outer,
  }: { readonly clock: Clock; readonly ms: number; readonly outer: AbortSignal | undefined },
): Promise<T> {
  const request = new AbortController();
  const cancel = clock.after(ms, () =>
    request.abort(new LoophostError("host_unreachable", `${what}: no reply came within ${ms} ms.`)),
  );
  const unlink = onAbort([outer], (reason) => request.abort(toLoophostError(reason, "aborted", what)));
  return new Promise<T>((resolve, reject) => {
    // Not every custom `fetch` rejects on abort: without this a caller would hang after its timeout.
    onAbort([request.signal], reject);
    work(request.signal).then(resolve, reject);
  }).finally(() => {
    cancel();
    unlink();
  });
}
