/**
 * Writes down what the model does in a turn: the span of each model request, and what it thinks and says in it.
 *
 * A preview and the event it becomes share one id. A preview that becomes nothing is closed by the end of its span.
 */

import type { Usage } from "../../core/results.ts";
import { addUsage, NO_USAGE } from "../../core/results.ts";
import type { AssistantMessage } from "../../core/transcript.ts";
import { newId } from "../records/ids.ts";
import type { WireEvent, WirePreview } from "../wire/wire-events.ts";
import { requestEnded, wireEvent } from "../wire/wire-events.ts";

/** Where a turn is written down. */
export interface TurnPaper {
  say(event: WireEvent, said?: AssistantMessage): void;
  preview(event: WirePreview): void;
}

/** The writer of one run's turns. */
export class TurnWriter {
  readonly #paper: TurnPaper;
  #span: string | undefined;
  /** What the model answered to the open request, to be kept with its end. */
  #said: AssistantMessage | undefined;
  #spent: Usage = NO_USAGE;
  #thinking: string | undefined;
  #message: string | undefined;

  constructor(paper: TurnPaper) {
    this.#paper = paper;
  }

  /** A model request starts; one that was open has ended. */
  beginRequest(): void {
    this.endRequest(false);
    const span = wireEvent("span.model_request_start");
    this.#paper.say(span);
    this.#span = span.id;
  }

  /** The open model request, if any, has ended; so have its previews. */
  endRequest(isError: boolean): void {
    if (this.#span === undefined) return;
    this.#paper.say(requestEnded(this.#span, isError, this.#spent), this.#said);
    this.#said = undefined;
    this.#span = undefined;
    this.#spent = NO_USAGE;
    this.dropPreviews();
  }

  /** What was previewed will not come: the model starts that message again. */
  dropPreviews(): void {
    this.#thinking = undefined;
    this.#message = undefined;
  }

  /** The model answered; its words are kept when the open request ends. */
  answered(said: AssistantMessage): void {
    this.#said = said;
  }

  /** Tokens were spent on the open request. */
  spend(usage: Usage): void {
    this.#spent = addUsage(this.#spent, usage);
  }

  /** The model is thinking: that is emitted, the content is not. */
  think(): void {
    if (this.#thinking !== undefined) return;
    this.#thinking = newId("sevt");
    this.#paper.preview({ type: "event_start", event: { type: "agent.thinking", id: this.#thinking } });
  }

  /** A piece of what the model says. */
  say(text: string): void {
    this.endThinking();
    if (this.#message === undefined) {
      this.#message = newId("sevt");
      this.#paper.preview({ type: "event_start", event: { type: "agent.message", id: this.#message } });
    }
    this.#paper.preview({
      type: "event_delta",
      event_id: this.#message,
      delta: { type: "content_delta", index: 0, content: { type: "text", text } },
    });
  }

  /** All the model said. */
  message(text: string): void {
    this.endThinking();
    this.#paper.say(wireEvent("agent.message", { content: [{ type: "text", text }] }, this.#message));
    this.#message = undefined;
  }

  /** The model does something else than think. */
  endThinking(): void {
    if (this.#thinking === undefined) return;
    this.#paper.say(wireEvent("agent.thinking", {}, this.#thinking));
    this.#thinking = undefined;
  }
}
