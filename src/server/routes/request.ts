/** What the routes know of a request. */

import type { Context } from "hono";

import type { JsonObject } from "../../core/json.ts";
import { atMostBytes, readBytes } from "../../core/wire/body.ts";
import { Refusal } from "../http/errors.ts";
import { parseBody } from "../http/fields.ts";
import type { KeyedPost } from "../http/idempotency.ts";

/** What travels with a request through the routes. */
export interface HostEnv {
  readonly Bindings: {
    readonly requestId: string;
    /** Whether only this machine may ask. */
    readonly isLocalOnly: boolean;
    /** Whether this opens a stream again, for a client that has the beginning of it. */
    readonly isContinued?: boolean;
  };
  readonly Variables: {
    readonly body: Uint8Array<ArrayBuffer>;
    /** What a post with an Idempotency-Key is known by. */
    readonly keyed?: KeyedPost;
    /** Whether another host on the store passed it on to this one. */
    readonly isPassedOn: boolean;
  };
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
  return parseBody(new TextDecoder().decode(c.get("body")));
}

/** The body of a request that may do without one. */
export function optionalBodyOf(c: HostContext): JsonObject {
  return c.get("body").byteLength === 0 ? {} : bodyOf(c);
}

/**
 * Reads a request's body.
 *
 * @throws Refusal when it is too large, as early as that is known
 */
export async function readBody(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  const length = request.headers.get("content-length");
  if (Number(length) > MAX_BODY_BYTES) throw tooLarge();
  // Node holds a body to its stated length, and reads it far cheaper as a whole than as a stream.
  if (length !== null) return new Uint8Array(await request.arrayBuffer());
  return readBytes(request.body, atMostBytes(MAX_BODY_BYTES, tooLarge));
}

function tooLarge(): Refusal {
  return new Refusal("request_too_large", `A request may have at most ${MAX_BODY_BYTES} bytes.`);
}
