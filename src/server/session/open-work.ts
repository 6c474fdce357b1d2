/** Derives the unfinished work of a session from its events, the same for new events and for those in the log. */

import type { Json, JsonObject } from "../../core/json.ts";
import { isJsonObject, typeOf } from "../http/fields.ts";
import type { WireEvent } from "../wire/wire-events.ts";

/** A call that waits for a client. */
export interface OpenCall {
  readonly kind: "custom" | "built-in";
  /** Whether it may not run until somebody confirms it. */
  readonly isAsking: boolean;
}

/** A goal that is worked towards. */
export interface OpenOutcome {
  readonly id: string;
  readonly description: string;
  readonly rubric: Json;
  readonly maxIterations: number;
  /** How often it was graded. */
  readonly iteration: number;
  /** The event with which the grading under way began. */
  readonly evaluation: string | undefined;
}

/** What a session has open. */
export class OpenWork {
  /** Whether a run is open: at work, waiting for a client, or stopped by its budget. */
  isOpen = false;
  /** Whether the run has stopped until a client answers. */
  isWaiting = false;
  /** Whether the run has stopped until its budget allows more. */
  isCapped = false;
  /** Whether the run was told to stop, and has not said that it did. */
  isInterrupted = false;
  /** The model request under way: the event that began it. */
  request: string | undefined;
  outcome: OpenOutcome | undefined;
  /** The calls that wait for a client, by the event that told them. */
  readonly calls: Map<string, OpenCall> = new Map();
  /** What was sent, and waits for its turn. */
  readonly queue: WireEvent[] = [];

  /** How many answers are missing for the run to go on: confirmations, and results. */
  get missing(): number {
    let asking = 0;
    for (const { isAsking } of this.calls.values()) if (isAsking) asking += 1;
    return this.calls.size + asking;
  }

  /** Takes an event in; those it does not name change nothing. */
  apply(event: WireEvent): void {
    switch (event.type) {
      case "session.status_running":
        this.isOpen = true;
        this.isWaiting = this.isCapped = false;
        return;
      case "session.status_idle":
        return this.#rest(stopOf(event));
      case "session.status_terminated":
      case "session.deleted":
        return this.#rest("");
      case "user.message":
      case "user.define_outcome":
      case "system.message":
        return this.#take(event);
      case "user.interrupt":
        this.isInterrupted = this.isOpen && !this.isCapped;
        return;
      case "span.model_request_start":
        this.request = event.id;
        return;
      case "span.model_request_end":
        this.request = undefined;
        return;
      case "span.outcome_evaluation_start":
      case "span.outcome_evaluation_end":
        return this.#grade(event);
      default:
        return this.#call(event);
    }
  }

  #rest(reason: string): void {
    this.isWaiting = reason === "requires_action";
    this.isCapped = reason === "budget_reached";
    this.isOpen = this.isWaiting || this.isCapped;
    if (this.isOpen) return;
    this.isInterrupted = false;
    this.calls.clear();
  }

  /** A message is told when it comes, and again when it is taken if it had to wait. */
  #take(event: WireEvent): void {
    const waiting = this.queue.findIndex(({ id }) => id === event.id);
    if (event.processed_at === null) this.queue.push(event);
    else if (waiting >= 0) this.queue.splice(waiting, 1);
    if (event.type === "user.define_outcome" && event.processed_at !== null) this.outcome = outcomeOf(event);
  }

  #call(event: WireEvent): void {
    switch (event.type) {
      case "agent.custom_tool_use":
        this.calls.set(event.id, { kind: "custom", isAsking: false });
        return;
      case "agent.tool_use":
        if (event["evaluated_permission"] !== "deny")
          this.calls.set(event.id, {
            kind: "built-in",
            isAsking: event["evaluated_permission"] !== "allow",
          });
        return;
      case "user.tool_confirmation": {
        const call = this.calls.get(callIdOf(event));
        if (call !== undefined && event["result"] === "allow")
          this.calls.set(callIdOf(event), { ...call, isAsking: false });
        return;
      }
      case "user.custom_tool_result":
      case "user.tool_result":
      case "agent.tool_result":
        this.calls.delete(callIdOf(event));
    }
  }

  #grade(event: WireEvent): void {
    const { outcome } = this;
    if (outcome === undefined) return;
    if (event.type === "span.outcome_evaluation_start") this.outcome = { ...outcome, evaluation: event.id };
    else if (event["result"] !== "needs_revision") this.outcome = undefined;
    else this.outcome = { ...outcome, iteration: outcome.iteration + 1, evaluation: undefined };
  }
}

/** The call an event is about: the id of the event that told it. */
export function callIdOf(event: JsonObject): string {
  const id = event["custom_tool_use_id"] ?? event["tool_use_id"];
  return typeof id === "string" ? id : "";
}

function stopOf({ stop_reason: reason }: JsonObject): string {
  return isJsonObject(reason) ? typeOf(reason) : "";
}

function outcomeOf(event: WireEvent): OpenOutcome {
  const { outcome_id: id, description, rubric, max_iterations: maxIterations } = event;
  return {
    id: typeof id === "string" ? id : event.id,
    description: typeof description === "string" ? description : "",
    rubric: rubric ?? null,
    maxIterations: typeof maxIterations === "number" ? maxIterations : 1,
    iteration: 0,
    evaluation: undefined,
  };
}
