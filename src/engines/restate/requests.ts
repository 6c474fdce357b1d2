/** Requests to Restate: its ingress, where sessions are woken, and its admin API, where workers are registered. */

import { LoophostError, messageOf } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import { byteLimit, readBytes } from "../../core/wire/body.ts";
import { toRefusal } from "../../core/wire/refusal.ts";
import type { RestateSettings } from "./options.ts";

/**
 * Posts something to Restate; resolves once it is accepted, which is durable there.
 *
 * @throws LoophostError `host_unreachable` when there is no answer in time, `host_rejected` or `host_failed` for a refusal
 */
export async function post(
  { headers = {}, timeoutMs }: RestateSettings,
  url: URL,
  body: Json | undefined,
  along: Readonly<Record<string, string>> = {},
): Promise<void> {
  // A timer that is cleared: that of AbortSignal.timeout() goes off later all the same, and makes an error each time.
  const overtime = new AbortController();
  const timer = setTimeout(() => overtime.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json", ...along },
      body: body === undefined ? null : JSON.stringify(body),
      // A redirect would take the headers along to whom they are not meant for.
      redirect: "manual",
      signal: overtime.signal,
    });
    if (!response.ok) throw await toRefusal(response, RESTATE, secretsIn(headers));
    // Accepted, whatever else it says. Read, or the connection is not free for the next request.
    await readBytes(response.body, byteLimit(MAX_REPLY_BYTES, RESTATE.name)).catch(() => undefined);
  } catch (thrown) {
    if (thrown instanceof LoophostError) throw thrown;
    throw new LoophostError(
      "host_unreachable",
      `Restate at ${url.host} did not answer: ${messageOf(thrown)}.`,
      {
        cause: thrown,
      },
    );
  } finally {
    clearTimeout(timer);
  }
}

/** An address below another, whose own path is kept. */
export function below(base: string, path: string): URL {
  return new URL(path, base.endsWith("/") ? base : `${base}/`);
}

const MAX_REPLY_BYTES = 1024 * 1024;

const RESTATE = { name: "Restate", keyAdvice: "Check the headers of restateEngine()." };

function secretsIn(headers: Readonly<Record<string, string>>): readonly string[] {
  return Object.values(headers).flatMap((value) => [value, value.replace(/^\w+ +/, "")]);
}
