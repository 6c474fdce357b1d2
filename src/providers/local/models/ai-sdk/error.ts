/** What AI SDK models throw, or report in a stream, as errors of ours: their words differ from provider to provider. */

import type { ErrorCode } from "../../../../core/errors.ts";
import { LoophostError, messageOf } from "../../../../core/errors.ts";
import { isObject } from "../../../../core/json.ts";
import { toRefusal, toStreamError } from "../../../../core/wire/refusal.ts";

/** Turns anything a model failed with into an error that says whether another try may help. */
export async function toModelError(thrown: unknown, name: string): Promise<LoophostError> {
  if (thrown instanceof LoophostError) return thrown;
  const fields = isObject(thrown) ? thrown : {};
  const response = toResponse(fields);
  if (response !== undefined) return toRefusal(response, { name, keyAdvice: KEY_ADVICE }, []);
  if (!(thrown instanceof Error)) return toStreamError(thrown, name);
  const code = fields["isRetryable"] === true ? undefined : codeOf(thrown);
  return code === undefined
    ? new LoophostError("host_unreachable", `The connection to ${name} failed: ${messageOf(thrown)}.`)
    : new LoophostError(code, `${name}: ${messageOf(thrown)}`);
}

const KEY_ADVICE = "Check the API key its provider was made with.";

/** The refusal that made an error, if there was one: providers tell its status, and most what came with it. */
function toResponse(error: Record<string, unknown>): Response | undefined {
  const { statusCode: status, responseBody, responseHeaders, type, message } = error;
  if (typeof status !== "number" || status < 400 || status > 599) return undefined;
  const body = typeof responseBody === "string" && responseBody !== "" ? responseBody : undefined;
  const headers = isObject(responseHeaders) ? Object.entries(responseHeaders) : [];
  return new Response(body ?? JSON.stringify({ type, message }), {
    status,
    headers: headers.map(([key, value]) => [key, String(value)]),
  });
}

/** What an error of the AI SDK's own means, by its name; undefined for others, which come from the connection. */
function codeOf({ name }: Error): ErrorCode | undefined {
  if (!name.startsWith("AI_")) return undefined;
  if (name === "AI_LoadAPIKeyError") return "missing_credentials";
  return BAD_REPLIES.has(name) ? "host_failed" : "host_rejected";
}

/** Replies that cannot be read, as those that were cut off: asking again may help. */
const BAD_REPLIES: ReadonlySet<string> = new Set([
  "AI_APICallError",
  "AI_EmptyResponseBodyError",
  "AI_InvalidResponseDataError",
  "AI_JSONParseError",
  "AI_NoContentGeneratedError",
  "AI_TypeValidationError",
]);
