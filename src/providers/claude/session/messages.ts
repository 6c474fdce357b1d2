/**
 * Tracks the messages of a session (correlation): which of ours the host has begun to work on, so that another client's
 * turn is not taken for ours.
 */

import type { HostEvent } from "../../../core/provider.ts";
import type { ClaudeWireEvent } from "./wire.ts";
import { text } from "./wire.ts";

/** A message of ours the host has, and has not begun to work on as far as we know. */
interface Waiting {
  /** Our own id of it. */
  readonly inputId: string | undefined;
  /** Whether a turn has begun since. */
  hasBegun: boolean;
}

/** The messages and outcomes of one session. */
export class Messages {
  /** Ours that wait, by the host's id. */
  readonly #waiting = new Map<string, Waiting>();
  /**
   * Whether only our messages are at the host: the session was at rest when we sent, and no other client has posted
   * since. Then each turn belongs to the first of ours that waits.
   */
  #isOursAlone = false;
  /**
   * The latest message inferred to be taken although the host had not shown it; if it shows it later, that is not
   * another client's.
   */
  #concluded: string | undefined;
  /** Whether the host has ever confirmed a message of ours: then it will confirm the next one, too. */
  #marksTaken = false;
  /** Those of the past, while it is read: queued and taken up are the same message. */
  #past: Set<string> | undefined = new Set();

  /** Whether a message of ours waits. */
  get areWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** We sent one: the host's id of it, and ours. */
  expect(id: string, inputId: string | undefined, wasAtRest: boolean): void {
    if (wasAtRest) this.#isOursAlone = true;
    if (!this.#waiting.has(id)) this.#waiting.set(id, { inputId, hasBegun: false });
  }

  /** Whether one is ours, and has not been begun with. */
  isExpected(id: string): boolean {
    return this.#waiting.has(id);
  }

  /** The past is read: what comes from here on is news. */
  endPast(): void {
    this.#past = undefined;
  }

  /** What an event says of a message; undefined when it is none. */
  read(event: ClaudeWireEvent): HostEvent[] | undefined {
    const id = text(event["id"]);
    if ((event.type !== "user.message" && event.type !== "user.define_outcome") || id === undefined)
      return undefined;
    const isFirst = this.#past?.has(id) === false;
    this.#past?.add(id);
    if (!this.#waiting.has(id) && id !== this.#concluded) this.#isOursAlone = false;
    const ours = event["processed_at"] === null ? undefined : this.#waiting.get(id);
    if (ours !== undefined) this.#marksTaken = this.#waiting.delete(id);
    return [
      ...(isFirst ? [{ type: "message.seen" } as const] : []),
      ...(ours === undefined ? [] : [{ type: "input.taken", inputId: ours.inputId, raw: event } as const]),
      { type: "provider", raw: event },
    ];
  }

  /** What other events tell about our messages: a turn that begins, or an interrupt of the one they started. */
  hear(event: ClaudeWireEvent): HostEvent[] {
    const [first] = this.#waiting.values();
    if (event.type === "session.status_running" && first !== undefined) first.hasBegun = true;
    if (event.type !== "user.interrupt" || event["processed_at"] === null || this.#marksTaken) return [];
    // The idle after an interrupt ends what had begun, and nothing that was sent since.
    const begun = [...this.#waiting].filter(([, ours]) => ours.hasBegun);
    for (const [id] of begun) this.#waiting.delete(id);
    return begun.map(([, { inputId }]) => ({ type: "input.taken", inputId }));
  }

  /**
   * Infers that a turn which just ended answered our message, for hosts that never confirm messages: a turn began while
   * it was the first that waited, and no other client posted since. Without this every run on such a server would hang
   * until its timeout with the answer in hand.
   */
  takeAnswered(): HostEvent | undefined {
    const [first] = this.#waiting;
    if (first === undefined || this.#marksTaken || !this.#isOursAlone || !first[1].hasBegun) return undefined;
    [this.#concluded] = first;
    this.#waiting.delete(first[0]);
    return { type: "input.taken", inputId: first[1].inputId };
  }
}
