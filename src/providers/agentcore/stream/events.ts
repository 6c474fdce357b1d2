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

/**
 * Decodes the events of a body, in order, as its bytes come.
 *
 * @throws LoophostError `host_protocol` for a body that is no event stream or is cut off, `host_failed` or
 * `host_rejected` for an error the service put into it; whatever reading the body throws passes through
 */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<HarnessEvent, void, void> {
  const decoder = new FrameDecoder();
  for await (const bytes of body) for (const frame of decoder.push(bytes)) yield toEvent(frame);
  decoder.end();
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
    );
  return checkEvent({ type, value });
}

/**
 * Gives an event back, unless it is an error that came as one.
 *
 * @throws LoophostError `host_failed` or `host_rejected`
 */
export function checkEvent(event: HarnessEvent): HarnessEvent {
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
  );
}
