/**
 * Ids of calls, unique in their session. Models of some vendors number their calls anew in every message; known by such an id alone, a
 * later call would be taken for one that has its result, never run, and waited for without an end.
 */

import type { Handoff } from "../stream/turn-reader.ts";

/** What has to be remembered of a session to tell a new id from one that was there. */
export interface UsedIds {
  /** Calls handed off so far. */
  readonly calls: number;
  /** Ids too short to be drawn at random. Few: they repeat. */
  readonly short: readonly string[];
}

/** No call yet. */
export const NO_IDS: UsedIds = { calls: 0, short: [] };

const MAX_SHORT_CHARS = 19;
/** Enough for ids that repeat; a session with more of them has a number in each from there on. */
const MAX_SHORT = 256;

/** Gives calls their ids. */
export class CallIds {
  readonly #open = new Map<string, string>();
  /** Ids at random are not remembered beyond this process: they do not repeat. */
  readonly #seen = new Set<string>();
  #used: UsedIds;

  constructor(used: UsedIds, open: Handoff["open"]) {
    this.#used = used;
    for (const use of open) this.#open.set(use.id, idOf(use));
    for (const id of [...used.short, ...this.#open.keys()]) this.#seen.add(id);
  }

  get used(): UsedIds {
    return this.#used;
  }

  /** The same open calls, each with an id of its own: the one it has, or a new one. */
  name(open: Handoff["open"]): Handoff["open"] {
    return open.map((use) => {
      const as = this.#open.get(use.id) ?? this.#next(use.id);
      this.#open.set(use.id, as);
      return as === use.id ? use : { ...use, as };
    });
  }

  /** These calls are over, or all: from now on their ids stand for others. */
  close(calls?: Handoff["open"]): void {
    if (calls === undefined) this.#open.clear();
    else for (const { id } of calls) this.#open.delete(id);
  }

  #next(id: string): string {
    const { calls, short } = this.#used;
    const isShort = id.length <= MAX_SHORT_CHARS;
    const isKnown = this.#seen.has(id) || (isShort && short.length >= MAX_SHORT);
    this.#seen.add(id);
    this.#used = { calls: calls + 1, short: isShort && !isKnown ? [...short, id] : short };
    return isKnown ? `${id}~${calls + 1}` : id;
  }
}

/** The id a call is known by on this side. */
export function idOf({ id, as }: Handoff["open"][number]): string {
  return as ?? id;
}
