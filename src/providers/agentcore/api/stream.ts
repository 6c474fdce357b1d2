/**
 * One request that is answered with an event stream, sent once. A reply that falls silent, breaks or is given up closes its
 * socket; leaving the loop alone would hold it open for as long as the agent runs.
 */

import { onAbort } from "../../../core/async/abort.ts";
import type { Clock } from "../../../core/clock.ts";
import { LoophostError } from "../../../core/errors.ts";
import { watchSilence } from "../../../core/wire/silence.ts";
import type { Decoder, HarnessEvent } from "../stream/events.ts";
import { ByteDecoder, MemberDecoder } from "../stream/events.ts";
import type { Plane, StreamBody } from "./client.ts";
import { toHostError } from "./host-error.ts";

/** How a streaming request is made. */
export interface StreamRequest {
  readonly plane: Plane;
  /** The command's name in the SDK. */
  readonly command: string;
  readonly input: object;
  /** The field the SDK's own decoder would put the events into. */
  readonly member: string;
  readonly doing: string;
  readonly idleMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Sends a request and gives the events of its reply, as they come.
 *
 * @throws LoophostError as `toHostError` and `Decoder` say, `host_failed` after a silence, `aborted`
 */
export async function* streamEvents(request: StreamRequest): AsyncGenerator<HarnessEvent, void, void> {
  const { plane, command, input, member, doing, idleMs, clock, signal } = request;
  signal.throwIfAborted();
  const stopping = new AbortController();
  const unlink = onAbort([signal], (reason) => stopping.abort(reason));
  let isOver = false;
  const watch = watchSilence(clock, idleMs, () => stopping.abort(fellSilent(doing, idleMs)));
  try {
    const body = await untilAborted(plane.stream(command, input, stopping.signal, member), stopping.signal);
    watch.heard();
    const { pieces, decoder } = readingOf(body);
    for await (const piece of untilAbortedEach(pieces, stopping.signal)) {
      watch.heard();
      decoder.push(piece);
      for (let event = decoder.next(); event !== undefined; event = decoder.next()) {
        yield event;
        stopping.signal.throwIfAborted();
      }
    }
    stopping.signal.throwIfAborted();
    decoder.end();
    isOver = true;
  } catch (thrown) {
    if (signal.aborted) throw new LoophostError("aborted", `${doing}: it was aborted.`);
    throw toHostError(stopping.signal.aborted ? stopping.signal.reason : thrown, doing);
  } finally {
    watch.end();
    unlink();
    // Not at the end of a whole reply, whose connection is used again; an abort makes an error with its stack, too.
    if (!isOver) stopping.abort();
  }
}

/** A body in pieces, and what makes events of them. */
interface Reading {
  readonly pieces: AsyncIterable<unknown>;
  readonly decoder: Decoder<unknown>;
}

/** Types of content that are no event stream; whatever else a proxy made of the type, the first checksum tells. */
const OTHER_TYPE = /^(text|image)\/|json|xml|html/i;

function readingOf(body: StreamBody): Reading {
  if (body.is === "decoded") return { pieces: body.events, decoder: new MemberDecoder() };
  // A proxy's page, or an error with the wrong status: its first bytes would be taken for the length of a frame.
  if (!OTHER_TYPE.test(body.contentType)) return { pieces: body.body, decoder: new ByteDecoder() };
  throw new LoophostError(
    "host_protocol",
    `AgentCore answered with ${body.contentType} instead of an event stream.`,
    { mayRetry: false },
  );
}

/** A client that heeds no signal must not hold up whoever gave up. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const unlink = onAbort([signal], reject);
    work.then(resolve, reject).finally(unlink);
  });
}

/** The pieces of a body whose reader may heed no signal either: a hanging one would outlive the idle timeout. */
async function* untilAbortedEach(
  pieces: AsyncIterable<unknown>,
  signal: AbortSignal,
): AsyncGenerator<unknown, void, void> {
  const reading = pieces[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await untilAborted(reading.next(), signal);
      if (done === true) return;
      yield value;
    }
  } finally {
    // Not awaited: a generator that hangs in its next() queues this behind it.
    Promise.resolve(reading.return?.()).catch(() => undefined);
  }
}

function fellSilent(doing: string, idleMs: number): LoophostError {
  return new LoophostError(
    "host_failed",
    `${doing}: AgentCore sent nothing for ${idleMs} ms. The agent may still be at work. Raise idleMs if it needs longer.`,
    { hostCode: "idle_timeout", mayRetry: false },
  );
}
