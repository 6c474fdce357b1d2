/**
 * Events of a reply, out of its frames. They are decoded here and not by the SDK, whose decoder drops the events and
 * fields its release does not know: a hook's verdict among them.
 */

import { LoophostError } from "../../../core/errors.ts";
import { isObject } from "../../../core/json.ts";
import type { Frame } from "./frames.ts";
import { FrameDecoder } from "./frames.ts";

/** An event of the service's: its name and what it holds. */
export interface HarnessEvent {
  readonly type: string;
  readonly value: Record<string, unknown>;
}

/** The event as the service writes it down, for `raw`. */
export function rawOf({ type, value }: HarnessEvent): unknown {
  return { [type]: value };
}

/** Makes events of what a body comes in. After each `push`, `next` is asked until it has no more. */
export interface Decoder<Piece> {
  push(piece: Piece): void;
  /**
   * The next event; undefined when more is needed for one.
   *
   * @throws LoophostError `host_protocol` for what is no event stream, `host_failed` or `host_rejected` for an error the
   * service put into it
   */
  next(): HarnessEvent | undefined;
  /** @throws LoophostError `host_protocol` when the body ended inside an event */
  end(): void;
}

/** Decodes the bytes of a body, whichever way they were cut. */
export class ByteDecoder implements Decoder<Uint8Array> {
  readonly #frames = new FrameDecoder();

  push(bytes: Uint8Array): void {
    this.#frames.push(bytes);
  }

  next(): HarnessEvent | undefined {
    const frame = this.#frames.next();
    return frame && toEvent(frame);
  }

  end(): void {
    this.#frames.end();
  }
}

/** Takes events as an injected client decoded them: one member each. */
export class MemberDecoder implements Decoder<unknown> {
  #event: HarnessEvent | undefined;

  push(event: unknown): void {
    const [entry] = isObject(event) ? Object.entries(event) : [];
    this.#event = entry && { type: entry[0], value: isObject(entry[1]) ? entry[1] : {} };
  }

  next(): HarnessEvent | undefined {
    const event = this.#event;
    this.#event = undefined;
    return event && checkEvent(event);
  }

  end(): void {
    // Where a body was cut off, the client has thrown.
  }
}

/** The event in a frame. Errors come as frames of their own kind, and have been seen as ordinary events. */
function toEvent({ headers, payload }: Frame): HarnessEvent {
  const kind = headers[":message-type"];
  if (kind === "error") throw toStreamError(headers[":error-code"], { message: headers[":error-message"] });
  const value = parse(payload);
  if (kind === "exception") throw toStreamError(headers[":exception-type"], value);
  const type = headers[":event-type"];
  if (kind !== "event" || type === undefined)
    throw new LoophostError(
      "host_protocol",
      "The reply of AgentCore has a frame that is neither an event nor an error.",
      { mayRetry: false },
    );
  return checkEvent({ type, value });
}

/** Gives an event back, unless it is an error that came as one. */
function checkEvent(event: HarnessEvent): HarnessEvent {
  if (/(Exception|Error)$/.test(event.type)) throw toStreamError(event.type, event.value);
  return event;
}

const MAX_MESSAGE_CHARS = 500;

/** An error in the middle of a stream. Nothing of the kind is tried again: the agent has been at work. */
function toStreamError(type: string | undefined, value: Record<string, unknown>): LoophostError {
  const name = type ?? "an unnamed error";
  const { message } = isObject(value["message"]) ? value["message"] : value;
  const said = typeof message === "string" ? `: ${message.slice(0, MAX_MESSAGE_CHARS)}` : ".";
  const isRefusal = /^validationException$/i.test(name);
  return new LoophostError(
    isRefusal ? "host_rejected" : "host_failed",
    `AgentCore broke its reply off (${name})${said}`,
    {
      hostCode: name.charAt(0).toUpperCase() + name.slice(1),
      mayRetry: false,
    },
  );
}

const TEXT = new TextDecoder();

function parse(payload: Uint8Array): Record<string, unknown> {
  if (payload.length === 0) return {};
  try {
    const value: unknown = JSON.parse(TEXT.decode(payload));
    if (value === null) return {};
    if (isObject(value)) return value;
  } catch {
    // Told below.
  }
  throw new LoophostError(
    "host_protocol",
    "The reply of AgentCore has an event that is not the JSON it should be. The agent may have gone on working; it was not asked again.",
    { mayRetry: false },
  );
}
