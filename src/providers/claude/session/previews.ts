/** Previews (deltas) of messages while they are written. */

import type { HostEvent } from "../../../core/provider.ts";
import type { ClaudeWireEvent } from "./wire.ts";
import { field, readDelta, text } from "./wire.ts";

/** The previews of one session. */
export class Previews {
  /** Messages told in part. */
  #open = new Set<string>();
  /** Messages whose beginning this stream told. */
  #begun = new Set<string>();
  /** Messages of which pieces may have been missed. */
  #broken = new Set<string>();

  /** What a piece says; undefined for anything that is no piece. */
  read(event: ClaudeWireEvent): HostEvent[] | undefined {
    if (event.type === "event_start") this.#begun.add(text(field(event["event"], "id")) ?? "");
    if (event.type !== "event_delta") return undefined;
    const id = text(event["event_id"]) ?? "";
    // Attached in the middle of a message: text without its beginning would be shown as if it were all of it.
    if (!this.#begun.has(id) || this.#broken.has(id)) return [{ type: "provider", raw: event }];
    this.#open.add(id);
    return [readDelta(event)];
  }

  /** What a whole event means for the deltas emitted so far: to be emitted before it. */
  settle(event: ClaudeWireEvent): HostEvent[] {
    if (event.type === "agent.message") {
      this.#open.delete(text(event["id"]) ?? "");
      return [];
    }
    const isOver = event.type === "span.model_request_end" || event.type === "session.status_idle";
    if (!isOver) return [];
    this.#broken.clear();
    this.#begun.clear();
    return this.#retract("The host gave the message up.");
  }

  /** The stream was lost, and with it deltas that are not repeated: retract them. */
  lose(): HostEvent[] {
    for (const id of this.#open) this.#broken.add(id);
    this.#begun.clear();
    return this.#retract("The event stream was lost.");
  }

  #retract(reason: string): HostEvent[] {
    if (this.#open.size === 0) return [];
    this.#open.clear();
    return [{ type: "deltas.retracted", reason }];
  }
}
