/** What the events of a run add up to, in this process or read from its log. */

import type { SessionEvent } from "../events.ts";
import type { Money, OutcomeVerdict, SessionResult, ToolCall, Usage } from "../results.ts";
import { addUsage, NO_USAGE } from "../results.ts";

/** What is known of a run's end; the rest of its result is added up on the way. */
export type RunEndFields = Pick<
  SessionResult,
  "terminal" | "ending" | "stopReason" | "details" | "transcript"
>;

/** Adds up the events of one run. */
export class RunSum {
  readonly toolCalls: Map<string, ToolCall> = new Map();
  readonly #serverToolCalls = new Map<string, ToolCall>();
  output: unknown;
  usage: Usage = NO_USAGE;
  turns = 0;
  /** Whether every turn that ended has told the tokens it used. */
  isUsageKnown = true;
  /** Whether the turn under way has told its tokens. */
  #hasTold = false;
  #texts: string[] = [];
  #outcome: OutcomeVerdict | undefined;
  #cost: Money | undefined;

  /** Takes over what an earlier process had added up of this run. */
  takeUp(before: {
    readonly turns: number;
    readonly usage: Usage;
    readonly toolCalls: Iterable<ToolCall>;
  }): void {
    this.turns = before.turns;
    this.usage = before.usage;
    for (const use of before.toolCalls) this.toolCalls.set(use.id, use);
  }

  /** Adds a whole event. */
  add(event: SessionEvent): void {
    if (event.type === "turn.started") {
      this.turns = event.turn;
      this.#texts = [];
    } else if (event.type === "message" && event.thread === undefined) {
      if (event.text !== "") this.#texts.push(event.text);
    } else if (event.type === "tool.called") {
      this.toolCalls.set(event.id, { id: event.id, name: event.name, input: event.input });
    } else if (event.type === "server_tool.called") {
      this.#serverToolCalls.set(event.id, { id: event.id, name: event.name, input: event.input });
    } else if (event.type === "turn.ended") {
      this.isUsageKnown &&= this.#hasTold;
      this.#hasTold = false;
    } else if (event.type === "usage") {
      this.#hasTold ||= event.isError !== true;
      this.usage = addUsage(this.usage, event.usage);
      this.#cost = event.cost ?? this.#cost;
    } else if (event.type === "outcome.evaluated") {
      const { verdict, explanation, iteration } = event;
      this.#outcome = { verdict, explanation, iteration };
      // After `needs_revision` the agent writes its text again.
      if (verdict === "needs_revision") this.#texts = [];
    }
  }

  /** All of a result but its end, with the events it keeps. */
  of(sessionId: string, events: readonly SessionEvent[]): Omit<SessionResult, keyof RunEndFields> {
    return {
      output: this.output,
      sessionId,
      text: this.#texts.join("\n"),
      toolCalls: [...this.toolCalls.values()],
      serverToolCalls: [...this.#serverToolCalls.values()],
      usage: this.usage,
      outcome: this.#outcome,
      cost: this.#cost,
      turns: this.turns,
      events,
    };
  }
}
