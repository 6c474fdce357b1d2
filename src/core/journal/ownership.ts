/**
 * Ownership of a session: a lease on its log, renewed for as long as the session is open (I6).
 *
 * The lease says that others are refused until it expires. What protects the log is the fencing token: an owner that
 * slept through its lease and was replaced has every write refused, so clock skew and long pauses cannot lead to two
 * writers.
 */

import { sleep } from "../async/abort.ts";
import type { Clock } from "../clock.ts";
import { LoophostError } from "../errors.ts";
import type { IfOwned } from "../session.ts";
import type { LogStore } from "../store.ts";

/** What a session is owned with. */
export interface OwnershipOptions {
  readonly log: LogStore;
  readonly sessionId: string;
  readonly ifOwned: IfOwned;
  readonly clock: Clock;
  /** Cancels waiting for the lease. */
  readonly signal: AbortSignal;
  /** Who claims it, for whoever is refused. Default: this process, by its number. */
  readonly owner?: string | undefined;
}

/** Milliseconds until a lease expires after its last renewal: so long a dead owner keeps others out. */
const LEASE_MS = 30_000;
const RENEW_MS = LEASE_MS / 3;
const RETRY_MS = 500;

/** The ownership of one session. */
export class Ownership {
  readonly fence: number;
  readonly #options: OwnershipOptions;
  #isReleased = false;
  #cancelRenewal: () => void = () => undefined;
  #onLost: (error: LoophostError) => void = () => undefined;

  private constructor(fence: number, options: OwnershipOptions) {
    this.fence = fence;
    this.#options = options;
    this.#renewLater();
  }

  /**
   * Becomes the owner of a session.
   *
   * @throws LoophostError `session_owned` when somebody else is, and it is not waited for or taken
   */
  static async claim(options: OwnershipOptions): Promise<Ownership> {
    const { log, sessionId, ifOwned, clock, signal, owner = describeOwner() } = options;
    const lease = { owner, ttlMs: LEASE_MS, force: ifOwned === "take" };
    for (;;) {
      try {
        return new Ownership(await log.claim(sessionId, lease), options);
      } catch (thrown) {
        const isOwned = thrown instanceof LoophostError && thrown.code === "session_owned";
        if (!isOwned || ifOwned !== "wait") throw thrown;
        await sleep(RETRY_MS, clock, signal);
      }
    }
  }

  /** Calls back when somebody else became the owner. */
  whenLost(callback: (error: LoophostError) => void): void {
    this.#onLost = callback;
  }

  /** Stops renewing the lease: the timer would keep the process alive. */
  stop(): void {
    this.#isReleased = true;
    this.#cancelRenewal();
  }

  /** Releases the lease, so that the next owner need not wait for it to expire. */
  async release(): Promise<void> {
    this.stop();
    // Idempotent: if the lease was lost there is nothing to release, so errors are ignored.
    await this.#options.log.release(this.#options.sessionId, this.fence).catch(() => undefined);
  }

  /** All sessions of a clock at one moment: so a store can renew their leases as one. */
  #renewLater(): void {
    const { clock } = this.#options;
    this.#cancelRenewal = clock.after(RENEW_MS - (clock.now() % RENEW_MS), () => {
      this.#options.log.renew(this.#options.sessionId, this.fence, LEASE_MS).then(
        () => this.#renewed(),
        (thrown: unknown) => this.#renewed(thrown),
      );
    });
  }

  #renewed(failure?: unknown): void {
    if (this.#isReleased) return;
    if (failure instanceof LoophostError && failure.code === "stale_owner") this.#onLost(failure);
    // A renewal that failed for another reason is retried: the store may be back before the lease expires.
    else this.#renewLater();
  }
}

/** Names this process in the error of whoever is refused. The core also runs where there is no `process`. */
function describeOwner(): string {
  const pid = globalThis.process?.pid;
  return pid === undefined ? "another session" : `process ${pid}`;
}
