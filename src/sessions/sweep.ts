/**
 * The sweep: finds sessions whose wake-up was lost. A process that died between posting and waking, a worker that was lost, an engine
 * that forgot: what is to be done stands in the store, and is found there.
 */

import type { Clock } from "../core/clock.ts";
import type { Engine } from "../core/engine.ts";
import { BY_STATUS } from "../core/journal/session-index.ts";
import type { Store } from "../core/store.ts";
import type { Activation } from "./activation.ts";

/** Sessions that run are looked through once in so many looks into the inboxes. */
const RUNNING_EVERY = 5;
const PAGE = 500;

/** What a sweep works with. */
export interface SweepParts {
  readonly store: Store;
  readonly engine: Engine;
  readonly clock: Clock;
  /** How often inboxes are looked at, in milliseconds. */
  readonly pollMs: number;
}

/** The worker it sweeps for. */
interface SweepHost {
  /** The sessions at work here. */
  readonly active: ReadonlyMap<string, Activation>;
  /** Whether a session is at work here, or waits to be tried again. */
  readonly isBusyWith: (id: string) => boolean;
}

/** The sweep of one worker. */
export class Sweep {
  readonly #parts: SweepParts;
  readonly #host: SweepHost;
  #cancel: () => void = () => undefined;
  #isStopped = false;
  #looks = 0;

  constructor(parts: SweepParts, host: SweepHost) {
    this.#parts = parts;
    this.#host = host;
    this.#go();
  }

  /** Looks no more. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  #go(): void {
    const later = () => {
      if (!this.#isStopped) this.#cancel = this.#parts.clock.after(this.#parts.pollMs, () => this.#go());
    };
    // A store that is out of reach is asked again: nothing in it is lost.
    this.#look().then(later, later);
  }

  async #look(): Promise<void> {
    const { store } = this.#parts;
    this.#looks += 1;
    if (this.#looks % RUNNING_EVERY === 1) {
      for await (const ids of pages((after) => store.records.list(BY_STATUS.running, after, PAGE).then(keys)))
        for (const id of ids) await this.#wake(id);
    }
    for await (const ids of pages((after) => store.inbox.waiting(after, PAGE)))
      for (const id of ids) {
        this.#host.active.get(id)?.look();
        await this.#wake(id);
      }
  }

  async #wake(id: string): Promise<void> {
    if (!this.#isStopped && !this.#host.isBusyWith(id)) await this.#parts.engine.wake(id);
  }
}

function keys(records: readonly { readonly key: string }[]): readonly string[] {
  return records.map(({ key }) => key);
}

async function* pages(
  list: (after: string) => Promise<readonly string[]>,
): AsyncGenerator<readonly string[]> {
  for (let after = ""; ;) {
    const page = await list(after);
    yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last;
  }
}
