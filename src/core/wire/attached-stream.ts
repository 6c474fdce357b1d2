/**
 * One ordered, exactly-once feed over a stream that drops and a history that can be listed.
 *
 *   T1  attach, then list, then drop what came twice: nothing falls between the history and the stream (I1)
 *   T2  what was missed is delivered between two marks, so that nothing is decided in the middle of it
 *   T3  silence is not health: a stream without bytes for `idleMs` is opened again
 *   T4  the wait between attempts grows until something *new* arrives; a stream that opens and drops is no progress
 *   T5  memory is bounded: keys of the newest MAX_SEEN events, and of what arrives during a listing at most MAX_HELD
 *   T6  `onRestored` is called before what was missed is delivered: a run that ends in the catch-up has closed its feed afterwards
 *   T7  a host that is busy is waited for, as long as it asks; it is given up on when it says that trying again will not help
 */

import { onAbort, sleep } from "../async/abort.ts";
import type { RetryPolicy } from "../async/retry.ts";
import { DEFAULT_RETRY, backoffMs, withRetry } from "../async/retry.ts";
import type { Clock } from "../clock.ts";
import { LoophostError, isTransient, toLoophostError } from "../errors.ts";

const MAX_SEEN = 20_000;
const MAX_HELD = 20_000;
const BACKOFF = { firstDelayMs: 500, maxDelayMs: 30_000 };
/** A host that asks for a longer wait is asked again after this one: the session may be busy by then. */
const MAX_ASKED_MS = 5 * 60_000;

/** A host's stream and history, as this feed needs them. */
export interface StreamSource<E> {
  /**
   * Contract: resolves once the stream is open, with a promise of its end. Delivers each event, and calls `alive` for
   * any sign of life. Rejects, or ends rejected, with a LoophostError; stops when the signal aborts.
   */
  connect(
    signal: AbortSignal,
    deliver: (event: E) => void,
    alive: () => void,
  ): Promise<{ readonly ended: Promise<void> }>;
  /** Contract: the history in pages, in the order asked for; all of it, unless the reader stops. */
  list(order: Order, signal: AbortSignal): AsyncIterable<readonly E[]>;
  /** What makes an event the same when it comes again; undefined for one that is never repeated, such as a delta. */
  keyOf(event: E): string | undefined;
}

/** How a stream is attached. */
export interface AttachOptions<E> {
  readonly deliver: (event: E) => void;
  /** Around events that are delivered late. */
  readonly onCatchUp: (mark: "started" | "ended") => void;
  readonly onLost: (reason: string) => void;
  readonly onRestored: () => void;
  /** The stream failed for good; nothing is delivered after this. */
  readonly onFailed: (error: LoophostError) => void;
  /** Whether the session existed before, so that its whole history is to be read first. */
  readonly hasPast: boolean;
  readonly clock: Clock;
  /** Milliseconds of silence after which the stream is opened again. */
  readonly idleMs: number;
  /** Attempts to open it at first; once it was open, it reconnects without end. */
  readonly retry?: RetryPolicy | undefined;
}

/** An attached stream. */
export class AttachedStream<E> {
  readonly #source: StreamSource<E>;
  readonly #options: AttachOptions<E>;
  readonly #closing = new AbortController();
  readonly #seen = new Set<string>();
  /** Live events that arrive while the history is being read; undefined when it is not. */
  #held: E[] | undefined;
  #listing: Promise<unknown> = Promise.resolve();
  #failures = 0;
  #isFinished = false;
  #running: Promise<void> | undefined;

  constructor(source: StreamSource<E>, options: AttachOptions<E>) {
    this.#source = source;
    this.#options = options;
  }

