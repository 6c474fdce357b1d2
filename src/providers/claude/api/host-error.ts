/** What a request threw, as a typed error without secrets, and what it says about the request itself. */

import type { ErrorDetails } from "../../../core/errors.ts";
import { LoophostError, messageOf } from "../../../core/errors.ts";
import { isObject } from "../../../core/json.ts";
import { isBlockedPort } from "../../../core/wire/http.ts";
import { readRetryAfter } from "../../../core/wire/retry-after.ts";
import { hideSecrets, withoutSecrets } from "../../../core/wire/secrets.ts";

const MAX_MESSAGE_CHARS = 500;

/** The typed error for anything a request threw. The SDK's error classes are told apart by their fields alone. */
export function toHostError(thrown: unknown, doing: string, secrets: readonly string[] = []): LoophostError {
  if (thrown instanceof LoophostError) return thrown;
  const hide = (text: string) => hideSecrets(text, secrets);
  const cause = withoutSecrets(thrown, secrets);
  const { status, error: body, headers, requestID } = isObject(thrown) ? thrown : {};
  if (typeof status !== "number")
    return new LoophostError("host_unreachable", `${doing}: ${hide(messageOf(thrown))}`, {
      cause,
      mayRetry: isBlockedPort(thrown) ? false : undefined,
    });
  if (status >= 300 && status < 400) {
    const message = `${doing}: the host answered ${status}, a redirect, which is not followed: it would take the key along. Check baseUrl.`;
    return new LoophostError("host_protocol", message, { cause, status, mayRetry: false });
  }
  const { code, message } = readBody(body);
  const said = hide(message ?? messageOf(thrown)).slice(0, MAX_MESSAGE_CHARS);
  const inWords = `${doing}: the host answered ${status}${code === undefined ? "" : ` (${code})`}: ${said}`;
  return new LoophostError(status >= 500 ? "host_failed" : "host_rejected", inWords, {
    cause,
    status,
    hostCode: code,
    requestId: typeof requestID === "string" ? requestID : undefined,
    ...(headers instanceof Headers && readHeaders(headers)),
  });
}

/** The same error with another message. */
export function reworded(error: LoophostError, message: string, changes: ErrorDetails = {}): LoophostError {
  const { code, status, hostCode, requestId, retryAfterMs, mayRetry } = error;
  const details = { cause: error, status, hostCode, requestId, retryAfterMs, mayRetry };
  return new LoophostError(code, message, { ...details, ...changes });
}

/**
 * Whether a failed request certainly had no effect: the host refused it, or no connection was made. Only then a repeat
 * is safe.
 */
export function wasNotTaken(error: LoophostError): boolean {
  if (error.status !== undefined) return NOT_TAKEN.has(error.status);
  let cause: unknown = error.cause;
  for (let depth = 0; depth < 8 && cause instanceof Error; depth += 1) {
    if ("code" in cause && NEVER_CONNECTED.has(cause.code)) return true;
    ({ cause } = cause);
  }
  return false;
}

/** Whether a failed request may have taken effect all the same (ambiguous): its reply was lost, or says nothing. */
export function mayHaveBeenTaken(error: LoophostError): boolean {
  if (!error.code.startsWith("host_") || wasNotTaken(error)) return false;
  return error.status === undefined || error.status === 408 || error.status >= 500;
}

const NOT_TAKEN: ReadonlySet<number> = new Set([429, 503, 529]);
/** Error codes of Node and of Bun. */
const NEVER_CONNECTED: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
  "ConnectionRefused",
]);

/** The most specific error code the host gives, and its message. */
function readBody(body: unknown): {
  readonly code: string | undefined;
  readonly message: string | undefined;
} {
  const error = isObject(body) && isObject(body["error"]) ? body["error"] : body;
  const { type, message, details } = isObject(error) ? error : {};
  const particular = isObject(details) ? details["error_code"] : undefined;
  return {
    code: [particular, type].find((word) => typeof word === "string"),
    message: typeof message === "string" ? message : undefined,
  };
}

function readHeaders(headers: Headers): { retryAfterMs?: number; mayRetry?: boolean } {
  const retryAfterMs = readRetryAfter(headers);
  const word = headers.get("x-should-retry");
  return {
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...((word === "true" || word === "false") && { mayRetry: word === "true" }),
  };
}
