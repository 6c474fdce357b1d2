/**
 * The error replies of the host, in the wire's form.
 *
 * A refusal is a reply, not a failure of this library, so it is no LoophostError and never leaves the host.
 */

import type { JsonObject } from "../../core/json.ts";

/** The error types of the wire this host uses, with the status each goes with. */
const STATUS = {
  invalid_request_error: 400,
  authentication_error: 401,
  permission_error: 403,
  not_found_error: 404,
  conflict_error: 409,
  request_too_large: 413,
  api_error: 500,
} as const;

/** The status of a reply to a host that passed a request on to one that does not have the session. */
export const MISDIRECTED = 421;

/** The status of a request whose client has closed the connection: nobody reads the reply. */
export const CLIENT_GONE = 499;

/** A request that is answered with an error. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly type: keyof typeof STATUS;
  readonly details: JsonObject | undefined;
  readonly status: number;

  constructor(
    type: keyof typeof STATUS,
    message: string,
    details?: JsonObject,
    status: number = STATUS[type],
  ) {
    super(message);
    this.type = type;
    this.details = details;
    this.status = status;
  }
}

/** Refuses a request that is wrong in itself, or wrong now. */
export function invalid(message: string, errorCode?: string): Refusal {
  return new Refusal(
    "invalid_request_error",
    message,
    errorCode === undefined ? undefined : { error_code: errorCode },
  );
}

/** Refuses a request for something that is not there. */
export function notFound(what: string, errorCode?: string): Refusal {
  return new Refusal(
    "not_found_error",
    `${what} was not found.`,
    errorCode === undefined ? undefined : { error_code: errorCode },
  );
}

/** Returns the record, or throws a 404. */
export function found<T>(record: T | undefined, what: string, errorCode?: string): T {
  if (record === undefined) throw notFound(what, errorCode);
  return record;
}

/** Refuses whatever comes after the end of the host. */
export function hostClosed(): Refusal {
  return new Refusal("api_error", "This host was closed.");
}

/** Refuses whatever comes to a host whose store was taken from it. */
export function storeTaken(): Refusal {
  return new Refusal("api_error", "Another host took over from this one.", undefined, 503);
}

/** The reply to a request that threw. Only a refusal's message is shown: others may hold paths, addresses or keys. */
export function errorResponse(thrown: unknown, requestId: string): Response {
  const refusal =
    thrown instanceof Refusal ? thrown : new Refusal("api_error", "The host failed to answer this request.");
  const { type, message, details, status } = refusal;
  return Response.json(
    { type: "error", error: { type, message, ...(details && { details }) }, request_id: requestId },
    {
      status,
      // The official SDKs retry a 409 by default; here a conflict is an answer, so tell them not to.
      headers: type === "conflict_error" ? { "x-should-retry": "false" } : {},
    },
  );
}
