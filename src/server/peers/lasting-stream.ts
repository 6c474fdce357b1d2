/**
 * An event stream that another host serves, and that goes on when that host dies: it is opened again behind the last event
 * that was passed on, wherever the session is by then.
 *
 *   L1  only whole events are passed on, so that what a host left half said is not mixed with what the next one says
 *   L2  no event is missed and none comes twice: their numbers in the log say where to go on
 *   L3  it is read as fast as the client reads, and not faster (backpressure)
 */

import { onAbort, sleep } from "../../core/async/abort.ts";
import type { Clock } from "../../core/clock.ts";
import type { SilenceWatch } from "../../core/wire/silence.ts";
import { watchSilence } from "../../core/wire/silence.ts";
import type { ServerSentEvent } from "../../core/wire/sse.ts";
import { createSseDecoder } from "../../core/wire/sse.ts";

/** How a stream lasts. */
export interface LastingOptions {
  /** The number of the last event the client has. */
  readonly after: number;
  /** Contract: opens the stream again behind an event. A reply that is no stream says why there is none. */
  readonly reopen: (after: number, signal: AbortSignal) => Promise<Response>;
  readonly clock: Clock;
  /** A host that says nothing for so long, no ping either, hangs. */
  readonly maxSilentMs: number;
  /** Ends the stream: this host is closed. */
  readonly signal: AbortSignal;
}

type Bytes = ReadableStream<Uint8Array>;
type Controller = ReadableStreamDefaultController<Uint8Array>;

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1_000;
/** A stream that cannot be opened for so long ends; its client comes back, or does not. */
const GIVE_UP_AFTER_MS = 60_000;
const utf8 = new TextEncoder();

/** Makes a stream last, from its first body on. */
export function lastingStream(first: Bytes, options: LastingOptions): Bytes {
  const stream = new LastingStream(first, options);
  return new ReadableStream(
    {
      start: (controller) => stream.start(controller),
      pull: () => stream.pull(),
      cancel: () => stream.end(),
    },
    { highWaterMark: 0 },
  );
}

class LastingStream {
  readonly #options: LastingOptions;
  readonly #over = new AbortController();
  #controller: Controller | undefined;
  #reader: ReadableStreamDefaultReader<Uint8Array>;
  #decode: (text: string) => void;
  #text = new TextDecoder("utf-8", { ignoreBOM: true });
  #watch: SilenceWatch | undefined;
  /** The number of the last event that was passed on. */
  #given: number;
  #frames = "";
  #unlink: () => void = () => undefined;

  constructor(first: Bytes, options: LastingOptions) {
    this.#options = options;
    this.#given = options.after;
    this.#reader = first.getReader();
    this.#decode = createSseDecoder((event) => this.#take(event));
  }

  start(controller: Controller): void {
    this.#controller = controller;
    this.#unlink = onAbort([this.#options.signal], () => this.#close());
  }

  /** Called when the client has read what there was; resolves once there is more. */
  async pull(): Promise<void> {
    while (this.#frames === "" && !this.#over.signal.aborted) {
      const chunk = await this.#read();
      if (chunk !== undefined) this.#hear(chunk);
      else if (!(await this.#reopen())) return this.#close();
    }
    if (this.#over.signal.aborted) return;
    this.#controller?.enqueue(utf8.encode(this.#frames));
    this.#frames = "";
  }

  end(): void {
    this.#over.abort();
    this.#unlink();
    this.#watch?.end();
    this.#reader.cancel().catch(() => undefined);
  }

  #close(): void {
    if (this.#over.signal.aborted) return;
    this.end();
    this.#controller?.close();
  }

  #hear(chunk: Uint8Array): void {
    try {
      this.#decode(this.#text.decode(chunk, { stream: true }));
    } catch (thrown) {
      // The stream errors with it, and an errored stream is never cancelled: its connection would leak.
      this.end();
      throw thrown;
    }
  }

  /** The next bytes; undefined when the host ended the stream, hangs, or died. */
  async #read(): Promise<Uint8Array | undefined> {
    const { clock, maxSilentMs } = this.#options;
    this.#watch = watchSilence(clock, maxSilentMs, () => void this.#reader.cancel().catch(() => undefined));
    try {
      return (await this.#reader.read()).value;
    } catch {
      return undefined;
    } finally {
      this.#watch.end();
    }
  }

  /** Opens the stream again; false when there is none any more. */
  async #reopen(): Promise<boolean> {
    const { clock, reopen } = this.#options;
    const giveUpAt = clock.now() + GIVE_UP_AFTER_MS;
    const { signal } = this.#over;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      const reply = await reopen(this.#given, signal).catch(() => undefined);
      if (signal.aborted) {
        await reply?.body?.cancel();
        return false;
      }
      if (reply?.ok === true && reply.body !== null) {
        this.#reader = reply.body.getReader();
        this.#decode = createSseDecoder((event) => this.#take(event));
        this.#text = new TextDecoder("utf-8", { ignoreBOM: true });
        return true;
      }
      await reply?.body?.cancel();
      // Deleted, or not for this client any more.
      if (reply !== undefined && reply.status < 500) return false;
      if (clock.now() > giveUpAt) return false;
      await sleep(pauseMs, clock, signal).catch(() => undefined);
    }
  }

  #take({ event, data, id }: ServerSentEvent): void {
    const seq = Number(id || this.#given);
    // Previews and pings have no number of their own: for them the decoder gives the last there was.
    const isNumbered = seq > this.#given;
    if (isNumbered) this.#given = seq;
    this.#frames += `${isNumbered ? `id: ${seq}\n` : ""}event: ${event}\ndata: ${data}\n\n`;
  }
}
