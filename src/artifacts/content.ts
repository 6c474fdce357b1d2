/** What is put, in any form, as one stream of bytes that is counted on its way. */

import { LoophostError, toLoophostError } from "../core/errors.ts";

/** What can be put. */
export type ArtifactContent =
  | string
  | Uint8Array
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | Iterable<Uint8Array>;

/** A content on its way to a host. */
export interface Sending {
  readonly stream: ReadableStream<Uint8Array>;
  /** How many bytes were read of it. */
  readonly bytes: number;
  /** Why it could not be read to its end: a fault of the content's, whatever the host then says of a request that broke off. */
  readonly failure: LoophostError | undefined;
  /** Lets go of what was not read: a file behind it would stay open. Not waited for, since a source may hang. */
  readonly cancel: (reason: unknown) => void;
}

/**
 * The stream of a content.
 *
 * @throws LoophostError `invalid_options` for what is none
 */
export function toSending(content: ArtifactContent): Sending {
  const { next, cancel } = sourceOf(content);
  const sending = { bytes: 0, failure: undefined as LoophostError | undefined };
  const read = async (): Promise<Uint8Array | undefined> => {
    const { done, value } = await next();
    if (done === true) return undefined;
    if (value instanceof Uint8Array) return value;
    throw refused("bytes must come as Uint8Array");
  };
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const piece = await read().catch((thrown: unknown) => {
          sending.failure = toLoophostError(thrown, "invalid_options", "put(): reading the content failed");
          throw sending.failure;
        });
        if (piece === undefined) return controller.close();
        sending.bytes += piece.byteLength;
        return controller.enqueue(piece);
      },
      cancel,
    },
    // Nothing is read ahead: memory holds the piece that is under way.
    { highWaterMark: 0 },
  );
  return Object.assign(sending, { stream, cancel });
}

interface Source {
  readonly next: () => Promise<{ readonly done?: boolean; readonly value?: unknown }>;
  readonly cancel: (reason: unknown) => void;
}

function sourceOf(content: unknown): Source {
  if (content instanceof Blob) return sourceOf(content.stream());
  if (content instanceof ReadableStream) {
    if (content.locked) throw refused("the stream has another reader already");
    const reader: ReadableStreamDefaultReader<unknown> = content.getReader();
    return {
      next: () => reader.read(),
      cancel: (reason) => void reader.cancel(reason).catch(() => undefined),
    };
  }
  const pieces = piecesOf(content);
  return { next: () => pieces.next(), cancel: () => void pieces.return().catch(() => undefined) };
}

function piecesOf(content: unknown): AsyncGenerator<unknown, void, undefined> {
  if (typeof content === "string") return each([new TextEncoder().encode(content)]);
  if (content instanceof Uint8Array) return each([content]);
  if (isIterable(content)) return each(content);
  throw refused("it takes a string, a Uint8Array, a Blob, a stream, or pieces of bytes");
}

async function* each(
  pieces: AsyncIterable<unknown> | Iterable<unknown>,
): AsyncGenerator<unknown, void, undefined> {
  yield* pieces;
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
