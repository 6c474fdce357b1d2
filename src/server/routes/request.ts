/** What the routes know of a request. */

import type { Context } from "hono";

import type { JsonObject } from "../../core/json.ts";
import { Refusal } from "../errors.ts";
import { parseBody } from "../fields.ts";

/** What travels with a request through the routes. */
export interface HostEnv {
  readonly Bindings: {
    readonly requestId: string;
    /** Whether only this machine may ask. */
    readonly isLocalOnly: boolean;
  };
  readonly Variables: { readonly body: string };
}

/** A request in a route. */
export type HostContext = Context<HostEnv>;

const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** The query of a request. */
export function queryOf(c: HostContext): URLSearchParams {
  return new URL(c.req.url).searchParams;
}

/** The body of a request, which must be a JSON object. */
export function bodyOf(c: HostContext): JsonObject {
  return parseBody(c.get("body"));
}

/**
 * Reads a request's body.
 *
 * @throws Refusal when it is too large, as early as that is known
 */
export async function readBody({ headers, body }: Request): Promise<string> {
  if (Number(headers.get("content-length")) > MAX_BODY_BYTES) throw tooLarge();
  const decoder = new TextDecoder();
  let bytes = 0;
  let text = "";
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BODY_BYTES) throw tooLarge();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function tooLarge(): Refusal {
  return new Refusal("request_too_large", `A request may have at most ${MAX_BODY_BYTES} bytes.`);
}
