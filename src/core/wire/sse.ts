/**
 * Server-sent events, decoded as they arrive: any chunking, any of the three line ends, several data lines joined.
 *
 * Source: WHATWG HTML, section 9.2.6 "Interpreting an event stream". The connection's reconnection time (`retry:`)
 * is ignored; callers have their own backoff. An event still unfinished when the stream ends is dropped, as specified. One
 * thing is added: some servers report a failure in a field of its own, `error: {...}`, which is given out as an event of that name.
 */

import { onAbort } from "../async/abort.ts";
import { LoophostError } from "../errors.ts";

/** One event: its name ("message" when the stream gave none), its data, and the last id seen so far. */
export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
  readonly id: string;
}

/** An event of more characters than this is taken for a stream that is not one. */
const MAX_EVENT_CHARS = 64 * 1024 * 1024;

/** Makes a decoder: feed it text in any pieces, and it calls back for each event. */
export function createSseDecoder(onEvent: (event: ServerSentEvent) => void): (chunk: string) => void {
  let started = false;
  let line = "";
  let endedOnReturn = false;
  let event = "";
  let data: string | undefined;
  let id = "";

  const endLine = () => {
    if (line === "") {
      if (data !== undefined) onEvent({ event: event || "message", data, id });
      event = "";
      data = undefined;
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment, used to keep connections open
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line.charCodeAt(colon + 1) === 32 ? colon + 2 : colon + 1);
    if (name === "data") data = data === undefined ? value : `${data}\n${value}`;
    else if (name === "event") event = value;
    else if (name === "error" && value !== "") onEvent({ event: "error", data: value, id });
    else if (name === "id" && !value.includes("\0")) id = value;
  };

  return (chunk) => {
    if (chunk === "") return;
    let text = chunk;
    if (!started && text.startsWith("\uFEFF")) text = text.slice(1);
    started = true;
    // The line feed of a CRLF may come in the next chunk.
    if (endedOnReturn && text.startsWith("\n")) text = text.slice(1);
    endedOnReturn = chunk.endsWith("\r");
    if (text.includes("\r")) text = text.replaceAll("\r\n", "\n").replaceAll("\r", "\n");
    // Only what is new is searched: a long line that comes in small pieces is not read again at each of them.
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      line += text.slice(start, end);
      endLine();
      line = "";
      start = end + 1;
    }
    line += text.slice(start);
    if (line.length + (data?.length ?? 0) > MAX_EVENT_CHARS)
      throw new LoophostError(
        "host_protocol",
        `The event stream sent an event of more than ${MAX_EVENT_CHARS} characters.`,
      );
  };
}

/**
 * Reads a response body as server-sent events until it ends.
 *
 * Leaving early, by a throw of `onEvent` or by the signal, cancels the body: not every `fetch` ties a body to its signal.
 *
 * @param options.onBytes called for every chunk with its size, before what is in it; what it throws ends the reading
 * @param options.start bytes of the body that were read already
 */
export async function readSse(
  body: ReadableStream<Uint8Array>,
  onEvent: (event: ServerSentEvent) => void,
  {
    signal,
    onBytes,
    start,
  }: {
    readonly signal?: AbortSignal | undefined;
    readonly onBytes?: (bytes: number) => void;
    readonly start?: Uint8Array | undefined;
  } = {},
): Promise<void> {
  const decode = createSseDecoder(onEvent);
  // The decoder of events takes the byte order mark off, once.
  const text = new TextDecoder("utf-8", { ignoreBOM: true });
  const reader = body.getReader();
  const unlink = onAbort([signal], (reason) => reader.cancel(reason).catch(() => undefined));
  try {
    if (start !== undefined) decode(text.decode(start, { stream: true }));
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      onBytes?.(read.value.length);
      decode(text.decode(read.value, { stream: true }));
    }
    signal?.throwIfAborted();
  } catch (thrown) {
    await reader.cancel(thrown).catch(() => undefined);
    throw thrown;
  } finally {
    unlink();
    reader.releaseLock();
  }
}
