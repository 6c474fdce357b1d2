/**
 * A message thread: the service holds the conversation, and a request brings only what is new.
 *
 *   T1  a thread is continued only from a reply that came whole and entered our conversation
 *   T2  when that is in doubt, the next request opens a new thread with the whole conversation
 *   T3  a service that cannot hold the conversation is asked without threads from then on
 */

import type { LoophostError } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";
import type { TranscriptMessage } from "../../core/transcript.ts";
import type { ModelReply } from "./model.ts";

/** The beta a request on a thread asks for. */
export const MESSAGE_THREADS_BETA: string = "message-threads-2026-08-12";

type State =
  | { readonly type: "off" }
  | { readonly type: "create" }
  /** A reply came whole; the next message to enter the conversation should be it. */
  | { readonly type: "replied"; readonly id: string; readonly message: TranscriptMessage }
  /** The service holds the first messages of the conversation. */
  | { readonly type: "continue"; readonly id: string; readonly held: number };

/** What the service holds of one conversation. */
export class MessageThread {
  #state: State;
  #replacesLost = false;

  constructor(isWanted: boolean) {
    this.#state = { type: isWanted ? "create" : "off" };
  }

  get isOn(): boolean {
    return this.#state.type !== "off";
  }

  /** The field of the next request. */
  get field(): object {
    return this.#state.type === "continue"
      ? { type: "continue", previous_message_id: this.#state.id }
      : { type: "create" };
  }

  /** How many of the first messages the service holds, so that the next request leaves them out. */
  get held(): number {
    return this.#state.type === "continue" ? this.#state.held : 0;
  }

  /** Told when a message has entered the conversation, which now has `length`. */
  added(message: TranscriptMessage, length: number): void {
    if (this.#state.type !== "replied") return;
    const { id, message: reply } = this.#state;
    this.#state = reply === message ? { type: "continue", id, held: length } : { type: "create" };
  }

  /** Told when the service begins to answer: should the reply break off, it may be held there or not. */
  began(): void {
    if (this.#state.type === "continue") this.#replacesLost = false;
    if (this.isOn) this.#state = { type: "create" };
  }

  /** Told when a reply is whole. */
  replied({ message, ending }: ModelReply): void {
    if (!this.isOn) return;
    const native = isObject(message.native?.message) ? message.native.message : {};
    const { id, usage } = native;
    const isHeld = typeof id === "string" && ending !== "refusal" && !hasFallback(usage);
    this.#state = isHeld ? { type: "replied", id, message } : { type: "create" };
  }

  /** Told when a request was refused; answers whether to send it again, in the way that was now chosen. */
  recoversFrom({ hostCode = "" }: LoophostError): boolean {
    const isLost = hostCode === "thread_not_found";
    if (this.#state.type === "continue" && (isLost || OVERTAKEN.has(hostCode))) {
      // Lost twice in a row: this service does not keep threads.
      this.#state = { type: isLost && this.#replacesLost ? "off" : "create" };
      this.#replacesLost = isLost;
      return true;
    }
    if (!this.isOn || hostCode !== "thread_unsupported_request") return false;
    this.#state = { type: "off" };
    return true;
  }
}

/** Refusals that mean the thread is not in the state we assumed. */
const OVERTAKEN: ReadonlySet<string> = new Set(["thread_already_continued", "thread_continue_in_flight"]);

/** Whether a fallback model wrote the reply; the service does not hold those. */
function hasFallback(usage: unknown): boolean {
  const iterations = isObject(usage) ? usage["iterations"] : undefined;
  return (
    Array.isArray(iterations) && iterations.some((one) => isObject(one) && one["type"] === "fallback_message")
  );
}
