/**
 * What a request threw, as a typed error that holds no secret. The SDK's errors carry the request with its signature and
 * session token, and its clients the credentials: they are copied field by field, and never kept as `cause`.
 *
 *   E1  only a connection that never came about, and the service's own "too many" or "not now", may be tried again: after
 *       anything else the agent may have run
 */

import { LoophostError, messageOf } from "../../../core/errors.ts";
import { isObject } from "../../../core/json.ts";
import { readRetryAfter } from "../../../core/wire/retry-after.ts";

const MAX_MESSAGE_CHARS = 500;

/** The typed error for anything a request threw; `secrets` are cut out of what the service says. */
export function toHostError(thrown: unknown, doing: string, secrets: readonly string[] = []): LoophostError {
  if (thrown instanceof LoophostError) return thrown;
  const { name, code, $metadata: metadata } = isObject(thrown) ? thrown : {};
  const hide = (text: string) =>
    secrets.reduce((said, secret) => (secret === "" ? said : said.replaceAll(secret, "[key]")), text);
  const said = hide(messageOf(thrown)).slice(0, MAX_MESSAGE_CHARS);
  const hostCode = typeof name === "string" ? hide(name) : undefined;
  if (hostCode === "CredentialsProviderError" || said.startsWith("Region is missing"))
    return new LoophostError(
      "missing_credentials",
      `${doing}: there are no AWS credentials. Set them up as for any AWS SDK, or pass credentials or bearerToken.`,
    );
  const { httpStatusCode: status, requestId } = isObject(metadata) ? metadata : {};
  if (typeof status === "number" && status >= 300)
    return new LoophostError(
      status >= 500 || status === 424 ? "host_failed" : "host_rejected",
      `${doing}: AgentCore answered ${status} (${hostCode ?? "unnamed"}): ${said}`,
      {
        status,
        hostCode,
        requestId: typeof requestId === "string" ? hide(requestId) : undefined,
        mayRetry: status === 429 || (status === 409 && hostCode === "RetryableConflictException"),
        retryAfterMs: retryAfterOf(thrown),
      },
    );
  if (isConnectFailure(thrown))
    return new LoophostError("host_unreachable", `${doing}: AgentCore could not be reached: ${said}`);
  return new LoophostError("host_failed", `${doing}: the connection to AgentCore failed: ${said}`, {
    hostCode: typeof code === "string" ? hide(code) : undefined,
    mayRetry: false,
  });
}

/** Whether nothing was sent, as only a failed look-up or connect proves: a reset says nothing of what went before it. */
function isConnectFailure(thrown: unknown): boolean {
  let cause = thrown;
  for (let depth = 0; depth < 8 && isObject(cause); depth += 1) {
    const { syscall, code, errors, cause: deeper } = cause;
    if (syscall === "connect" || syscall === "getaddrinfo" || code === "ENOTFOUND") return true;
    if (Array.isArray(errors) && errors.length > 0) return errors.every(isConnectFailure);
    cause = deeper;
  }
  return false;
}

function retryAfterOf(thrown: unknown): number | undefined {
  const response = isObject(thrown) ? thrown["$response"] : undefined;
  const headers = isObject(response) && isObject(response["headers"]) ? response["headers"] : {};
  const asked = new Headers();
  for (const name of ["retry-after", "date"]) {
    const value = headers[name];
    if (typeof value === "string") asked.set(name, value);
  }
  return readRetryAfter(asked);
}
