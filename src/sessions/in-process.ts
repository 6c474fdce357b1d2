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
  isWokenAgain: boolean;
  readonly done: Promise<void>;
}

class InProcessEngine implements Engine, EngineWorker {
  readonly #clock: Clock;
  #host: ActivationHost | undefined;
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
    this.#host = host;
    for (const id of this.#due) this.#begin(id);
    this.#due.clear();
    return this;
  }

  async drain({ graceMs }: { readonly graceMs: number }): Promise<void> {
    this.#stop();
    await waitAtMost(graceMs, this.#clock, Promise.all([...this.#atWork.values()].map(({ done }) => done)));
  }

  async close(): Promise<void> {
    this.#stop();
  }

  #begin(id: string): void {
    const atWork = this.#atWork.get(id);
    if (this.#host === undefined) this.#due.add(id);
    else if (atWork === undefined)
      this.#atWork.set(id, { isWokenAgain: false, done: this.#run(id, this.#host) });
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
    if (this.#host === undefined) this.#due.add(id);
    else if (rest.now === "again") this.#beginAfter(id, rest.afterMs);
    else if (isWokenAgain) this.#begin(id);
    else if (rest.wakeAt !== undefined) this.#beginAfter(id, rest.wakeAt.getTime() - Date.now());
  }

  #stop(): void {
    this.#host = undefined;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }
}
