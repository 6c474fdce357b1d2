/**
 * Validates a post against the state of its session. Pure: the events are checked in the order they would be applied.
 */

import { invalid, notFound } from "../http/errors.ts";
import type { UserEvent } from "../wire/user-events.ts";
import type { OpenCall, OpenWork } from "./open-work.ts";

/** What a session is doing, as far as it matters to a post. */
export interface Doing {
  readonly work: Pick<OpenWork, "calls" | "isWaiting" | "queue" | "outcome">;
  /** Whether its budget is used up. */
  readonly isCapped: boolean;
  readonly threadId: string;
}

const MAX_QUEUED = 1_000;

/**
 * Checks a post as a whole.
 *
 * @throws Refusal when one of its events does not fit; then none may be applied
 */
export function checkPost(events: readonly UserEvent[], doing: Doing): void {
  const check = new PostCheck(doing);
  events.forEach((event, index) => {
    if (event.type === "system.message") checkSystem(events, index);
    else check.take(event);
  });
}

function checkSystem(events: readonly UserEvent[], index: number): void {
  const before = events[index - 1]?.type;
  const mayFollow =
    before === "user.message" || before === "user.custom_tool_result" || before === "user.tool_result";
  if (index !== events.length - 1 || !mayFollow)
    throw invalid("A system.message comes once, last, and right after a user.message or a tool result.");
}

/** The calls and the queue of a session, as they will be after the events so far. */
class PostCheck {
  readonly #doing: Doing;
  readonly #calls: Map<string, OpenCall>;
  readonly #isOutcomeQueued: boolean;
  #isWaiting: boolean;
  #queued: number;
  #hasOutcome: boolean;

  constructor(doing: Doing) {
    const { calls, isWaiting, queue, outcome } = doing.work;
    this.#doing = doing;
    this.#calls = new Map(calls);
    this.#isWaiting = isWaiting;
    this.#queued = queue.length;
    this.#isOutcomeQueued = queue.some(({ type }) => type === "user.define_outcome");
    this.#hasOutcome = outcome !== undefined || this.#isOutcomeQueued;
  }

  take(event: Exclude<UserEvent, { type: "system.message" }>): void {
    switch (event.type) {
      case "user.message":
        return this.#mayQueue();
      case "user.define_outcome":
        if (this.#hasOutcome)
          throw invalid("An outcome is being worked towards; define the next when it has ended.");
        this.#hasOutcome = true;
        return this.#mayQueue();
      case "user.custom_tool_result":
        return this.#mayAnswer(event.toolUseId, "custom");
      case "user.tool_result":
        return this.#mayAnswer(event.toolUseId, "built-in");
      case "user.tool_confirmation":
        return this.#mayConfirm(event.toolUseId, event.allow);
      case "user.interrupt":
        if (event.threadId !== null && event.threadId !== this.#doing.threadId)
          throw notFound(`Thread ${event.threadId}`);
        this.#calls.clear();
        this.#isWaiting = false;
        this.#hasOutcome = this.#isOutcomeQueued;
    }
  }

  #mayQueue(): void {
    if (this.#isWaiting)
      throw invalid(
        `The session waits for the results of ${this.#waiting()}. Send them, or a user.interrupt, first.`,
      );
    if (this.#doing.isCapped)
      throw invalid("The session has used up its budget. Raise it, or remove it, first.");
    this.#queued += 1;
    if (this.#queued > MAX_QUEUED)
      throw invalid(`${MAX_QUEUED} messages wait already; let some be taken first.`);
  }

  #mayAnswer(id: string, kind: OpenCall["kind"]): void {
    const call = this.#calls.get(id);
    if (call === undefined)
      throw invalid(
        `No call ${id} waits for a result: it is unknown, or was answered already. Waiting: ${this.#waiting()}.`,
      );
    if (call.kind !== kind)
      throw invalid(
        call.kind === "custom"
          ? `Call ${id} is of a custom tool; answer it with a user.custom_tool_result.`
          : `Call ${id} is of a built-in tool; answer it with a user.tool_result.`,
      );
    if (call.isAsking) throw invalid(`Call ${id} may not run yet: it waits for a user.tool_confirmation.`);
    this.#close(id);
  }

  /** A late or repeated confirmation is accepted and has no effect (idempotent). */
  #mayConfirm(id: string, allow: boolean): void {
    const call = this.#calls.get(id);
    if (call?.kind === "custom")
      throw invalid(`Call ${id} is of a custom tool, which nobody has to confirm; send its result.`);
    if (call === undefined || !call.isAsking) return;
    if (allow) this.#calls.set(id, { ...call, isAsking: false });
    else this.#close(id);
  }

  #close(id: string): void {
    this.#calls.delete(id);
    this.#isWaiting &&= this.#calls.size > 0;
  }

  #waiting(): string {
    return [...this.#calls.keys()].join(", ") || "none";
  }
}
