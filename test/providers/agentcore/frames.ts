// Frames built by hand: headers of any type in any order, and what is read of the bytes.

import { crc32 } from "node:zlib";

import type { HostEvent } from "../../../src/core/provider.ts";
import type { HarnessEvent } from "../../../src/providers/agentcore/stream/events.ts";
import { ByteDecoder } from "../../../src/providers/agentcore/stream/events.ts";
import type { ReplyEnd } from "../../../src/providers/agentcore/stream/turn-reader.ts";
import { TurnReader } from "../../../src/providers/agentcore/stream/turn-reader.ts";

/** An event: its name and its value. */
export type Told = readonly [type: string, value: unknown];

/** A header: its name and its value, a string; or the number of its type and the bytes behind it. */
export type Header = readonly [name: string, value: string | readonly [type: number, bytes: Buffer]];

/** A frame of these headers. */
export function frame(headers: readonly Header[], payload: string): Buffer {
  const head = Buffer.concat(
    headers.map(([name, value]) => {
      const [type, bytes] = typeof value === "string" ? [7, sized(Buffer.from(value))] : value;
      return Buffer.concat([
        Buffer.from([Buffer.byteLength(name)]),
        Buffer.from(name),
        Buffer.from([type]),
        bytes,
      ]);
    }),
  );
  const body = Buffer.from(payload);
  const prelude = Buffer.alloc(8);
  prelude.writeUInt32BE(16 + head.length + body.length);
  prelude.writeUInt32BE(head.length, 4);
  const whole = Buffer.concat([prelude, sum(prelude), head, body]);
  return Buffer.concat([whole, sum(whole)]);
}

/** An event as a frame; its value as JSON, or the text of a payload that is none. */
export function eventFrame([type, value]: Told): Buffer {
  return frame(
    [
      [":message-type", "event"],
      [":event-type", type],
      [":content-type", "application/json"],
    ],
    JSON.stringify(value),
  );
}

/** A modelled error as a frame. */
export function exceptionFrame(type: string, message: string): Buffer {
  return frame(
    [
      [":message-type", "exception"],
      [":exception-type", type],
    ],
    JSON.stringify({ message }),
  );
}

/** The bytes of these events. */
export function bytesOf(...told: Told[]): Buffer {
  return Buffer.concat(told.map(eventFrame));
}

/** What is read of a body, and how that ends. */
export interface Outcome {
  readonly events: readonly HostEvent[];
  readonly end?: ReplyEnd;
  readonly error?: unknown;
}

/** Reads a body of these bytes, in pieces that end at these places, for an agent whose one tool is "look". */
export function read(bytes: Buffer, ...ends: number[]): Outcome {
  const events: HostEvent[] = [];
  const reader = new TurnReader(
    (name) => name === "look",
    (event) => events.push(event),
    undefined,
  );
  try {
    for (const event of decode(bytes, ends)) reader.take(event);
    return { events, end: reader.end() };
  } catch (error) {
    return { events, error };
  }
}

function* decode(bytes: Buffer, ends: readonly number[]): Generator<HarnessEvent> {
  const decoder = new ByteDecoder();
  for (const [index, end] of [...ends, bytes.length].entries()) {
    decoder.push(bytes.subarray(ends[index - 1] ?? 0, end));
    for (let event = decoder.next(); event !== undefined; event = decoder.next()) yield event;
  }
  decoder.end();
}

function sized(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

function sum(bytes: Buffer): Buffer {
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(bytes));
  return crc;
}
