/**
 * Replies of the host, read within a bound in bytes and by what they hold: the SDK would read a body of any size into memory,
 * and takes it for what its label (content type) says.
 */

import { LoophostError } from "../../../core/errors.ts";
import { isObject } from "../../../core/json.ts";
import { atMostBytes, readBytes, readText } from "../../../core/wire/body.ts";
import type { ClaudeTransport } from "./client.ts";

type ClaudeResponse = ReturnType<ClaudeTransport["get"]>;

/** More than any object of the wire has; a page of a list that is larger is asked for again in smaller ones. */
const MAX_REPLY_BYTES = 64 * 1024 * 1024;
/** What is read of a refusal, to be quoted. */
const MAX_ERROR_BYTES = 64 * 1024;

/** The reply as an object; anything else is refused. */
export async function asRecord(response: ClaudeResponse): Promise<Record<string, unknown>> {
  const reply = await response.asResponse();
  const said = await textOf(reply);
  const body = parse(said);
  if (isObject(body)) return body;
  if (isPage(said)) throw webPage(reply.url);
  // Without a quote: it may hold the key, as replies do that echo a request.
  throw new LoophostError(
    "host_protocol",
    `The host answered with ${said.length} characters that are not a JSON object. Check baseUrl.`,
  );
}

/**
 * The reply to an accepted post: a 2xx counts whatever its body says, since servers answer with 202 and nothing, or
 * with a word. A caller that needs an id from it looks it up in the history.
 */
export async function asTaken(response: ClaudeResponse): Promise<Record<string, unknown>> {
  const reply = await response.asResponse();
  const said = await textOf(reply).catch((thrown: unknown) => {
    if (thrown instanceof LoophostError) return "";
    throw thrown;
  });
  if (isPage(said)) throw webPage(reply.url);
  const body = parse(said);
  return isObject(body) ? body : {};
}

/** The reply as bytes; `reply_too_large` when it has more than `maxBytes`. */
export async function asBytes(response: ClaudeResponse, maxBytes: number): Promise<Uint8Array> {
  return readBytes(
    (await response.asResponse()).body,
    upTo(maxBytes, "Read it as a stream, or raise maxBytes"),
  );
}

/** The reply as it comes. */
export async function asStream(response: ClaudeResponse): Promise<ReadableStream<Uint8Array>> {
  const reply = await response.asResponse();
  // An HTML page in place of a stream ends at once, and would be reconnected to until the run's timeout.
  if (reply.headers.get("content-type")?.includes("text/html") === true) throw webPage(reply.url);
  if (reply.body !== null) return reply.body;
  throw new LoophostError("host_protocol", "The host answered without a body.");
}

/** A `fetch` that lets through the beginning of what a host refuses with: the SDK reads all of it, to quote some. */
export function boundedErrors(send: typeof fetch): typeof fetch {
  return async (input, init) => {
    const reply = await send(input, init);
    if (reply.ok || reply.body === null) return reply;
    let left = MAX_ERROR_BYTES;
    const start = reply.body.pipeThrough(
      new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform(chunk, controller) {
          controller.enqueue(chunk.subarray(0, left));
          left -= chunk.length;
          if (left <= 0) controller.terminate();
        },
      }),
    );
    const { status, statusText, headers } = reply;
    return new Response(start, { status, statusText, headers });
  };
}

function textOf(reply: Response): Promise<string> {
  return readText(reply.body, upTo(MAX_REPLY_BYTES, "Check baseUrl"));
}

function upTo(maxBytes: number, advice: string): (bytes: number) => void {
  return atMostBytes(
    maxBytes,
    () =>
      new LoophostError("reply_too_large", `The host's reply has more than ${maxBytes} bytes. ${advice}.`),
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isPage(text: string): boolean {
  return text.trimStart().startsWith("<");
}

/**
 * An HTML page with status 200: a sign-in, a proxy, the wrong path. The query is left out of the error, since it may
 * hold secrets.
 */
function webPage(url: string): LoophostError {
  const where = url === "" ? "What was asked for" : url.replace(/[?#].*$/, "");
  return new LoophostError("host_protocol", `${where} is a web page, not the API. Check baseUrl.`);
}
