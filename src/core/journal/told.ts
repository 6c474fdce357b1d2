/**
 * What readers are shown, as it goes on record: a reader in another process is shown it from there, and a run that is
 * taken up after a crash does not tell it a second time.
 */

import type { SessionEvent } from "../events.ts";
import { isDelta } from "../events.ts";
import { isObject } from "../json.ts";

/** By what an event is known again when a run is taken up and tells its past once more; undefined for one that is only told once. */
export function keyOf(event: SessionEvent): string | undefined {
  const { type } = event;
  if (type === "run.started") return `${type} ${event.runId}`;
  if (type === "tool.called" || type === "approval.requested") return `${type} ${event.id}`;
  const raw = "raw" in event ? event.raw : undefined;
  return isObject(raw) && typeof raw["id"] === "string" ? `${type} ${raw["id"]}` : undefined;
}

/** Collects events until the next write. */
export class ToldEvents {
  #events: SessionEvent[] = [];
  readonly #keys = new Set<string>();

  /** Takes an event, unless it is on record or will be by an entry of its own; tells whether it did. */
  add(event: SessionEvent, recorded: ReadonlySet<string>): boolean {
    if (isDelta(event) || IS_NOT_TOLD.has(event.type)) return false;
    const key = keyOf(event);
    if (key !== undefined) {
      if (this.#keys.has(key) || recorded.has(key)) return false;
      this.#keys.add(key);
    }
    this.#events.push(event);
    return true;
  }

  /** What was collected; it is forgotten here. */
  take(): readonly SessionEvent[] {
    const events = this.#events;
    this.#events = [];
    this.#keys.clear();
    return events;
  }

  get size(): number {
    return this.#events.length;
  }
}

/** What has an entry of its own, and what is gone once it was shown. */
const IS_NOT_TOLD: ReadonlySet<string> = new Set<SessionEvent["type"]>([
  "run.waiting",
  "run.ended",
  "run.failed",
  "tool.progress",
]);

/** An event as it goes on record: the key of its `raw`, without the rest of it. */
export function withoutRaw(event: SessionEvent): SessionEvent {
  if (!("raw" in event)) return event;
  const { raw, ...rest } = event;
  return isObject(raw) && typeof raw["id"] === "string" ? { ...rest, raw: { id: raw["id"] } } : rest;
}
