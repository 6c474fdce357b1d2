/**
 * When a turn begins and how it ends, from what the host says of the session's status.
 *
 *   N1  a turn goes on through a retry, and through a rest with a workflow run open
 *   N2  a rest that follows an interrupt, whoever sent it, is its end; an interrupt of a resting session changes nothing
 *   N3  an error is no end; the last one says why, once the end comes
 */

import type { Clock } from "../../../core/clock.ts";
import { isObject } from "../../../core/json.ts";
import type { HostEvent } from "../../../core/provider.ts";
import type { Ending, EndingDetails } from "../../../core/results.ts";
import type { Calls } from "./calls.ts";
import type { ClaudeWireEvent } from "./wire.ts";
import { readMoney, text } from "./wire.ts";
import { WorkflowRuns } from "./workflow-runs.ts";

/** What the turns of a session are followed with. */
export interface TurnOptions {
  readonly calls: Calls;
  readonly clock: Clock;
  /** Takes an end that came by itself, in time. */
  readonly onEnd: (events: readonly HostEvent[]) => void;
}

/** The turns of one session. */
export class Turns {
  readonly #calls: Calls;
  readonly #workflowRuns: WorkflowRuns;
  /** The call ids the host waits for while it is idle: none when it rests; undefined while it works. */
  #needs: readonly string[] | undefined = [];
  /** Whether a turn has begun and not ended. */
  #isOpen = false;
  /** Whether the next work continues the open turn. */
  #goesOn = false;
  #isInterrupted = false;
  #retries = 0;
  #lastError: EndingDetails | undefined;
  #budget: EndingDetails | undefined;

  constructor({ calls, clock, onEnd }: TurnOptions) {
    this.#calls = calls;
    this.#workflowRuns = new WorkflowRuns(clock, (rest) => onEnd([this.#end(rest)]));
  }

  /** What an event says of a turn; undefined when it says nothing of turns. */
  read(event: ClaudeWireEvent, thread: string | undefined): HostEvent[] | undefined {
    const asItIs: HostEvent[] = [{ type: "provider", raw: event, thread }];
    this.#workflowRuns.hear(event);
    switch (event.type) {
      case "session.status_running":
        return this.#begin(event) ?? asItIs;
      case "session.status_idle":
        return this.#rest(event) ?? asItIs;
      case "session.status_rescheduled":
        this.#goesOn = this.#needs === undefined;
        return asItIs;
      case "session.status_terminated": {
        const stopReason = event["stop_reason"] ?? null;
        const details = this.#lastError;
        return [{ type: "session.over", ending: "terminated", stopReason, details, raw: event }];
      }
      case "session.deleted":
        return [{ type: "session.over", ending: "deleted", stopReason: null, raw: event }];
      case "session.error":
        return this.#fail(event, thread) ?? asItIs;
      case "session.usage":
        this.#budget = readBudget(event);
        return undefined;
      case "user.interrupt":
        if (thread !== undefined || event["processed_at"] === null) return asItIs;
        return [...asItIs, ...this.#interrupt()];
      default:
        return undefined;
    }
  }

  /** Whether nothing is under way at the host, and nothing is waited for. */
  get isAtRest(): boolean {
    return !this.#isOpen && this.#needs?.length === 0;
  }

  /** Whether the host may still wait for the answer to a call. */
  mayNeed(id: string): boolean {
    return this.#needs?.includes(id) !== false;
  }

  /** Cancels its timers, which would keep the process alive. */
  stop(): void {
    this.#workflowRuns.letGo();
  }

  /** Undefined when the turn before goes on. */
  #begin(event: ClaudeWireEvent): HostEvent[] | undefined {
    const onlyRested = this.#workflowRuns.letGo() !== undefined;
    const goesOn = this.#isOpen && (this.#goesOn || onlyRested);
    if (!this.#isOpen && this.#needs?.length === 0) this.#forget();
    this.#needs = undefined;
    this.#goesOn = false;
    this.#isOpen = true;
    return goesOn ? undefined : [{ type: "turn.began", raw: event }];
  }

  /** Undefined when the turn is not over. */
  #rest(event: ClaudeWireEvent): HostEvent[] | undefined {
    const { type, ids } = readStop(event["stop_reason"]);
    this.#goesOn = false;
    if (type === "requires_action") {
      const { ids: needs, told } = this.#calls.awaited(ids);
      this.#needs = needs;
      this.#isOpen = false;
      return [...told, turnDone(event, "requires_action", { needs })];
    }
    this.#needs = [];
    if (type === "end_turn" && !this.#isInterrupted && this.#workflowRuns.holds(event)) return undefined;
    return [this.#end(event)];
  }

  #end(rest: ClaudeWireEvent): HostEvent {
    const { type } = readStop(rest["stop_reason"]);
    // Fails closed: a missing or unknown stop reason is not a success.
    const known = ENDINGS.get(type) ?? "terminated";
    const ending = known === "completed" && this.#isInterrupted ? "interrupted" : known;
    this.#isInterrupted = false;
    this.#isOpen = false;
    const details = ending === "refusal" ? readRefusal(rest) : this.#detailsOf(ending);
    return turnDone(rest, ending, { details });
  }

  #detailsOf(ending: Ending): EndingDetails | undefined {
    if (ending === "budget_reached") return this.#budget;
    return ending === "retries_exhausted" || ending === "terminated" ? this.#lastError : undefined;
  }

