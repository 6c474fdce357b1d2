/**
 * Frames of the AWS event stream, out of bytes that come in any pieces. A frame that is cut off, too long, or fails its
 * checksum is an error and never skipped: a skipped frame may be the call of a tool, or the end of the turn.
 */

import { LoophostError } from "../../../core/errors.ts";

/** One frame. Its payload is a view of bytes that are written over with the next push. */
export interface Frame {
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: Uint8Array;
}

/** The service's own frames hold 10 MB at most; what says it is longer is no frame, and must not be waited for. */
const MAX_FRAME_BYTES = 32 * 1024 * 1024;
const PRELUDE_BYTES = 12;
const CRC_BYTES = 4;
const LEAST_BUFFER_BYTES = 4_096;

/** Decodes the frames of one stream. */
export class FrameDecoder {
  /** What was pushed and is not read: the bytes from `#at` to `#end`. Of whoever pushed them, or of a buffer that grows. */
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = viewOf(this.#bytes);
  #at = 0;
  #end = 0;
  #isOwn = false;

  /** Takes the next bytes in. */
  push(bytes: Uint8Array): void {
    if (this.#at === this.#end) this.#read(bytes, bytes.length, false);
    else this.#append(bytes);
  }

  /**
   * The next frame; undefined when it is not complete.
   *
   * @throws LoophostError `host_protocol` for bytes that are no frame
   */
  next(): Frame | undefined {
    const at = this.#at;
    if (this.#end - at < PRELUDE_BYTES) return undefined;
    const length = frameLength(this.#bytes, this.#view, at);
    if (at + length > this.#end) return undefined;
    this.#at += length;
    return decode(this.#bytes, this.#view, at, length);
  }

  /** @throws LoophostError `host_protocol` when the stream ended inside a frame */
  end(): void {
    const left = this.#end - this.#at;
    if (left > 0) throw broken(`the stream ended inside a frame, ${left} bytes into it`);
  }

  /** Puts bytes behind those of a frame that is not complete. */
  #append(bytes: Uint8Array): void {
    const left = this.#bytes.subarray(this.#at, this.#end);
    const end = left.length + bytes.length;
    const fits = this.#isOwn && end <= this.#bytes.length;
    // Doubled, or a long frame that comes in small pieces would be copied once a piece.
    const size = Math.max(end, left.length * 2, LEAST_BUFFER_BYTES);
    const buffer = fits ? this.#bytes : new Uint8Array(size);
    if (!fits || this.#at > 0) buffer.set(left);
    buffer.set(bytes, left.length);
    this.#read(buffer, end, true);
  }

  #read(bytes: Uint8Array, end: number, isOwn: boolean): void {
    if (bytes !== this.#bytes) this.#view = viewOf(bytes);
    this.#bytes = bytes;
    this.#at = 0;
    this.#end = end;
    this.#isOwn = isOwn;
  }
}

/** The length of the frame that begins there; its prelude is complete. */
function frameLength(bytes: Uint8Array, view: DataView, at: number): number {
  const total = view.getUint32(at);
  const headers = view.getUint32(at + 4);
  if (crc32(bytes, at, at + 8) !== view.getUint32(at + 8))
    throw broken("the checksum of a frame's prelude is wrong");
  if (total > MAX_FRAME_BYTES) throw broken(`a frame claims to be ${total} bytes long`);
  if (headers + PRELUDE_BYTES + CRC_BYTES > total) throw broken("a frame is shorter than its headers");
  return total;
}

function decode(bytes: Uint8Array, view: DataView, at: number, length: number): Frame {
  const crcAt = at + length - CRC_BYTES;
  if (crc32(bytes, at, crcAt) !== view.getUint32(crcAt)) throw broken("the checksum of a frame is wrong");
  const payloadAt = at + PRELUDE_BYTES + view.getUint32(at + 4);
  const payload = bytes.subarray(payloadAt, crcAt);
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
  // Decoded at once, a third of the time; where that is not a character a byte, each by itself.
  const all = TEXT.decode(bytes.subarray(from, end));
  const isPlain = all.length === end - from;
  const textOf = (start: number, stop: number) =>
    isPlain ? all.slice(start - from, stop - from) : TEXT.decode(bytes.subarray(start, stop));
  let at = from;
  while (at < end) {
    const nameLength = view.getUint8(at);
    const name = textOf(at + 1, at + 1 + nameLength);
    at += 1 + nameLength;
    const type = view.getUint8(at);
    at += 1;
    if (type >= FIXED_BYTES.length) throw broken("a frame has a header of an unknown type");
    const fixed = FIXED_BYTES[type];
    const length = fixed ?? view.getUint16(at);
    if (fixed === undefined) at += 2;
    if (type === STRING) headers[name] = textOf(at, at + length);
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
    { mayRetry: false },
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
