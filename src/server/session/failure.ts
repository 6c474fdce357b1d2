/**
 * Decides what clients may see of a failure, and what is for the operator only.
 *
 * A model function is the operator's own code: its errors may name files, addresses and keys of this machine.
 */

import { LoophostError, toLoophostError } from "../../core/errors.ts";
import { Refusal } from "../http/errors.ts";
import type { WireEvent } from "../wire/wire-events.ts";
import { errorEvent } from "../wire/wire-events.ts";

/** Tells clients that a session could not go on. */
export function failureEvent(thrown: unknown): WireEvent {
  const error = toLoophostError(thrown, "host_failed", "The session could not go on");
  return errorEvent(errorTypeOf(error), clientWord(thrown), "exhausted");
}

/** What is said to clients: a service's own words, and ours about limits of the wire. */
export function clientWord(thrown: unknown): string {
  if (thrown instanceof Refusal) return thrown.message;
  if (!(thrown instanceof LoophostError)) return "The session could not go on.";
  const { code, message, status, cause } = thrown;
  if (code === "max_turns_exceeded") return message;
  // With a status it came from a model service; else the cause is what somebody's code threw.
  if (code === "host_failed" && status === undefined && cause !== undefined) return "The model failed.";
  return code.startsWith("host_") ? message : "The session could not go on.";
}

/** The wire's name for what ended a run. */
function errorTypeOf(error: LoophostError): string {
  if (error.code === "max_turns_exceeded") return "tool_use_limit_reached_error";
  if (error.status === 402) return "billing_error";
  if (error.status === 429) return "model_rate_limited_error";
  if (error.status === 503 || error.status === 529) return "model_overloaded_error";
  return error.code.startsWith("host_") ? "model_request_failed_error" : "unknown_error";
}
