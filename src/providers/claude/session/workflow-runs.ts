/**
 * The workflow runs of a session: work that goes on while the agent rests.
 *
 *   W1  a rest with a workflow run open is not the end of the turn: the agent is woken by the end of the run
 *   W2  where no agent wakes within WAKE_MS of that end, its rest was the end after all
 */

import type { Clock } from "../../../core/clock.ts";
import type { ClaudeWireEvent } from "./wire.ts";
import { text } from "./wire.ts";

/** Milliseconds after the end of a workflow run within which its agent may wake. */
const WAKE_MS = 30_000;

/** The workflow runs of one session. */
export class WorkflowRuns {
  readonly #clock: Clock;
  readonly #onEnd: (rest: ClaudeWireEvent) => void;
  readonly #open = new Set<string>();
  /** The rest that is not the end yet. */
  #held: ClaudeWireEvent | undefined;
  #stopWaiting: () => void = () => undefined;

  /** @param onEnd told the rest that was the end after all */
  constructor(clock: Clock, onEnd: (rest: ClaudeWireEvent) => void) {
    this.#clock = clock;
    this.#onEnd = onEnd;
  }

  /** Takes note of what happens to workflow runs. */
  hear(event: ClaudeWireEvent): void {
    const id = text(event["workflow_run_id"]);
    if (id === undefined) return;
    if (event.type === "workflow_run.created" || event.type === "workflow_run.status_running")
      this.#open.add(id);
    if (event.type !== "workflow_run.status_ended" || !this.#open.delete(id)) return;
    if (this.#open.size > 0 || this.#held === undefined) return;
    this.#stopWaiting = this.#clock.after(WAKE_MS, () => {
      const rest = this.letGo();
      if (rest !== undefined) this.#onEnd(rest);
    });
  }

  /** Whether a rest is held back, for as long as workflow runs are open. */
  holds(rest: ClaudeWireEvent): boolean {
    if (this.#open.size === 0) return false;
    this.#held = rest;
    return true;
  }

  /** Releases the held idle event, if there is one. */
  letGo(): ClaudeWireEvent | undefined {
    const rest = this.#held;
    this.#held = undefined;
    this.#stopWaiting();
    return rest;
  }
}
