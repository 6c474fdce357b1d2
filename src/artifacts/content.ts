/** What is put, in any form, as one stream of bytes that is counted on its way. */

import { LoophostError } from "../core/errors.ts";

/** What can be put. */
export type ArtifactContent =
  | string
  | Uint8Array
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | Iterable<Uint8Array>;

/**
 * The stream of a content.
 *
 * @param onBytes told the size of each piece as it is read
 * @throws LoophostError `invalid_options` for what is none
 */
export function toStream(
  content: ArtifactContent,
  onBytes: (bytes: number) => void,
): ReadableStream<Uint8Array> {
  const { next, cancel } = sourceOf(content);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await next();
        if (done === true) return controller.close();
        if (!(value instanceof Uint8Array)) throw refused("bytes must come as Uint8Array");
        onBytes(value.byteLength);
        return controller.enqueue(value);
      },
      // Not waited for: a source that hangs must not hold up whoever gave it up.
      cancel: (reason) => cancel(reason),
    },
    // Nothing is read ahead: memory holds the piece that is under way.
    { highWaterMark: 0 },
  );
}

interface Source {
  readonly next: () => Promise<{ readonly done?: boolean; readonly value?: unknown }>;
  readonly cancel: (reason: unknown) => void;
}

function sourceOf(content: unknown): Source {
  if (content instanceof Blob) return sourceOf(content.stream());
  if (content instanceof ReadableStream) {
    const reader: ReadableStreamDefaultReader<unknown> = content.getReader();
    return {
      next: () => reader.read(),
      cancel: (reason) => void reader.cancel(reason).catch(() => undefined),
    };
  }
  const pieces = piecesOf(content);
  return { next: () => pieces.next(), cancel: () => void pieces.return().catch(() => undefined) };
}

async function* piecesOf(content: unknown): AsyncGenerator<unknown, void, undefined> {
  if (typeof content === "string") yield new TextEncoder().encode(content);
  else if (content instanceof Uint8Array) yield content;
  else if (isIterable(content)) yield* content;
  else throw refused("it takes a string, bytes, a Blob, a stream, or pieces of bytes");
}

function isIterable(content: unknown): content is AsyncIterable<unknown> | Iterable<unknown> {
  return (
    typeof content === "object" &&
    content !== null &&
    (Symbol.asyncIterator in content || Symbol.iterator in content)
  );
}

function refused(what: string): LoophostError {
  return new LoophostError("invalid_options", `put(): ${what}.`);
}
