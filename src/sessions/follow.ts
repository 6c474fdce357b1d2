/**
 * Following a session from any process: whole events from its log, in order, and between them deltas, which come over the bus
 * and are void once the whole event is there, or once `deltas.retracted` says so.
 *
 * A place is a number: the number of an entry, and the event within it. A reader that goes on after a place gets each event
 * after it once, whoever wrote it.
 */

import type { SessionEvent } from "../core/events.ts";
import { asEntry } from "../core/journal/entry.ts";
import { readPages } from "../core/journal/read-log.ts";
import { terminalOf } from "../core/results.ts";
import type { Store, StoredEntry } from "../core/store.ts";
import { findSession } from "../stores/sessions.ts";
import { HeardDeltas } from "./deltas.ts";
import { Looks } from "./looks.ts";
import type { RefParts } from "./ref.ts";
import { askedOf } from "./result.ts";
import { SameSession } from "./same-session.ts";
import { toWord } from "./words.ts";

/** How a session is followed. */
export interface FollowOptions {
  /** The `seq` of the last event the reader has; from the first when absent. */
  readonly after?: number | undefined;
  /** Whether deltas come between whole events. Default true. */
  readonly deltas?: boolean | undefined;
  /** Whether it ends once no run is under way and nothing that was asked is left to be done; a session that waits for somebody rests, too. Default false. */
  readonly untilIdle?: boolean | undefined;
  /** Ends the following. */
  readonly signal?: AbortSignal | undefined;
}

/** An event with its place; that of a delta, or of a retraction that is not on record, is the place of the whole event before it. */
export type FollowedEvent = SessionEvent & { readonly seq: number };

/** So many events fit between two entries. */
const PLACES = 4_096;
const SAY_FOLLOW_MS = 10_000;

/** Follows a session. */
export async function* follow(
  id: string,
  parts: RefParts,
  { after = 0, deltas = true, untilIdle = false, signal }: FollowOptions,
): AsyncGenerator<FollowedEvent> {
  const { store, bus, clock } = parts;
  const heard = new HeardDeltas();
  const sayFollow = () => bus.say(id, toWord({ say: "follow" }));
  const looks = new Looks(id, parts, (word) => {
    if (!deltas) return;
    if (word.say === "owner") sayFollow();
    if (word.say === "delta") {
      heard.add(word);
      looks.wake();
    }
  });
  let place = after;
  // The entry of the place is read again: there may be more in it.
  let read = Math.max(0, Math.floor(after / PLACES) - 1);
  const isOver = () => signal?.aborted === true;
  let saidAt = -Infinity;
  let isDue = true;
  const session = new SameSession(store, id);
  try {
    for (;;) {
      if (isOver()) return;
      if (deltas && clock.now() - saidAt >= SAY_FOLLOW_MS) {
        saidAt = clock.now();
        sayFollow();
      }
      // Asked before the log is read: what led to the rest is in the log by then.
      const isLast = untilIdle && isDue && (await isAtRest(id, parts));
      const readBefore = read;
      for await (const page of isDue ? readPages(store.log, id, read) : []) {
        for (const stored of page) {
          for (const [index, event] of eventsIn(stored).entries()) {
            const seq = stored.seq * PLACES + index + 1;
            for (const retracted of heard.pass(stored, index, event)) yield { ...retracted, seq: place };
            if (seq <= place) continue;
            place = seq;
            yield { ...event, seq };
          }
          read = stored.seq;
          place = Math.max(place, read * PLACES);
        }
        if (isOver()) return;
      }
      for (const event of heard.due()) yield { ...event, seq: place };
      if (isLast) return;
      if (isDue && read === readBefore && (await session.isGone())) return;
      isDue = await looks.next(signal);
    }
  } finally {
    looks.close();
  }
}

async function isAtRest(id: string, parts: RefParts): Promise<boolean> {
  const asked = await askedOf(id, parts);
  const summary = await findSession(parts.store, id);
  if (summary === undefined || summary.status === "running") return false;
  return !asked.has(summary.status === "waiting" ? "decision" : "message");
}

/** The place behind all that is on record now. */
export async function placeOfEnd(store: Store, id: string): Promise<number> {
  let last = 0;
  for await (const page of readPages(store.log, id)) last = page.at(-1)?.seq ?? last;
  return (last + 1) * PLACES;
}

/** What a reader is shown of an entry. */
function eventsIn({ entry }: StoredEntry): readonly SessionEvent[] {
  const known = asEntry(entry);
  if (known.type === "told") return known.events;
  if (known.type === "run.waiting") return [{ type: "run.waiting", on: known.on }];
  if (known.type === "run.ended") {
    const { ending, stopReason, details } = known;
    return [{ type: "run.ended", terminal: terminalOf(ending), ending, stopReason, details }];
  }
  if (known.type === "run.failed") return [{ type: "run.failed", code: known.code, message: known.message }];
  // A message that its host's session takes no more: without a word its sender would wait for a reply.
  if (known.type === "item.refused" && known.code === "session_closed")
    return [{ type: "run.failed", code: known.code, message: known.message }];
  return [];
}
