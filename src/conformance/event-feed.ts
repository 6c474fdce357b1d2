/** An event stream as it came over the wire, frame by frame: framing is what some checks are about. */

import { onAbort } from "../core/async/abort.ts";
import { isObject } from "../core/json.ts";
import type { Evidence } from "./check.ts";
import { Mismatch } from "./check.ts";
import { must } from "./expect.ts";
import type { Ask, Reply, Wire } from "./wire.ts";
import { discard, replyBytes } from "./wire.ts";

/** An event, as far as all of them are alike. Deltas have no id. */
export interface WireEvent {
  readonly type: string;
  readonly id: string;
  readonly [field: string]: unknown;
}

/** What stood between two empty lines. */
export interface Frame {
  readonly lines: readonly string[];
  readonly event: WireEvent | undefined;
}

/** One open stream. */
export class EventFeed implements AsyncDisposable {
  readonly frames: Frame[] = [];
  /** What the frames carried, signs of life left out. */
  readonly events: WireEvent[] = [];
  /** Resolves when the stream ends, on either side. */
  readonly ended: Promise<void>;
  /** The reply that became the stream. */
  readonly response: Response;
  /** Whether anything came at all. */
  hasBytes = false;
  readonly #sent: string;
  readonly #wire: Wire;
  readonly #stop = new AbortController();
  readonly #waiting = new Set<() => void>();
  #isOver = false;

  constructor(response: Response, sent: string, wire: Wire) {
    this.response = response;
    this.#sent = sent;
    this.#wire = wire;
    this.ended = this.#read();
  }

  /** Opens a stream, which must be one. */
  static async open(wire: Wire, path: string, ask?: Ask): Promise<EventFeed> {
    const { response, sent } = await wire.open("GET", path, ask);
    const type = response.headers.get("content-type") ?? "none";
    if (response.status === 200 && type.startsWith("text/event-stream"))
      return new EventFeed(response, sent, wire);
    const came = `${response.status} with content-type ${type}`;
    discard(response);
    throw new Mismatch({ sent, came }, "status 200 with content-type text/event-stream, at once");
  }

  /** What was sent, and the events that came, the latest of them. */
  get evidence(): Evidence {
    const types = this.events.map(({ type }) => type);
    const shown = types.length > 30 ? ["…", ...types.slice(-30)] : types;
    return { sent: this.#sent, came: `the events ${shown.join(", ") || "(none)"}` };
  }

  /** What was sent, and one thing that came. */
  showing(what: unknown): Evidence {
    return { sent: this.#sent, came: JSON.stringify(what) ?? "nothing" };
  }

  /** Waits for the first event of a type, and gives its position. */
  untilType(type: string): Promise<number> {
    return this.until(type, (event) => event.type === type);
  }

  /** Waits for the first event from a position on that fits, and gives its position. */
  async until(expected: string, fits: (event: WireEvent) => boolean, from = 0): Promise<number> {
    for (let position = from; ; position += 1) {
      await this.wait(expected, () => position < this.events.length);
      const event = this.events[position];
      if (event !== undefined && fits(event)) return position;
    }
  }

  /** Waits until something holds; looks whenever something came. */
  async wait(expected: string, holds: () => boolean): Promise<void> {
    while (!holds()) {
      const { sent, came } = this.evidence;
      must(!this.#wire.signal.aborted, { sent, came: `${came}, and no more in time` }, expected);
      must(!this.#isOver, { sent, came: `${came}, and then the end of the stream` }, expected);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.ended;
  }

  async #read(): Promise<void> {
    const reader = this.response.body?.getReader();
    const unlink = onAbort([this.#stop.signal, this.#wire.signal], () => {
      this.#wake();
      return reader?.cancel().catch(() => undefined);
    });
    const decoder = new TextDecoder();
    const count = replyBytes();
    let rest = "";
    try {
      for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
        this.hasBytes = true;
        count(read.value.length);
        const pieces = (rest + decoder.decode(read.value, { stream: true })).split(/(?<=\n\r?\n)/);
        rest = /\n\r?\n$/.test(pieces.at(-1) ?? "") ? "" : (pieces.pop() ?? "");
        for (const piece of pieces) this.#take(piece);
        this.#wake();
      }
    } catch {
      // The stream was cut off, or has no end: checks that wait for more report it.
    } finally {
      unlink();
      this.#isOver = true;
      this.#wake();
    }
  }

  #take(piece: string): void {
    const lines = piece.split(/\r?\n/).filter((line) => line !== "");
    const data = lines.flatMap((line) => /^data: ?(.*)$/.exec(line)?.[1] ?? []);
    const event = parseEvent(data.join("\n"));
    this.frames.push({ lines, event });
    if (event !== undefined && event.type !== "ping") this.events.push(event);
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}

/** The events of a listing's page, or of the reply to a post. */
export function eventsOf(reply: Reply): readonly WireEvent[] {
  const data = isObject(reply.body) ? reply.body["data"] : undefined;
  must(
    Array.isArray(data) && data.every(isEvent),
    reply,
    "events with an id and a type, in a list at data and not wrapped in anything",
  );
  return data;
}

function parseEvent(json: string): WireEvent | undefined {
  try {
    const parsed: unknown = JSON.parse(json);
    // Deltas have no id of their own.
    const event: unknown = isObject(parsed) ? { id: "", ...parsed } : undefined;
    return isEvent(event) ? event : undefined;
  } catch {
    return undefined;
  }
}

function isEvent(value: unknown): value is WireEvent {
  return isObject(value) && typeof value["type"] === "string" && typeof value["id"] === "string";
}
