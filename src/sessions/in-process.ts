/** The engine within one process: a map of the sessions at work, each with a flag that says "once more". */

import { waitAtMost } from "../core/async/abort.ts";
import type { Clock } from "../core/clock.ts";
import { MAX_TIMER_MS, systemClock } from "../core/clock.ts";
import type { ActivationHost, Engine, EngineWorker, Wake } from "../core/engine.ts";

/** Makes an engine that runs sessions in the process that has it. What it forgets with the process, the sweep finds. */
export function inProcessEngine(options: { readonly clock?: Clock | undefined } = {}): Engine {
  return new InProcessEngine(options.clock ?? systemClock);
}

interface AtWork {
  readonly host: ActivationHost;
  isWokenAgain: boolean;
  readonly done: Promise<void>;
}

class InProcessEngine implements Engine {
  readonly #clock: Clock;
  /** Of several workers the last one runs what is woken; those before it keep what they have. */
  readonly #hosts = new Set<ActivationHost>();
  readonly #atWork = new Map<string, AtWork>();
  /** Woken while there is no worker. */
  readonly #due = new Set<string>();
  readonly #timers = new Map<string, () => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async wake(id: string, { at }: Wake = {}): Promise<void> {
    if (at === undefined) this.#begin(id);
    else this.#beginAfter(id, at.getTime() - Date.now());
  }

  async work(host: ActivationHost): Promise<EngineWorker> {
    this.#hosts.add(host);
    for (const id of this.#due) this.#begin(id);
    this.#due.clear();
    return { drain: ({ graceMs }) => this.#drain(host, graceMs) };
  }

  async close(): Promise<void> {
    for (const host of this.#hosts) this.#leave(host);
  }

  async #drain(host: ActivationHost, graceMs: number): Promise<void> {
    this.#leave(host);
    const own = [...this.#atWork.values()].filter((atWork) => atWork.host === host);
    await waitAtMost(graceMs, this.#clock, Promise.all(own.map(({ done }) => done)));
  }

  #begin(id: string): void {
    const atWork = this.#atWork.get(id);
    const host = [...this.#hosts].at(-1);
    if (host === undefined) this.#due.add(id);
    else if (atWork === undefined)
      this.#atWork.set(id, { host, isWokenAgain: false, done: this.#run(id, host) });
    else atWork.isWokenAgain = true;
  }

  #beginAfter(id: string, ms: number): void {
    this.#timers.get(id)?.();
    // A wake that is further away than a timer goes takes several.
    const laterMs = ms - MAX_TIMER_MS;
    const cancel = this.#clock.after(Math.max(0, Math.min(ms, MAX_TIMER_MS)), () => {
      this.#timers.delete(id);
      if (laterMs > 0) this.#beginAfter(id, laterMs);
      else this.#begin(id);
    });
    this.#timers.set(id, cancel);
  }

  async #run(id: string, host: ActivationHost): Promise<void> {
    const rest = await host.activate(id);
    const isWokenAgain = this.#atWork.get(id)?.isWokenAgain === true;
    this.#atWork.delete(id);
    if (this.#hosts.size === 0) this.#due.add(id);
    else if (rest.now === "again") this.#beginAfter(id, rest.afterMs);
    else if (isWokenAgain) this.#begin(id);
    else if (rest.wakeAt !== undefined) this.#beginAfter(id, rest.wakeAt.getTime() - Date.now());
  }

  /** Gives a worker nothing more. */
  #leave(host: ActivationHost): void {
    this.#hosts.delete(host);
    if (this.#hosts.size > 0) return;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }
}
