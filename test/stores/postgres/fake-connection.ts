// Connections to no database, for what a worker does when one of them breaks, or answers no more.

import { EventEmitter } from "node:events";

import { DirectConnection } from "../../../src/stores/postgres/direct.ts";

/** A connection that answers what it is told to, and notes what it was asked. */
export class FakeClient extends EventEmitter {
  readonly asked: string[] = [];
  readonly #isLockFree: boolean;
  readonly #renewed: Promise<unknown>;
  isReleased = false;

  /** @param renewed what a renewal of the worker's row waits for */
  constructor(isLockFree: boolean, renewed: Promise<unknown> = Promise.resolve()) {
    super();
    this.#isLockFree = isLockFree;
    this.#renewed = renewed;
  }

  async query(text: string): Promise<{ rows: unknown[] }> {
    this.asked.push(text);
    if (text.includes("OVERRIDING SYSTEM VALUE")) await this.#renewed;
    return { rows: [{ number: 7, mine: this.#isLockFree }] };
  }

  release(): void {
    this.isReleased = true;
  }
}

/** A direct connection over these, one after the other. */
export function directOver(clients: readonly FakeClient[]): DirectConnection {
  const left = [...clients];
  return new DirectConnection(async () => {
    const next = left.shift();
    if (next === undefined) throw new Error("no further connection");
    return next;
  });
}
