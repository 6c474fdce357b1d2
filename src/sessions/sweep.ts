/**
 * The sweep: finds sessions whose wake-up was lost. A process that died between posting and waking, a worker that was lost, an engine
 * that forgot: what is to be done stands in the store, and is found there.
 *
 *   W1  an engine within one process is its workers' own: each of them looks into the store for itself, and often
 *   W2  of the workers that share an engine one sweeps, under a lease; when it dies another does
 *   W3  what was posted just now is being woken by whoever posted it: the one that sweeps wakes what it finds twice
 *   W4  it wakes a session again and again, as long as there is something to do; a constant key keeps those wakes from piling up
 *       in the engine while no worker has a place
 */

import type { Clock } from "../core/clock.ts";
import type { Engine } from "../core/engine.ts";
import { hasCode, LoophostError } from "../core/errors.ts";
import { BY_STATUS } from "../core/journal/session-index.ts";
import type { Store } from "../core/store.ts";
import { findSession } from "../stores/sessions.ts";
import type { Activation } from "./activation.ts";
import { SweepLease } from "./sweep-lease.ts";

const PAGE = 500;
/** Sessions that run are looked through once in so many looks; by the one that sweeps for all less often. */
const RUNNING_EVERY = 5;
const SHARED_RUNNING_EVERY = 15;
/** A look ends with so many refusals in a row: an engine that is out of reach would be waited for once for each session. */
const MAX_REFUSALS = 3;
const MAX_TOLD = 100;
/** So long a session is woken, and nobody comes, before that is told. */
const STUCK_MS = 30_000;
/** Between two looks of the one that sweeps for all. */
const SHARED_MS = 1_000;

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
  /** Told why a session could not be woken. */
  readonly tell: (id: string, thrown: unknown) => void;
}

/** Looks into the store for the sessions at work in one worker, and for those that somebody has to wake. */
export class Sweep {
  readonly #parts: SweepParts;
  readonly #host: SweepHost;
  readonly #lease: SweepLease | undefined;
  #wakes: boolean;
  #cancel: () => void = () => undefined;
  #isStopped = false;
  #looks = 0;
  #sweptAt = -Infinity;
  /** How many wakes in a row the engine has refused. */
  #refusals = 0;
  /** The sessions whose refusal was told of. */
  readonly #told = new Set<string>();
  /** Found by the sweep before this one, and since when. */
  #found: ReadonlyMap<string, number> = new Map();

  /** @param wakes whether sessions that are not at work here are woken */
  constructor(parts: SweepParts, host: SweepHost, wakes: boolean) {
    this.#parts = parts;
    this.#host = host;
    this.#wakes = wakes;
    this.#lease = parts.engine.isShared === true ? new SweepLease(parts.store.log, parts.clock) : undefined;
    this.#go();
  }

  /** Wakes no more sessions; what is posted to those at work here is still seen. */
  async rest(): Promise<void> {
    this.#wakes = false;
    await this.#lease?.release();
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
    const isSweep = this.#wakes && (this.#lease === undefined || (await this.#isDue(this.#lease)));
    // Parked sessions cost nothing: with none at work, and nobody to sweep for, the store is not asked.
    if (!isSweep && this.#host.active.size === 0) return;
    const found = new Map<string, number>();
    for await (const ids of this.#waiting())
      for (const id of ids) {
        this.#host.active.get(id)?.look();
        if (!isSweep) continue;
        found.set(id, await this.#since(id));
        if (this.#lease === undefined || this.#found.has(id)) await this.#wake(id);
      }
    if (!isSweep) return;
    this.#found = found;
    this.#looks += 1;
    const every = this.#lease === undefined ? RUNNING_EVERY : SHARED_RUNNING_EVERY;
    if (this.#looks % every === 1) await this.#wakeRunning();
  }

  /**
   * Since when a session was found by every sweep; one for which nobody comes is told of, once. The engine may send it to the workers of
   * another application, say, or to an address nobody listens at, and knows of no fault.
   */
  async #since(id: string): Promise<number> {
    const now = this.#parts.clock.now();
    const since = this.#found.get(id) ?? now;
    if (this.#lease === undefined || now - since < STUCK_MS || this.#host.isBusyWith(id)) return since;
    const { status } = (await findSession(this.#parts.store, id)) ?? {};
    if (status === "idle" || status === "failed") this.#host.tell(id, isStuck());
    return Infinity;
  }

  /** Whether it is time for a sweep, and ours to make. */
  async #isDue(lease: SweepLease): Promise<boolean> {
    const now = this.#parts.clock.now();
    if (now - this.#sweptAt < SHARED_MS) return false;
    this.#sweptAt = now;
    return lease.isOurs();
  }

  async #wakeRunning(): Promise<void> {
    const { records, log } = this.#parts.store;
    for await (const ids of pages((after) => records.list(BY_STATUS.running, after, PAGE).then(keys)))
      for (const id of ids) {
        if (this.#host.isBusyWith(id)) continue;
        if (this.#lease === undefined || (await isNobodys(log, id))) await this.#wake(id);
      }
  }

  #waiting(): AsyncGenerator<readonly string[]> {
    return pages((after) => this.#parts.store.inbox.waiting(after, PAGE));
  }

  async #wake(id: string): Promise<void> {
    if (!this.#wakes || this.#host.isBusyWith(id)) return;
    try {
      await this.#parts.engine.wake(id, { key: "sweep" });
      this.#refusals = 0;
      this.#told.delete(id);
    } catch (thrown) {
      // Told once: without it nobody would know why nothing happens. One that is refused for its id keeps no other from its turn.
      if (this.#refusals === 0 && !this.#told.has(id) && this.#told.size < MAX_TOLD) {
        this.#told.add(id);
        this.#host.tell(id, thrown);
      }
      this.#refusals += 1;
      if (this.#refusals % MAX_REFUSALS === 0) throw thrown;
    }
  }
}

function isStuck(): LoophostError {
  return new LoophostError(
    "timeout",
    `For ${STUCK_MS / 1_000} s something was asked, it was woken, and no worker took it: none has its agent or a place for it, or the engine reaches none.`,
  );
}

/** Whether no living process owns a session: then its log can be claimed, which is let go of at once. */
async function isNobodys(log: Store["log"], id: string): Promise<boolean> {
  try {
    const fence = await log.claim(id, { owner: "the sweep", ttlMs: 0 });
    await log.release(id, fence);
    return true;
  } catch (thrown) {
    if (hasCode(thrown, "session_owned")) return false;
    throw thrown;
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
