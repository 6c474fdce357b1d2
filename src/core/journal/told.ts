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

/** So many events are one entry: a reader's place has room for 4,096, and with more it would run into the next entry. */
const MAX_IN_ENTRY = 4_000;

/** Collects events until the next write. */
export class ToldEvents {
  readonly #events: SessionEvent[] = [];
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

  /** What was collected, as much of it as goes into one entry; it is forgotten here. */
  take(): readonly SessionEvent[] {
    const events = this.#events.splice(0, MAX_IN_ENTRY);
    for (const key of events.map(keyOf)) if (key !== undefined) this.#keys.delete(key);
    return events.map(withoutRaw);
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
function withoutRaw(event: SessionEvent): SessionEvent {
  if (!("raw" in event)) return event;
  const { raw, ...rest } = event;
  return isObject(raw) && typeof raw["id"] === "string" ? { ...rest, raw: { id: raw["id"] } } : rest;
}
