/** A response body read with a bound in bytes, and told by its first character what it is: labels (content types) lie. */

import { LoophostError } from "../errors.ts";

/** What a body holds: server-sent events, JSON in one piece, a web page, or nothing. */
type BodyKind = "events" | "json" | "page" | "empty";

/** A body of which the beginning was read. */
export interface OpenedBody {
  readonly kind: BodyKind;
  /** What was read to find out. */
  readonly start: Uint8Array;
}

/**
 * Reads a body up to its first character that is no white space, which says what it is.
 *
 * @param onBytes told the size of each chunk
 */
export async function openBody(
  body: ReadableStream<Uint8Array> | null,
  onBytes: (bytes: number) => void,
): Promise<OpenedBody> {
  const reader = body?.getReader();
  let start: Uint8Array = new Uint8Array();
  try {
    for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
      onBytes(read.value.length);
      start = start.length === 0 ? read.value : joined(start, read.value);
      const first = start.find((byte) => !BLANK.has(byte));
      if (first !== undefined) return { kind: kindOf(first), start };
    }
  } finally {
    reader?.releaseLock();
  }
  return { kind: "empty", start };
}

/**
 * Reads a body as text.
 *
 * @param onBytes told the size of each chunk; what it throws ends the reading
 * @param start what was read of it already
 */
export async function readText(
  body: ReadableStream<Uint8Array> | null,
  onBytes: (bytes: number) => void,
  start: Uint8Array = new Uint8Array(),
): Promise<string> {
  const decoder = new TextDecoder();
  let text = decoder.decode(start, { stream: true });
  for await (const chunk of body ?? []) {
    onBytes(chunk.length);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Reads a whole body into memory; what `onBytes` throws ends the reading. */
export async function readBytes(
  body: ReadableStream<Uint8Array> | null,
  onBytes: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    onBytes(chunk.length);
    chunks.push(chunk);
    size += chunk.length;
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** Counts the bytes of a body and throws once it has too many: without a bound it would fill the memory. */
export function atMostBytes(maxBytes: number, tooLarge: () => Error): (bytes: number) => void {
  let seen = 0;
  return (bytes) => {
    seen += bytes;
    if (seen > maxBytes) throw tooLarge();
  };
}

/** Counts the bytes of a reply and refuses the one that has too many: a model may write without end. */
export function byteLimit(maxBytes: number, service: string): (bytes: number) => void {
  return atMostBytes(
    maxBytes,
    () =>
      new LoophostError(
        "reply_too_large",
        `The reply of ${service} has more than ${maxBytes} bytes. Raise maxReplyBytes, or lower maxTokens.`,
      ),
  );
}

/** White space, and the byte order mark. */
const BLANK: ReadonlySet<number> = new Set([9, 10, 13, 32, 0xef, 0xbb, 0xbf]);

function kindOf(first: number): BodyKind {
  if (first === 0x7b || first === 0x5b) return "json";
  return first === 0x3c ? "page" : "events";
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
