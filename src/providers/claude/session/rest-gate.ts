/**
 * Holds back the end of a turn while a message of ours is unconfirmed, and checks the history first.
 *
 * Race: a host may stream a message as queued, answer it, and show only in its history that it was processed. Emitted
 * at once, the end would count for earlier work, and the run would wait for another until its timeout.
 */

import { isObject } from "../../../core/json.ts";
import type { HostEvent } from "../../../core/provider.ts";

/** What a gate works with. */
export interface RestGateOptions {
  /** Whether a message of ours waits. */
  readonly areWaiting: () => boolean;
  /** Reads the history; what it finds comes through `pass`. */
  readonly look: () => Promise<void>;
  /** The message inferred to be answered, where the host does not say. */
  readonly conclude: () => HostEvent | undefined;
  readonly emit: (event: HostEvent) => void;
}

type Rest = Extract<HostEvent, { type: "turn.done" }>;

/** The gate of one session. */
export class RestGate {
  readonly #options: RestGateOptions;
  #rest: Rest | undefined;
  /** What came after the end that is held. */
  #held: HostEvent[] = [];

  constructor(options: RestGateOptions) {
    this.#options = options;
  }

  /** Passes an event on, or holds it. */
  pass(event: HostEvent): void {
    if (this.#rest !== undefined) this.#held.push(event);
    else if (event.type === "turn.done" && event.ending !== "requires_action" && this.#options.areWaiting()) {
      this.#rest = event;
      this.#look();
    } else this.#options.emit(event);
  }

  #look(): void {
    this.#options
      .look()
      .catch(() => undefined) // what is not found leaves what is known
      .then(() => this.#release())
      .catch(() => undefined);
  }

  #release(): void {
    const { areWaiting, conclude, emit } = this.#options;
    const [rest, held] = [this.#rest, this.#held];
    if (rest === undefined) return;
    this.#rest = undefined;
    this.#held = [];
    const goesOn = held.some(({ type }) => type === "turn.began");
    const before = held.filter((event) => event.type === "input.taken" && wasBefore(event, rest, goesOn));
    for (const event of before) emit(event);
    const concluded = before.length === 0 && !goesOn && areWaiting() ? conclude() : undefined;
    if (concluded !== undefined) emit(concluded);
    emit(rest);
    for (const event of held) if (!before.includes(event)) this.pass(event);
  }
}

/**
 * Whether a message was taken by the turn that ended, and not by the next: by the host's timestamps, else by whether
 * another turn has begun.
 */
function wasBefore(taken: HostEvent, rest: Rest, goesOn: boolean): boolean {
  const [at, restedAt] = [timeOf(taken), timeOf(rest)];
  return at === restedAt || Number.isNaN(at - restedAt) ? !goesOn : at < restedAt;
}

function timeOf(event: HostEvent): number {
  const raw = "raw" in event ? event.raw : undefined;
  return isObject(raw) && typeof raw["processed_at"] === "string"
    ? Date.parse(raw["processed_at"])
    : Number.NaN;
}
