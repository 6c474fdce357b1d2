/** Handles items one at a time, in order: one that is pushed while another is handled waits, so that nothing is re-entrant. */

/** A synchronous queue. */
export class Serial<T> {
  readonly #waiting: T[] = [];
  readonly #handle: (item: T) => void;
  #isBusy = false;

  constructor(handle: (item: T) => void) {
    this.#handle = handle;
  }

  /** Whether an item is being handled: what is pushed now waits for it. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** Handles an item: at once, or after those before it. */
  push(item: T): void {
    this.#waiting.push(item);
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      this.#handle(next);
    this.#isBusy = false;
  }
}
