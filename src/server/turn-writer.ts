/**
 * Writes down what the model does in a turn: the span of each model request, and what it thinks and says in it.
 *
 * A preview and the event it becomes share one id. A preview that becomes nothing is closed by the end of its span.
 */

import type { Usage } from "../core/results.ts";
import { addUsage, NO_USAGE } from "../core/results.ts";
import type { EventLog } from "./event-log.ts";
import { newId } from "./ids.ts";
import { wireEvent } from "./wire-events.ts";

/** The writer of one session's turns. */
export class TurnWriter {
  readonly #log: EventLog;
  #span: string | undefined;
  #spent: Usage = NO_USAGE;
  #thinking: string | undefined;
  #message: string | undefined;

  constructor(log: EventLog) {
    this.#log = log;
  }

  /** A model request starts; one that was open has ended. */
  beginRequest(): void {
    this.endRequest(false);
    const span = wireEvent("span.model_request_start");
    this.#log.append(span);
    this.#span = span.id;
  }

  /** The open model request, if any, has ended; so have its previews. */
  endRequest(isError: boolean): void {
    if (this.#span === undefined) return;
    const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = this.#spent;
    this.#log.append(
      wireEvent("span.model_request_end", {
        model_request_start_id: this.#span,
        is_error: isError,
        model_usage: {
          input_tokens: inputTokens,
          output_tokens: outputTokens,
          cache_creation_input_tokens: cacheWriteTokens,
          cache_read_input_tokens: cacheReadTokens,
        },
      }),
    );
    this.#span = undefined;
    this.#spent = NO_USAGE;
    this.dropPreviews();
  }

  /** What was previewed will not come: the model starts that message again. */
  dropPreviews(): void {
    this.#thinking = undefined;
    this.#message = undefined;
  }

  /** Tokens were spent on the open request. */
  spend(usage: Usage): void {
    this.#spent = addUsage(this.#spent, usage);
  }

  /** The model thinks. That it does is told; what, is not. */
  think(): void {
    if (this.#thinking !== undefined) return;
    this.#thinking = newId("sevt");
    this.#log.preview({ type: "event_start", event: { type: "agent.thinking", id: this.#thinking } });
  }

  /** A piece of what the model says. */
  say(text: string): void {
    this.endThinking();
    if (this.#message === undefined) {
      this.#message = newId("sevt");
      this.#log.preview({ type: "event_start", event: { type: "agent.message", id: this.#message } });
    }
    this.#log.preview({
      type: "event_delta",
      event_id: this.#message,
      delta: { type: "content_delta", index: 0, content: { type: "text", text } },
    });
  }

  /** All the model said. */
  message(text: string): void {
    this.endThinking();
    this.#log.append(wireEvent("agent.message", { content: [{ type: "text", text }] }, this.#message));
    this.#message = undefined;
  }

  /** The model does something else than think. */
  endThinking(): void {
    if (this.#thinking === undefined) return;
    this.#log.append(wireEvent("agent.thinking", {}, this.#thinking));
    this.#thinking = undefined;
  }
}
