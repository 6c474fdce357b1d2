/**
 * Translates a session's wire events into host events. The meaning of one may depend on those before it, so each part
 * keeps its own state; an event goes to the first part that knows it.
 */

import type { Clock } from "../../../core/clock.ts";
import type { HostEvent } from "../../../core/provider.ts";
import { Calls } from "./calls.ts";
import { Messages } from "./messages.ts";
import { Previews } from "./previews.ts";
import { Threads } from "./threads.ts";
import { Turns } from "./turns.ts";
import type { ClaudeWireEvent } from "./wire.ts";
import { fromWire, text } from "./wire.ts";

/** What a reader is made with. */
export interface ReaderOptions {
  /** Tools of the host's that run here, by name. */
  readonly runHere: ReadonlySet<string>;
  readonly clock: Clock;
  /** Receives events that are due to a timeout. */
  readonly onEvents: (events: readonly HostEvent[]) => void;
}

/** Reads the events of one session. */
export class SessionReader {
  readonly messages: Messages = new Messages();
  readonly calls: Calls;
  readonly turns: Turns;
  readonly #threads = new Threads();
  readonly #previews = new Previews();

  constructor({ runHere, clock, onEvents }: ReaderOptions) {
    this.calls = new Calls(runHere);
    this.turns = new Turns({ calls: this.calls, clock, onEnd: onEvents });
  }

  /** The host events for a wire event; several where it says several things. */
  read(event: ClaudeWireEvent): HostEvent[] {
    const pieces = this.#previews.read(event);
    if (pieces !== undefined) return pieces;
    const thread = this.#threads.of(event);
    const begun = thread === undefined ? this.messages.hear(event) : [];
    const settled = thread === undefined ? this.#previews.settle(event) : [];
    const told = this.messages.read(event) ??
      this.calls.read(event, thread) ??
      this.turns.read(event, thread) ??
      this.#readThread(event) ?? [fromWire(event, thread)];
    return [...settled, ...begun, ...told];
  }

  /** The stream was lost. */
  loseStream(): HostEvent[] {
    return this.#previews.lose();
  }

  #readThread(event: ClaudeWireEvent): HostEvent[] | undefined {
    const told = this.#threads.read(event);
    if (told === undefined || event.type !== "session.thread_status_terminated") return told;
    return [...told, ...this.calls.end(text(event["session_thread_id"]) ?? "")];
  }
}
