/**
 * A bound in bytes for what an MCP server sends over HTTP. The SDK reads each body, and each event of a stream, into memory
 * whole: a server that writes without end would fill it.
 */

import { LoophostError } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";
import { atMostBytes } from "../../core/wire/body.ts";

/** Bytes a message of a server's may have. */
const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;

/** The error for a server that sends a message of more than so many bytes. */
export function messageTooLarge(server: string, maxBytes: number = MAX_MESSAGE_BYTES): LoophostError {
  return new LoophostError(
    "reply_too_large",
    `The MCP server "${server}" sent a message of more than ${maxBytes} bytes.`,
  );
}

/**
 * A `fetch` whose replies fail once they have too many bytes; of a stream of events, once an event has.
 *
 * @param send what makes the requests
 * @param onLate told the id of the request whose stream failed: the SDK goes on waiting for what that request comes to
 */
export function boundedFetch(
  send: typeof fetch,
  server: string,
  onLate: (id: unknown, why: LoophostError) => void,
): typeof fetch {
  return async (url, init) => {
    const response = await send(url, init);
    const { body, status, statusText, headers } = response;
    if (body === null) return response;
    const isStream = headers.get("content-type")?.startsWith("text/event-stream") === true;
    const count = isStream ? countEvents(server) : countAll(server);
    const bounded = body.pipeThrough(
      new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform(chunk, controller) {
          try {
            count(chunk);
          } catch (thrown) {
            if (isStream && thrown instanceof LoophostError) onLate(idOf(init?.body), thrown);
            throw thrown;
          }
          controller.enqueue(chunk);
        },
      }),
    );
    return new Response(bounded, { status, statusText, headers });
  };
}

type Count = (chunk: Uint8Array) => void;

function countAll(server: string): Count {
  const count = atMostBytes(MAX_MESSAGE_BYTES, () => messageTooLarge(server));
  return (chunk) => count(chunk.length);
}

/** Counts anew after each blank line, which ends an event. */
function countEvents(server: string): Count {
  let size = 0;
  let isLineEmpty = true;
  let wasReturn = false;
  return (chunk) => {
    for (const byte of chunk) {
      const isSecondOfTwo = wasReturn && byte === NEW_LINE;
      wasReturn = byte === RETURN;
      if (isSecondOfTwo) continue;
      const isEnd = byte === NEW_LINE || byte === RETURN;
      size = isEnd && isLineEmpty ? 0 : size + 1;
      isLineEmpty = isEnd;
      if (size > MAX_MESSAGE_BYTES) throw messageTooLarge(server);
    }
  };
}

const NEW_LINE = 10;
const RETURN = 13;

/** The id of the request in a body. */
function idOf(body: unknown): unknown {
  const request: unknown = typeof body === "string" ? JSON.parse(body) : undefined;
  return isObject(request) ? request["id"] : undefined;
}
