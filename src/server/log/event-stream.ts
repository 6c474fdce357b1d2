/**
 * The event stream of a session: one connection that follows the log.
 *
 *   E1  what was emitted before it opened is not replayed, unless `Last-Event-ID` asks for what came after that one
 *   E2  a reader that falls behind is served from the log at its own pace; nothing piles up for it here (I10)
 *   E3  deltas are shed when there is no room, and never go on after a gap: what a reader has is a prefix of the text
 */

import type { Clock } from "../../core/clock.ts";
import type { WireEvent, WirePreview } from "../wire/wire-events.ts";
import type { EventLog, Follower, LogItem } from "./event-log.ts";

/** How a stream is opened. */
export interface StreamOptions {
  /** The events to preview while they are made: "agent.message", "agent.thinking". */
  readonly previews: ReadonlySet<string>;
  /** The number of the last event the reader has, when it comes back. */
  readonly after: number | undefined;
  readonly clock: Clock;
  readonly pingIntervalMs: number;
  /** What to write in `event:` lines: the event's type, or always "message" for clients that filter by name. */
  readonly eventName: "type" | "message";
}

/** Bytes a reader may leave unread before it is served from the log instead. */
const ROOM = 256 * 1024;
const PAGE = 100;
/** Frames of one moment are written together, up to this many characters: each write has a cost on both sides. */
const FLUSH_ABOVE = 16 * 1024;
const utf8 = new TextEncoder();

/** Opens a stream. It ends when the session is deleted or the host closes, and costs nothing once it is cancelled. */
export function openStream(log: EventLog, options: StreamOptions): ReadableStream<Uint8Array> {
  return new ReadableStream(
    new EventStream(log, options),
    new ByteLengthQueuingStrategy({ highWaterMark: ROOM }),
  );
}

type Controller = ReadableStreamDefaultController<Uint8Array>;

class EventStream implements Follower {
  readonly #log: EventLog;
  readonly #options: StreamOptions;
  #controller: Controller | undefined;
  /** The number of the last event this reader was given. */
  #given: number;
  /** The number of the newest event it was notified of. */
  #newest = 0;
  #isBehind: boolean;
  /** Events read at once to catch up. */
  #pageSize = PAGE;
  #isEnding = false;
  /** The id of the preview this reader has had every piece of. */
  #previewed: string | undefined;
  #frames = "";
  #leave: (() => void) | undefined;
  #stopPing: (() => void) | undefined;

  constructor(log: EventLog, options: StreamOptions) {
    this.#log = log;
    this.#options = options;
    this.#given = options.after ?? 0;
    this.#isBehind = options.after !== undefined;
  }

  // --- called by the ReadableStream

  start(controller: Controller): void {
    this.#controller = controller;
    this.#pingLater();
    this.#leave = this.#log.follow(this);
  }

  /** Called whenever there is room. */
  async pull(): Promise<void> {
    try {
      while (this.#isBehind && this.#hasRoom()) await this.#catchUp();
    } catch (thrown) {
      // The stream errors with it, and an errored stream is never cancelled: release the subscription here, or it leaks.
      this.cancel();
      throw thrown;
    }
    if (this.#isEnding && !this.#isBehind) this.#close();
  }

  cancel(): void {
    this.#stopPing?.();
    this.#leave?.();
    this.#controller = undefined;
  }

  // --- called by the log

  take(items: readonly LogItem[]): void {
    for (const item of items) this.#takeOne(item);
    this.#flush();
  }

  end(): void {
    this.#isEnding = true;
    if (!this.#isBehind) this.#close();
  }

  async #catchUp(): Promise<void> {
    const page = await this.#log.read(this.#given, this.#pageSize);
    const sent = page.findIndex(({ seq, event }) => {
      this.#send(event, seq);
      this.#flush();
      return !this.#hasRoom();
    });
    // Events may be large: what did not fit is read again, in smaller pages, once there is room.
    const isWhole = sent === -1 || sent === page.length - 1;
    this.#pageSize = isWhole ? Math.min(PAGE, this.#pageSize * 2) : sent + 1;
    if (!isWhole) return;
    // What was emitted while the page was read is in the log by now: live only when nothing is left there. The log of a
    // session that was deleted has nothing any more.
    const isAll = this.#given >= this.#newest || this.#isEnding;
    if (page.length === 0 && isAll) this.#isBehind = false;
  }

  #takeOne({ seq, event }: LogItem): void {
    if (seq === undefined) return this.#takePreview(event);
    this.#newest = seq;
    if (this.#isBehind) return;
    if (this.#hasRoom()) return this.#send(event, seq);
    this.#isBehind = true;
    this.#given = seq - 1;
  }

  #takePreview(event: WirePreview): void {
    const canShow = !this.#isBehind && this.#hasRoom();
    if (event.type === "event_start") {
      const isWanted = canShow && this.#options.previews.has(event.event.type);
      this.#previewed = isWanted ? event.event.id : undefined;
    } else if (event.event_id !== this.#previewed) return;
    else if (!canShow) this.#previewed = undefined;
    if (this.#previewed !== undefined) this.#send(event);
  }

  #ping(): void {
    if (this.#hasRoom()) this.#write("ping", { type: "ping" });
    this.#flush();
    this.#pingLater();
  }

  #pingLater(): void {
    this.#stopPing = this.#options.clock.after(this.#options.pingIntervalMs, () => this.#ping());
  }

  #hasRoom(): boolean {
    return (this.#controller?.desiredSize ?? 0) > 0;
  }

  #send(event: WireEvent | WirePreview, seq?: number): void {
    if (seq !== undefined) this.#given = seq;
    this.#write(this.#options.eventName === "type" ? event.type : "message", event, seq);
  }

  #write(name: string, data: object, seq?: number): void {
    const id = seq === undefined ? "" : `id: ${seq}\n`;
    this.#frames += `${id}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
    if (this.#frames.length > FLUSH_ABOVE) this.#flush();
  }

  #flush(): void {
    if (this.#frames !== "") this.#controller?.enqueue(utf8.encode(this.#frames));
    this.#frames = "";
  }

  #close(): void {
    const controller = this.#controller;
    this.cancel();
    controller?.close();
  }
}
