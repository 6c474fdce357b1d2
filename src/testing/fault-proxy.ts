/**
 * An HTTP proxy on loopback that breaks on purpose: streams that are cut, replies that are lost after the server did
 * the work, refusals, waits, frames that come twice or out of order.
 *
 *   F1  what happens to a request is decided by the seed and the number of the request, not by time
 *   F2  without a fault, bytes pass as they are and as they come
 */

import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { createServer, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { Transform } from "node:stream";
import { text as textOf } from "node:stream/consumers";

import { LoophostError } from "../core/errors.ts";
import type { Due, Happened, WireFault } from "./fault-plan.ts";
import { Faults } from "./fault-plan.ts";

/** How a proxy is made. */
export interface FaultProxyOptions {
  /** The base URL of the server behind it. */
  readonly target: string;
  readonly faults: readonly WireFault[];
  /** Default 1. */
  readonly seed?: number | undefined;
}

/** A proxy that listens. */
export interface FaultProxy extends AsyncDisposable {
  /** The base URL for clients, with the path of the target. */
  readonly url: string;
  /** What went wrong so far, in order. */
  readonly log: readonly Happened[];
  /** Stops listening and cuts every connection. */
  close(): Promise<void>;
}

/**
 * Starts a proxy on a free port of 127.0.0.1.
 *
 * @throws LoophostError `invalid_options` when the target is no http or https URL
 */
export async function faultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const target = toTarget(options.target);
  const faults = new Faults(options.faults, options.seed ?? 1);
  let requests = 0;
  const server = createServer((incoming, outgoing) => {
    requests += 1;
    serve(incoming, outgoing, { target, faults, number: requests }).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return {
    url: `http://127.0.0.1:${port}${target.pathname.replace(/\/$/, "")}`,
    log: faults.log,
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Serving {
  readonly target: URL;
  readonly faults: Faults;
  readonly number: number;
}

async function serve(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { target, faults, number }: Serving,
): Promise<void> {
  const body = await textOf(incoming);
  const { method = "GET", url: path = "/" } = incoming;
  const due = faults.of({ number, method, path, body });
  for (const { ms } of due.all("delay")) await new Promise((resolve) => setTimeout(resolve, ms));
  const [refusal] = due.all("refuse");
  if (refusal !== undefined) return refuse(outgoing, refusal.status, refusal.retryAfterMs);

  const upstream = forward(target, incoming, body);
  outgoing.once("close", () => upstream.destroy());
  const reply = await new Promise<IncomingMessage>((resolve, reject) => {
    upstream.once("response", resolve);
    upstream.once("error", reject);
  });
  reply.on("error", () => outgoing.destroy());
  if (due.all("lose reply").length > 0) return void outgoing.destroy();
  outgoing.writeHead(reply.statusCode ?? 502, withoutHop(reply.headers));
  outgoing.flushHeaders();
  const isEvents = reply.headers["content-type"]?.includes("event-stream") === true;
  const [cut] = due.all("cut");
  let passing: NodeJS.ReadableStream = reply;
  if (isEvents && due.changesFrames) passing = passing.pipe(inFrames(due));
  if (cut === undefined) passing.pipe(outgoing);
  else passing.pipe(cutAfter(cut.afterBytes, outgoing)).pipe(outgoing);
}

function forward(target: URL, incoming: IncomingMessage, body: string): ClientRequest {
  const { headers: given, method, url = "/" } = incoming;
  const bytes = Buffer.from(body);
  const headers = { ...withoutHop(given), host: target.host, "content-length": String(bytes.length) };
  const request = target.protocol === "https:" ? requestHttps : requestHttp;
  const upstream = request(new URL(url, target), { method, headers });
  upstream.end(bytes);
  return upstream;
}

function refuse(outgoing: ServerResponse, status: number, retryAfterMs: number | undefined): void {
  const wait = retryAfterMs === undefined ? {} : { "retry-after-ms": String(retryAfterMs) };
  outgoing.writeHead(status, { "content-type": "application/json", ...wait });
  const error = { type: "fault_on_purpose", message: `A fault on purpose: ${status}.` };
  outgoing.end(JSON.stringify({ type: "error", error }));
}

/** Has every frame of an event stream changed, its blank line included; whatever is left at the end passes. */
function inFrames(due: Due): Transform {
  const decoder = new TextDecoder();
  let rest = "";
  let frames = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      rest += decoder.decode(chunk, { stream: true });
      const parts = rest.split(/(?<=\r?\n\r?\n)/);
      rest = /\r?\n\r?\n$/.test(parts.at(-1) ?? "") ? "" : (parts.pop() ?? "");
      done(null, parts.map((frame) => due.pass(frame, (frames += 1))).join(""));
    },
    flush: (done) => done(null, due.heldBack + rest),
  });
}

/** Lets so many bytes pass, then breaks the connection they went to. */
function cutAfter(bytes: number, outgoing: ServerResponse): Transform {
  let left = bytes;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (chunk.length < left) {
        left -= chunk.length;
        return done(null, chunk);
      }
      // The bytes first, the cut after them: a socket that is destroyed at once takes them along.
      outgoing.write(chunk.subarray(0, left), () => setImmediate(() => outgoing.destroy()));
    },
  });
}

/** Headers for the other side: those about this connection are its own. */
function withoutHop(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const {
    connection: _c,
    "keep-alive": _k,
    "transfer-encoding": _t,
    "content-length": _l,
    ...rest
  } = headers;
  return rest;
}

function toTarget(target: string): URL {
  const url = URL.canParse(target) ? new URL(target) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new LoophostError(
    "invalid_options",
    `faultProxy: target must be an http or https URL; got ${JSON.stringify(target)}.`,
  );
}
