/**
 * An HTTP proxy on loopback that breaks on purpose: streams that are cut or fall silent, requests and replies that are
 * lost, refusals, waits, frames that come twice, late or out of order.
 *
 *   F1  what happens to a request is decided by the seed and the number of the request, not by time
 *   F2  without a fault, bytes pass as they are and as they come
 */

import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { createServer, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { Transform } from "node:stream";
import { text as textOf } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

import type { Names } from "../../core/check-options.ts";
import { checkNames } from "../../core/check-options.ts";
import { LoophostError } from "../../core/errors.ts";
import type { Due, CrashEvent, WireFault } from "./plan.ts";
import { Faults } from "./plan.ts";

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
  readonly log: readonly CrashEvent[];
  /** How many requests are under way, streams and late ones included: 0 once a client has released everything, so it finds leaks. */
  readonly underWay: number;
  /** Stops listening and cuts every connection. */
  close(): Promise<void>;
}

const PROXY: Names<FaultProxyOptions> = { target: 1, faults: 1, seed: 1 };

/**
 * Starts a proxy on a free port of 127.0.0.1.
 *
 * @throws LoophostError `invalid_options` when the target is no http or https URL
 */
export async function faultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  checkNames("faultProxy()", options, PROXY);
  const target = toTarget(options.target);
  const faults = new Faults(options.faults, options.seed ?? 1);
  let requests = 0;
  let underWay = 0;
  const server = createServer((incoming, outgoing) => {
    requests += 1;
    underWay += 1;
    const closed = new Promise((resolve) => outgoing.once("close", resolve));
    serve(incoming, outgoing, { target, faults, number: requests })
      .catch(() => outgoing.destroy())
      .then(() => closed)
      .then(
        () => (underWay -= 1),
        () => undefined,
      );
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
    get underWay() {
      return underWay;
    },
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
  await waitFor(due, "request");
  const [lostRequest] = due.all("lose request");
  if (lostRequest !== undefined) {
    due.note(lostRequest);
    return void outgoing.destroy();
  }
  const [refusal] = due.all("refuse");
  if (refusal !== undefined) {
    due.note(refusal);
    return refuse(outgoing, refusal);
  }
  const [lostReply] = due.all("lose reply");
  if (lostReply !== undefined) due.note(lostReply);
  if (lostReply?.lateMs !== undefined) {
    outgoing.destroy();
    await sleep(lostReply.lateMs);
    // The client has gone, but the server must still get and do all of it.
    return void (await replyOf(forward(target, incoming, body))).resume();
  }

  const upstream = forward(target, incoming, body);
  outgoing.once("close", () => upstream.destroy());
  const reply = await replyOf(upstream);
  reply.on("error", () => outgoing.destroy());
  if (lostReply !== undefined) return void outgoing.destroy();
  await waitFor(due, "reply");
  outgoing.writeHead(reply.statusCode ?? 502, withoutHop(reply.headers));
  outgoing.flushHeaders();
  const isEvents = reply.headers["content-type"]?.includes("event-stream") === true;
  let passing: NodeJS.ReadableStream = reply;
  if (isEvents && due.changesFrames) passing = passing.pipe(inFrames(due));
  const [stop] = [...due.all("cut"), ...due.all("stall")];
  if (stop === undefined) passing.pipe(outgoing);
  else passing.pipe(stopAfter(stop, outgoing, due)).pipe(outgoing, { end: false });
}

async function waitFor(due: Due, what: "request" | "reply"): Promise<void> {
  for (const delay of due.all("delay").filter(({ of = "request" }) => of === what)) {
    due.note(delay);
    await sleep(delay.ms);
  }
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

/** The beginning of the server's reply; rejects when the server cannot be reached. */
function replyOf(upstream: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    upstream.once("response", resolve);
    upstream.once("error", reject);
  });
}

function refuse(
  outgoing: ServerResponse,
  { status, retryAfterMs, headers }: Extract<WireFault, { how: "refuse" }>,
): void {
  const wait = retryAfterMs === undefined ? {} : { "retry-after-ms": String(retryAfterMs) };
  outgoing.writeHead(status, { "content-type": "application/json", ...wait, ...headers });
  const error = { type: "fault_on_purpose", message: `A fault on purpose: ${status}.` };
  outgoing.end(JSON.stringify({ type: "error", error }));
}

/** Has every frame of an event stream changed, its blank line included; whatever is left at the end passes. */
function inFrames(due: Due): Transform {
  const decoder = new TextDecoder();
  let rest = "";
  let frames = 0;
  return new Transform({
    async transform(chunk: Buffer, _encoding, done) {
      rest += decoder.decode(chunk, { stream: true });
      const parts = rest.split(/(?<=\r?\n\r?\n)/);
      rest = /\r?\n\r?\n$/.test(parts.at(-1) ?? "") ? "" : (parts.pop() ?? "");
      for (const frame of parts) {
        frames += 1;
        const lagMs = due.lagMs(frames);
        if (lagMs > 0) await sleep(lagMs);
        this.push(due.pass(frame, frames));
      }
      done();
    },
    flush: (done) => done(null, due.takeLate() + rest),
  });
}

/** Lets so many bytes pass; then the connection they went to breaks, or falls silent. A reply of fewer bytes ends well. */
function stopAfter(
  fault: Extract<WireFault, { afterBytes: number }>,
  outgoing: ServerResponse,
  due: Due,
): Transform {
  let left = fault.afterBytes;
  let isOver = false;
  const stop = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (!isOver) {
        this.push(chunk.subarray(0, left));
        left -= chunk.length;
        isOver = left <= 0;
        if (isOver) this.push(null);
      }
      done();
    },
  });
  stop.once("end", () => {
    if (isOver) due.note(fault);
    else outgoing.end();
    // Flush first: a socket that is destroyed at once drops what was written.
    if (isOver && fault.how === "cut") setImmediate(() => outgoing.socket?.destroySoon());
  });
  return stop;
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
