/** What was said to the session, by us and by others: which of our messages the host has begun to work on. */

import type { HostEvent } from "../../../core/provider.ts";
import type { WireEvent } from "./wire.ts";
import { text } from "./wire.ts";

/** The messages and outcomes of one session. */
export class Messages {
  /** Those of ours the host has not begun to work on. */
  readonly #untaken = new Set<string>();
  /** Those of the past, while it is read: queued and taken up are the same message. */
  #past: Set<string> | undefined = new Set();

  /** We sent one, and this is its id. */
  expect(id: string): void {
    this.#untaken.add(id);
  }

  /** Whether one is ours, and has not been begun with. */
  isExpected(id: string): boolean {
    return this.#untaken.has(id);
  }

  /** The past is read: what comes from here on is news. */
  endPast(): void {
    this.#past = undefined;
  }

  /** What an event says of a message; undefined when it is none. */
  read(event: WireEvent): HostEvent[] | undefined {
    const id = text(event["id"]);
    if ((event.type !== "user.message" && event.type !== "user.define_outcome") || id === undefined)
      return undefined;
    const isFirst = this.#past?.has(id) === false;
    this.#past?.add(id);
    const isTaken = event["processed_at"] !== null && this.#untaken.delete(id);
    return [
      ...(isFirst ? [{ type: "message.seen" } as const] : []),
      ...(isTaken ? [{ type: "input.taken", raw: event } as const] : []),
      { type: "provider", raw: event },
    ];
  }
}
