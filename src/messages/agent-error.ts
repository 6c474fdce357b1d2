/** The error of a run over messages: one class, two kinds. */

import type { LoophostError } from "../core/errors.ts";
import type { Message } from "./message.ts";

/**
 * A run over messages that came to no end: the limit of iterations was reached, or something else failed, for which `cause.code` has the word:
 * the API call, an abort, a deadline, misuse.
 */
export class AgentError extends Error {
  override readonly name = "AgentError";
  override readonly cause: LoophostError;
  readonly kind: "api_call_failed" | "max_iterations_reached";
  /** The conversation so far. */
  readonly messages: readonly Message[];
  readonly iterations: number;

  constructor(cause: LoophostError, messages: readonly Message[], iterations: number) {
    super(cause.message, { cause });
    this.cause = cause;
    this.kind = cause.code === "max_turns_exceeded" ? "max_iterations_reached" : "api_call_failed";
    this.iterations = iterations;
    // Not enumerable: a printed error shows what went wrong, not the whole conversation.
    Object.defineProperty(this, "messages", { value: messages, enumerable: false });
    this.messages = messages;
  }
}