  /** Opens the stream; resolves once it is open and the past, if there is one, has been delivered. */
  async open(): Promise<void> {
    const { clock, hasPast, retry: policy = DEFAULT_RETRY } = this.#options;
    const stream = await withRetry(() => this.#attach(hasPast ? "oldest first" : undefined), {
      policy,
      clock,
      signal: this.#closing.signal,
      toError: asStreamError,
    });
    this.#running = this.#keep(stream);
  }

  /** Reads the newest part of the history, and delivers what was missed. */
  async catchUp(): Promise<void> {
    try {
      await this.#inTurn(() => this.#deliverPast("newest first"));
    } finally {
      this.#release();
    }
  }

  /** Ends the feed: a stream that ends now is not reopened. */
  finish(): void {
    this.#isFinished = true;
  }

  /** Closes the stream; nothing is delivered after this. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  /** Keeps the stream attached until it is closed or fails for good. */
  async #keep(stream: { readonly ended: Promise<void> }): Promise<void> {
    const { onLost, onFailed } = this.#options;
    let attached: { readonly ended: Promise<void> } | undefined = stream;
    while (attached !== undefined) {
      const error: LoophostError = await attached.ended.then(() => endedEarly(), asStreamError);
      if (this.#isFinished || this.#closing.signal.aborted) return;
      if (!isTransient(error)) return onFailed(error);
      onLost(error.message);
      attached = await this.#reattach();
    }
  }

  /** Reconnects until it succeeds; undefined when it failed for good. */
  async #reattach(): Promise<{ readonly ended: Promise<void> } | undefined> {
    const { clock, onFailed } = this.#options;
    for (let askedMs = 0; ;) {
      this.#failures += 1;
      const delayMs = backoffMs(this.#failures, BACKOFF);
      try {
        await sleep(Math.max(delayMs, askedMs), clock, this.#closing.signal);
        return await this.#attach("newest first", this.#options.onRestored);
      } catch (thrown) {
        if (this.#closing.signal.aborted) return undefined;
        const error = asStreamError(thrown);
        askedMs = Math.min(error.retryAfterMs ?? 0, MAX_ASKED_MS);
        if (isTransient(error)) continue;
        onFailed(error);
        return undefined;
      }
    }
  }

  /** Opens the stream once, under its watchdog, and delivers the past that is asked for. */
  async #attach(past: Order | undefined, onRead?: () => void): Promise<{ readonly ended: Promise<void> }> {
    const { clock, idleMs } = this.#options;
    const attempt = new AbortController();
    const watchdog = watch(clock, idleMs, () => attempt.abort(silent(idleMs)));
    const unlink = onAbort([this.#closing.signal], (reason) => attempt.abort(reason));
    const letGo = () => {
      watchdog.stop();
      unlink();
    };
    // From here on live events are held, until what came before them is known.
    if (past !== undefined) this.#held = [];
    try {
      const { ended } = await this.#source.connect(
        attempt.signal,
        (event) => this.#hear(event),
        watchdog.alive,
      );
      // The listing below rejects with the same error; without this, the end of the stream is an unhandled rejection.
      ended.catch(() => undefined);
      if (past !== undefined) await this.#inTurn(() => this.#deliverPast(past, attempt.signal, onRead));
      this.#release();
      const whole = ended.catch((thrown: unknown) =>
        Promise.reject(attempt.signal.aborted ? attempt.signal.reason : thrown),
      );
      return { ended: whole.finally(letGo) };
    } catch (thrown) {
      // Drop the buffer: the next listing delivers these events in their place, so delivering them now would break the order.
      this.#held = undefined;
      letGo();
      const reason: unknown = attempt.signal.aborted ? attempt.signal.reason : thrown;
      attempt.abort(reason);
      throw reason;
    }
  }

  async #deliverPast(
    order: Order,
    signal: AbortSignal = this.#closing.signal,
    onRead?: () => void,
  ): Promise<void> {
    const { onCatchUp } = this.#options;
    this.#held ??= [];
    // Newest first, all pages are buffered before any event is delivered: a listing that fails half-way has delivered nothing, and can be retried.
    const missed: E[] = [];
    if (order === "oldest first") onCatchUp("started");
    for await (const page of this.#source.list(order, signal)) {
      if (order === "oldest first") for (const event of page) this.#pass(event);
      else {
        missed.push(...page.filter((event) => !this.#isSeen(event)));
        if (page.some((event) => this.#isSeen(event))) break;
      }
    }
    onRead?.();
    if (order === "newest first") onCatchUp("started");
    for (const event of missed.toReversed()) this.#pass(event);
    this.#release();
    onCatchUp("ended");
  }

  /** One listing at a time. */
  #inTurn(listing: () => Promise<void>): Promise<void> {
    const mine = this.#listing.then(listing);
    this.#listing = mine.catch(() => undefined);
    return mine;
  }

  #hear(event: E): void {
    if (this.#held === undefined) return this.#pass(event);
    // Some servers replay the whole history at the start of a stream: known events must not fill this buffer.
    if (this.#isSeen(event)) return;
    if (this.#held.length >= MAX_HELD) {
      throw new LoophostError(
        "host_unreachable",
        `More than ${MAX_HELD} events came while the history was read.`,
      );
    }
    this.#held.push(event);
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const event of held) this.#pass(event);
  }

  #pass(event: E): void {
    if (this.#closing.signal.aborted) return;
    const key = this.#source.keyOf(event);
    if (key !== undefined) {
      if (this.#seen.has(key)) return;
      this.#seen.add(key);
      if (this.#seen.size > MAX_SEEN) for (const oldest of this.#seen) if (this.#seen.delete(oldest)) break;
      this.#failures = 0;
    }
    this.#options.deliver(event);
  }

  #isSeen(event: E): boolean {
    const key = this.#source.keyOf(event);
    return key !== undefined && this.#seen.has(key);
  }
}

type Order = "oldest first" | "newest first";

/** Calls back after a silence of `idleMs`. Costs one timer per period, however many events arrive. */
function watch(clock: Clock, idleMs: number, onSilence: () => void): { alive: () => void; stop: () => void } {
  let last = clock.now();
  const check = () => {
    const left = last + idleMs - clock.now();
    if (left <= 0) onSilence();
    else cancel = clock.after(left, check);
  };
  let cancel = clock.after(idleMs, check);
  return {
    alive: () => {
      last = clock.now();
    },
    stop: () => cancel(),
  };
}

function endedEarly(): LoophostError {
  return new LoophostError("host_unreachable", "The event stream ended.");
}

function silent(idleMs: number): LoophostError {
  return new LoophostError("host_unreachable", `The event stream was silent for ${idleMs} ms.`);
}

function asStreamError(thrown: unknown): LoophostError {
  return toLoophostError(thrown, "host_unreachable", "The event stream broke");
}
