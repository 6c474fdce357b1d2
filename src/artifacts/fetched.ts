/** A file that was fetched: a stream that is read once, by its reader or by `bytes()`. */

import type { Artifact } from "../core/artifacts.ts";
import { atLeast } from "../core/check-options.ts";
import { LoophostError, toLoophostError } from "../core/errors.ts";
import { atMostBytes, readBytes } from "../core/wire/body.ts";

/** A file that was fetched. */
export interface FetchedArtifact extends Artifact {
  /** Its bytes, as they come; read them or cancel the stream. */
  readonly stream: ReadableStream<Uint8Array>;
  /**
   * All of it at once; called again, the same bytes.
   *
   * @param maxBytes default 32 MiB
   * @throws LoophostError `reply_too_large`; `invalid_options` when the stream was read already; what the stream errors with
   */
  bytes(maxBytes?: number): Promise<Uint8Array>;
}

const MAX_BYTES = 32 * 1024 * 1024;

/** Makes one of what a host's storage gave. */
export function fetched(
  artifact: Artifact,
  source: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): FetchedArtifact {
  const { name } = artifact;
  const reader = source.getReader();
  let isTouched = false;
  let whole: Promise<Uint8Array> | undefined;
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        isTouched = true;
        const { done, value } = await reader.read().catch((thrown: unknown) => {
          throw toLoophostError(thrown, signal.aborted ? "aborted" : "host_failed", `Reading ${name}`);
        });
        return done ? controller.close() : controller.enqueue(value);
      },
      cancel(reason) {
        isTouched = true;
        return reader.cancel(reason);
      },
    },
    // Nothing is read ahead of whoever reads.
    { highWaterMark: 0 },
  );
  const bytes = async (maxBytes = MAX_BYTES) => {
    const problem = atLeast(0)(maxBytes);
    if (problem !== undefined) throw refused(`bytes(): maxBytes${problem}.`);
    if (whole === undefined && (isTouched || stream.locked))
      throw refused(
        `bytes(): the stream of ${name} was read already, and it comes once. Get the file again.`,
      );
    whole ??= readBytes(
      stream,
      atMostBytes(maxBytes, () => tooLarge(name, maxBytes)),
    );
    const all = await whole;
    if (all.byteLength > maxBytes) throw tooLarge(name, maxBytes);
    return all;
  };
  return { ...artifact, stream, bytes };
}

function tooLarge(name: string, maxBytes: number): LoophostError {
  return new LoophostError(
    "reply_too_large",
    `${name} has more than ${maxBytes} bytes: get it again and read its stream, or pass bytes() a higher bound.`,
  );
}

function refused(message: string): LoophostError {
  return new LoophostError("invalid_options", message);
}
