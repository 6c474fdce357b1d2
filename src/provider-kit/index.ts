/**
 * What a provider outside this package needs: the wire tools that our own providers are made of.
 *
 * @experimental It may change in any minor release before 1.0.
 */

export type { Clock } from "../core/clock.ts";
export { systemClock } from "../core/clock.ts";
export { toLoophostError } from "../core/errors.ts";
export { onAbort, sleep } from "../core/async/abort.ts";
export type { RetryPolicy } from "../core/async/retry.ts";
export { DEFAULT_RETRY, retryPolicy, withRetry } from "../core/async/retry.ts";
export type { AttachOptions, StreamSource } from "../core/wire/attached-stream.ts";
export { AttachedStream } from "../core/wire/attached-stream.ts";
export type { ApiKey } from "../core/wire/headers.ts";
export { findApiKey, toHeaders } from "../core/wire/headers.ts";
export type { HttpExchange, HttpReader, HttpService } from "../core/wire/http.ts";
export { exchange, parseObject, toConnectionError } from "../core/wire/http.ts";
export type { ServiceLabel } from "../core/wire/refusal.ts";
export { toRefusal, toStreamError } from "../core/wire/refusal.ts";
export { readRetryAfter } from "../core/wire/retry-after.ts";
export type { SilenceWatch } from "../core/wire/silence.ts";
export { watchSilence } from "../core/wire/silence.ts";
export type { ServerSentEvent } from "../core/wire/sse.ts";
export { readSse } from "../core/wire/sse.ts";