  /** Undefined when the host does not try again. */
  #fail(event: ClaudeWireEvent, thread: string | undefined): HostEvent[] | undefined {
    const error = isObject(event["error"]) ? event["error"] : {};
    this.#lastError = { message: text(error["message"]), code: text(error["type"]) };
    const status = isObject(error["retry_status"]) ? error["retry_status"]["type"] : undefined;
    if (status !== "retrying") return undefined;
    this.#retries += 1;
    const why = this.#lastError.message ?? this.#lastError.code ?? "it did not say why";
    const reason = `The host tries again by itself: ${why}`;
    // The host does not say when it retries.
    return [{ type: "retrying", attempt: this.#retries, delayMs: 0, reason, raw: event, thread }];
  }

  /** Emits an idle that was held back as the end: no further status event follows, so without this the run would hang. */
  #interrupt(): HostEvent[] {
    this.#isInterrupted = this.#isOpen || this.#needs?.length !== 0;
    const rest = this.#workflowRuns.letGo();
    return rest === undefined ? [] : [this.#end(rest)];
  }

  #forget(): void {
    this.#calls.forget();
    this.#isInterrupted = false;
    this.#retries = 0;
    this.#lastError = undefined;
  }
}

const ENDINGS: ReadonlyMap<string, Ending> = new Map<string, Ending>([
  ["end_turn", "completed"],
  ["satisfied", "completed"],
  ["max_iterations_reached", "completed"],
  ["interrupted", "interrupted"],
  ["retries_exhausted", "retries_exhausted"],
  ["budget_reached", "budget_reached"],
  ["refusal", "refusal"],
]);

function turnDone(
  event: ClaudeWireEvent,
  ending: Ending,
  more: { readonly needs?: readonly string[]; readonly details?: EndingDetails | undefined },
): HostEvent {
  return { type: "turn.done", ending, stopReason: event["stop_reason"] ?? null, ...more, raw: event };
}

/** Servers send the stop reason as an object or as a string. */
function readStop(reason: unknown): { readonly type: string; readonly ids: readonly string[] } {
  if (!isObject(reason)) return { type: text(reason) ?? "", ids: [] };
  const ids = Array.isArray(reason["event_ids"]) ? reason["event_ids"] : [];
  return { type: text(reason["type"]) ?? "", ids: ids.filter((id) => typeof id === "string") };
}

function readRefusal({ stop_details: details }: ClaudeWireEvent): EndingDetails | undefined {
  if (!isObject(details)) return undefined;
  return { message: text(details["explanation"]), code: text(details["category"]) };
}

function readBudget({ usage, budget }: ClaudeWireEvent): EndingDetails | undefined {
  const cost = readMoney(isObject(usage) ? usage["list_cost"] : undefined);
  const limit = readMoney(isObject(budget) ? budget["max_list_cost"] : undefined);
  if (cost === undefined || limit === undefined) return undefined;
  const message = `The session cost ${cost.minorUnits} of ${limit.minorUnits} (${limit.currency}, in its smallest unit).`;
  return { message, code: "budget_reached" };
}
