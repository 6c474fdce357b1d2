/**
 * Journals the events that readers are shown: a reader in another process gets them from there, and a run that is
 * resumed after a crash does not emit them twice (deduplication).
 */

import type { SessionEvent } from "../events.ts";
import { isDelta } from "../events.ts";
import { isKeepable, isObject } from "../json.ts";

/**
 * The key of an event that is emitted again when a run is resumed and replays its past; undefined for an event that is
 * emitted once.
 */
export function keyOf(event: SessionEvent): string | undefined {
  const { type } = event;
  if (type === "run.started") return `${type} ${event.runId}`;
  if (
    type === "tool.called" ||
    type === "approval.requested" ||
    type === "tool.finished" ||
    type === "tool.posted"
  )
    return `${type} ${event.id}`;
  const raw = "raw" in event ? event.raw : undefined;
  return isObject(raw) && typeof raw["id"] === "string" ? `${type} ${raw["id"]}` : undefined;
}

/**
 * Events in one entry, at most: a reader's place has room for 4,096, and with more it would run into the next entry.
 */
const MAX_IN_ENTRY = 4_000;

/** Collects events until the next write. */
export class ToldEvents {
  readonly #events: SessionEvent[] = [];
  readonly #keys = new Set<string | undefined>();

  /**
   * Adds an event, unless it is recorded already, has an entry of its own or is not JSON; tells whether it did. One of the past by
   * which nobody can tell it from what was told is taken for told.
   */
  add(event: SessionEvent, recorded: ReadonlySet<string>, isPast: boolean = false): boolean {
    if (isDelta(event) || IS_NOT_TOLD.has(event.type)) return false;
    const kept = withoutRaw(event);
    if (!isKeepable(kept)) return false;
    const key = keyOf(event);
    if (key === undefined ? isPast : this.#keys.has(key) || recorded.has(key)) return false;
    this.#keys.add(key);
    this.#events.push(kept);
    return true;
  }

  /** Removes and returns the collected events, at most those of one entry. */
  take(): readonly SessionEvent[] {
    const events = this.#events.splice(0, MAX_IN_ENTRY);
    for (const event of events) this.#keys.delete(keyOf(event));
    return events;
  }

  get size(): number {
    return this.#events.length;
  }
}

/** Events with an entry of their own, and events that are not kept. */
const IS_NOT_TOLD: ReadonlySet<string> = new Set<SessionEvent["type"]>([
  "run.waiting",
  "run.ended",
  "run.failed",
  "tool.progress",
]);

/** An event as it is journalled: of `raw` only its id, which is its key. */
function withoutRaw(event: SessionEvent): SessionEvent {
  if (!("raw" in event)) return event;
  const { raw, ...rest } = event;
  return isObject(raw) && typeof raw["id"] === "string" ? { ...rest, raw: { id: raw["id"] } } : rest;
}
