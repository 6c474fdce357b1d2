/**
 * The one error class. Its `code` says which of a closed set of things happened; fields carry the rest.
 *
 * What is *not* a LoophostError: a tool that fails (that is a result for the model), and a run the host
 * ended (that is a `PartialResult`, whatever its terminal).
 */

import { withoutUndefined } from "./json.ts";
import type { PartialResult } from "./results.ts";

/** Every way a call into this library can fail. */
export type ErrorCode =
  /** An argument or definition is wrong; nothing was sent. */
  | "invalid_agent"
  | "invalid_tool"
  | "invalid_options"
  | "missing_dependency"
  | "missing_credentials"
  /** The run was stopped from this side. The host was told to stop, as far as it can be told. */
  | "aborted"
  | "timeout"
  | "max_turns_exceeded"
  | "halted"
  /** The host was done, but the structured output the agent owes never came. */
  | "no_output"
  /** A session holds one run at a time, none once it is closed, and has one owner. */
  | "session_busy"
  | "session_owned"
  | "session_closed"
  | "session_not_found"
  /** This call has been approved, denied or answered already; the first decision holds. */
  | "already_decided"
  /** The loop host or the model: not reached, refused us, failed, or said something we cannot follow. */
  | "host_unreachable"
  | "host_rejected"
  | "host_failed"
  | "host_protocol"
  | "reply_too_large"
  | "unresolved_requires_action"
  /** What sessions are made from could not be had at the host: it failed there, or was not ready or gone in time. */
  | "provision_failed"
  | "provision_timeout"
  /** The session has no file of that name. */
  | "artifact_not_found"
  /** The reader of a run fell too far behind; the run itself goes on. */
  | "slow_consumer"
  /** The store refused or lost a write; `stale_owner` when another process took the session over. */
  | "store_failed"
  /** What the store holds is not what was written: a bit flipped on the disk, a file cut off, lost commits. */
  | "store_damaged"
  | "stale_owner"
  /** A session's inbox is full (backpressure): 1,000 requests wait in it. */
  | "inbox_full"
  /** Crash loop: each worker that ran this run died before it recorded anything, so it is not retried. */
  | "worker_lost"
  /** A stored session was opened with an agent that is not the one it was begun with. */
  | "agent_changed";

/** What an error may carry beside its code and message. */
export interface ErrorDetails {
  /** What made this happen. Never shown to a model. */
  readonly cause?: unknown;
  /** The HTTP status the host answered with. */
  readonly status?: number | undefined;
  /** The host's own error type, verbatim. */
  readonly hostCode?: string | undefined;
  /** The host's id of the refused request, for its support desk. */
  readonly requestId?: string | undefined;
  /** How long the host asked us to wait before another try, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** The host's own retry hint, such as `x-should-retry`; undefined when it gave none. */
  readonly mayRetry?: boolean | undefined;
  /** What the run had achieved when it failed. */
  readonly result?: PartialResult | undefined;
}

/** Everything this library throws or rejects with. */
export class LoophostError extends Error {
  override readonly name = "LoophostError";
  readonly code: ErrorCode;
  // Only declared: a printed error shows the fields that are there, and none of the others.
  declare readonly status: number | undefined;
  declare readonly hostCode: string | undefined;
  declare readonly requestId: string | undefined;
  declare readonly retryAfterMs: number | undefined;
  declare readonly mayRetry: boolean | undefined;
  declare readonly result: PartialResult | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    const { cause, result, ...shown } = details;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    Object.assign(this, withoutUndefined(shown));
    // Not enumerable: a printed error shows what went wrong, not the whole conversation.
    Object.defineProperty(this, "result", { value: result, enumerable: false });
  }
}

/** The same error, carrying what the run had achieved. */
export function withResult(error: LoophostError, result: PartialResult): LoophostError {
  // oxlint-disable-next-line no-misused-spread -- its fields alone: a new error is made of them
  const copy = new LoophostError(error.code, error.message, { ...error, cause: error.cause, result });
  if (error.stack !== undefined) copy.stack = error.stack;
  return copy;
}

/** A run that failed, with what it had achieved. */
export type RunError = LoophostError & { readonly result: PartialResult };

/** Whether something thrown is a run that failed: then `result` holds what it had achieved. */
export function isRunError(thrown: unknown): thrown is RunError {
  return thrown instanceof LoophostError && thrown.result !== undefined;
}

/** Whether something thrown is a LoophostError with one of these codes. */
export function hasCode(thrown: unknown, ...codes: readonly ErrorCode[]): thrown is LoophostError {
  return thrown instanceof LoophostError && codes.includes(thrown.code);
}

/** Turns anything thrown into a LoophostError; one that already is passes through untouched. */
export function toLoophostError(thrown: unknown, code: ErrorCode, doing: string): LoophostError {
  try {
    if (thrown instanceof LoophostError) return thrown;
  } catch {
    // A proxy that throws is none of ours.
  }
  return new LoophostError(code, `${doing}: ${messageOf(thrown)}`, { cause: thrown });
}

const UNKNOWN = "an unknown error";

/**
 * The message of anything thrown, with that of its deepest cause: "fetch failed" alone helps nobody. Contained: a getter or a
 * proxy that throws would be an unhandled rejection where the error is reported.
 */
export function messageOf(thrown: unknown): string {
  try {
    if (!(thrown instanceof Error)) return typeof thrown === "string" ? thrown : UNKNOWN;
    let deepest: Error & { readonly code?: unknown } = thrown;
    for (let depth = 0; depth < 8 && deepest.cause instanceof Error; depth += 1) deepest = deepest.cause;
    const message = thrown.message || thrown.name;
    // Node gives a refused connection to several addresses a code and no message.
    const bottom = deepest.message || (typeof deepest.code === "string" ? deepest.code : "");
    return deepest === thrown || bottom === "" || message.includes(bottom)
      ? message
      : `${message.replace(/\.$/, "")} (${bottom})`;
  } catch {
    return UNKNOWN;
  }
}

/**
 * Whether a retry may help: by the host's own hint, else by what happened. The only place that decides it.
 *
 * Follows the official SDKs: 408, 429, every 5xx (529 included) and anything that never got a status. 409 is left out
 * on purpose: to us it is an answer ("already there"), not a transient failure.
 */
export function isTransient(error: LoophostError): boolean {
  if (error.mayRetry !== undefined) return error.mayRetry;
  if (error.code === "host_unreachable") return true;
  if (error.code !== "host_failed" && error.code !== "host_rejected") return false;
  return error.status === undefined
    ? error.code === "host_failed"
    : error.status === 408 || error.status === 429 || error.status >= 500;
}
