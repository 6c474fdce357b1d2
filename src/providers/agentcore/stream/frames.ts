/**
 * Frames of the AWS event stream, out of bytes that come in any pieces. A frame that is cut off, too long, or fails its
 * checksum is an error and never skipped: a skipped frame may be the call of a tool, or the end of the turn.
 */

import { LoophostError } from "../../../core/errors.ts";

/** One frame. */
export interface Frame {
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: Uint8Array;
}

/** The service's own frames hold 10 MB at most; what says it is longer is no frame, and must not be waited for. */
const MAX_FRAME_BYTES = 32 * 1024 * 1024;
const PRELUDE_BYTES = 12;
const CRC_BYTES = 4;

/** Decodes the frames of one stream. */
export class FrameDecoder {
  /** What has come of a frame that is not complete: `#filled` bytes of a buffer that grows as they come. */
  #buffer = new Uint8Array(4_096);
  #filled = 0;

  /**
   * Takes the next bytes in; gives the frames they complete.
   *
   * @throws LoophostError `host_protocol` for bytes that are no frame
   */
  push(bytes: Uint8Array): Frame[] {
    let rest = bytes;
    if (this.#filled > 0) {
      this.#append(bytes);
      rest = this.#buffer.subarray(0, this.#filled);
    }
    const frames: Frame[] = [];
    let at = 0;
    for (;;) {
      const length = frameLength(rest, at);
      if (length === undefined || at + length > rest.length) break;
      // A copy where the bytes are ours, since they are written over; what came off the wire is not.
      frames.push(decode(rest, at, length, this.#filled > 0));
      at += length;
    }
    this.#keep(rest.subarray(at));
    return frames;
  }

  /** @throws LoophostError `host_protocol` when the stream ended inside a frame */
  end(): void {
    if (this.#filled > 0) throw broken(`the stream ended inside a frame, ${this.#filled} bytes into it`);
  }

  #keep(rest: Uint8Array): void {
    const isOurs = rest.buffer === this.#buffer.buffer;
    if (isOurs && rest.byteOffset > 0)
      this.#buffer.copyWithin(0, rest.byteOffset, rest.byteOffset + rest.length);
    this.#filled = isOurs ? rest.length : 0;
    if (!isOurs && rest.length > 0) this.#append(rest);
  }

  #append(bytes: Uint8Array): void {
    const needed = this.#filled + bytes.length;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
      larger.set(this.#buffer.subarray(0, this.#filled));
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, this.#filled);
    this.#filled = needed;
  }
}

/** The length of the frame that begins there; undefined until its prelude is complete. */
function frameLength(bytes: Uint8Array, at: number): number | undefined {
  if (bytes.length - at < PRELUDE_BYTES) return undefined;
  const view = viewOf(bytes);
  const total = view.getUint32(at);
  const headers = view.getUint32(at + 4);
  if (crc32(bytes, at, at + 8) !== view.getUint32(at + 8))
    throw broken("the checksum of a frame's prelude is wrong");
  if (total > MAX_FRAME_BYTES) throw broken(`a frame claims to be ${total} bytes long`);
  if (headers + PRELUDE_BYTES + CRC_BYTES > total) throw broken("a frame is shorter than its headers");
  return total;
}

function decode(bytes: Uint8Array, at: number, length: number, copies: boolean): Frame {
  const view = viewOf(bytes);
  const crcAt = at + length - CRC_BYTES;
  if (crc32(bytes, at, crcAt) !== view.getUint32(crcAt)) throw broken("the checksum of a frame is wrong");
  const payloadAt = at + PRELUDE_BYTES + view.getUint32(at + 4);
  const payload = copies ? bytes.slice(payloadAt, crcAt) : bytes.subarray(payloadAt, crcAt);
  try {
    return { headers: readHeaders(bytes, view, at + PRELUDE_BYTES, payloadAt), payload };
  } catch (thrown) {
    if (thrown instanceof LoophostError) throw thrown;
    throw broken("the headers of a frame cannot be read");
  }
}

/** Bytes that follow a header's type, where they are of a fixed number. */
const FIXED_BYTES: readonly (number | undefined)[] = [0, 0, 1, 2, 4, 8, undefined, undefined, 8, 16];
const STRING = 7;
const TEXT = new TextDecoder();

/** Headers by name. Only strings mean anything on this wire; others are stepped over. */
function readHeaders(bytes: Uint8Array, view: DataView, from: number, end: number): Record<string, string> {
  // Without a prototype: names come from outside.
  const headers: Record<string, string> = Object.create(null);
  let at = from;
  while (at < end) {
    const nameLength = view.getUint8(at);
    const name = TEXT.decode(bytes.subarray(at + 1, at + 1 + nameLength));
    at += 1 + nameLength;
    const type = view.getUint8(at);
    at += 1;
    if (type >= FIXED_BYTES.length) throw broken("a frame has a header of an unknown type");
    const fixed = FIXED_BYTES[type];
    const length = fixed ?? view.getUint16(at);
    if (fixed === undefined) at += 2;
    if (type === STRING) headers[name] = TEXT.decode(bytes.subarray(at, at + length));
    at += length;
  }
  if (at !== end) throw broken("the headers of a frame run over their end");
  return headers;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function broken(what: string): LoophostError {
  return new LoophostError(
    "host_protocol",
    `The reply of AgentCore cannot be read: ${what}. The agent may have gone on working; it was not asked again.`,
  );
}

const CRC_TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xed_b8_83_20 : crc >>> 1;
  return crc >>> 0;
});

/** The CRC-32 of zip files; node's own is not in every runtime this runs on. */
function crc32(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0xff_ff_ff_ff;
  for (let at = from; at < to; at += 1) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
  return (crc ^ 0xff_ff_ff_ff) >>> 0;
}
