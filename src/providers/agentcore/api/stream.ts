/**
 * One request that is answered with an event stream, sent once. A reply that falls silent, breaks or is given up closes its
 * socket; leaving the loop alone would hold it open for as long as the agent runs.
 */

import { onAbort } from "../../../core/async/abort.ts";
import type { Clock } from "../../../core/clock.ts";
import { LoophostError } from "../../../core/errors.ts";
import { isObject } from "../../../core/json.ts";
import { watchSilence } from "../../../core/wire/silence.ts";
import type { HarnessEvent } from "../stream/events.ts";
import { checkEvent, readEvents } from "../stream/events.ts";
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
 * @throws LoophostError as `toHostError` and `readEvents` say, `host_failed` after a silence, `aborted`
 */
export async function* streamEvents(request: StreamRequest): AsyncGenerator<HarnessEvent, void, void> {
  const { plane, command, input, member, doing, idleMs, clock, signal } = request;
  signal.throwIfAborted();
  const stopping = new AbortController();
  const unlink = onAbort([signal], (reason) => stopping.abort(reason));
  const watch = watchSilence(clock, idleMs, () => stopping.abort(fellSilent(doing, idleMs)));
  try {
    const body = await untilAborted(plane.stream(command, input, stopping.signal, member), stopping.signal);
    watch.heard();
    for await (const event of eventsOf(body, watch.heard)) {
      stopping.signal.throwIfAborted();
      yield event;
    }
    stopping.signal.throwIfAborted();
  } catch (thrown) {
    if (signal.aborted) throw new LoophostError("aborted", `${doing}: it was aborted.`);
    throw toHostError(stopping.signal.aborted ? stopping.signal.reason : thrown, doing);
  } finally {
    watch.end();
    unlink();
    stopping.abort();
  }
}

function eventsOf(body: StreamBody, heard: () => void): AsyncIterable<HarnessEvent> {
  if (body.is === "decoded") return readDecoded(body.events, heard);
  // A proxy's page, or an error with the wrong status: its first bytes would be taken for the length of a frame.
  if (body.contentType.includes("eventstream")) return readEvents(hearing(body.body, heard));
  throw new LoophostError(
    "host_protocol",
    `AgentCore answered with ${body.contentType || "no content type"} instead of an event stream.`,
    { mayRetry: false },
  );
}

async function* hearing(body: AsyncIterable<Uint8Array>, heard: () => void): AsyncGenerator<Uint8Array> {
  for await (const bytes of body) {
    heard();
    yield bytes;
  }
}

/** Events as an injected client decoded them: one member each. */
async function* readDecoded(events: AsyncIterable<unknown>, heard: () => void): AsyncGenerator<HarnessEvent> {
  for await (const event of events) {
    heard();
    const [entry] = isObject(event) ? Object.entries(event) : [];
    if (entry !== undefined) yield checkEvent({ type: entry[0], value: isObject(entry[1]) ? entry[1] : {} });
  }
}

/** A client that heeds no signal must not hold up whoever gave up. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const unlink = onAbort([signal], reject);
    work.then(resolve, reject).finally(unlink);
  });
}

function fellSilent(doing: string, idleMs: number): LoophostError {
  return new LoophostError(
    "host_failed",
    `${doing}: AgentCore sent nothing for ${idleMs} ms. The agent may still be at work. Raise idleMs if it needs longer.`,
    { hostCode: "idle_timeout", mayRetry: false },
  );
}
