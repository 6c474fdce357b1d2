/** Where a worker answers to Restate: an HTTP/2 server that can be left. */

import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Session } from "node:http2";

import { toLoophostError } from "../../core/errors.ts";
import type { RestateListen } from "./options.ts";

/** A server that listens. */
export interface Endpoint {
  /** Its address, for Restate. */
  readonly url: string;
  /**
   * Has Restate connect anew, which a balancer may lead to another worker. Restate keeps one connection: without this, all
   * that it calls would reach a worker that is cut off from its store, for as long as that lives.
   */
  turnAway(): void;
  /** Says goodbye, after which Restate sends everything elsewhere, also what is under way; resolves when all have left. */
  leave(): Promise<void>;
  /** Cuts the connections that are left. */
  cut(): void;
}

/** Least time between two of its kind: sessions that run well here are called for elsewhere, too, and wait there. */
const TURN_AWAY_MS = 5_000;

type Handler = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

/**
 * Listens for Restate, which speaks HTTP/2 without TLS to an `http://` address.
 *
 * @throws LoophostError `host_failed` when the port cannot be had
 */
export async function listenFor(handler: Handler, where: RestateListen): Promise<Endpoint> {
  const { createServer } = await import("node:http2");
  const { port, host = "127.0.0.1" } = where;
  const server = createServer(handler);
  const connections = new Set<ServerHttp2Session>();
  let isLeaving = false;
  let turnedAwayAt = -Infinity;
  server.on("session", (connection) => {
    connections.add(connection);
    connection.on("close", () => connections.delete(connection));
    // A connection that breaks is Restate's to open again; an error nobody listens for would end the process.
    connection.on("error", () => connection.destroy());
    if (isLeaving) connection.close();
  });
  server.on("sessionError", () => undefined);

  await new Promise<void>((resolve, reject) => {
    server.once("error", (thrown) =>
      reject(toLoophostError(thrown, "host_failed", `Could not listen for Restate on ${host}:${port}`)),
    );
    server.listen(port, host, resolve);
  });
  const address = server.address();
  const actualPort = typeof address === "object" && address !== null ? address.port : port;

  // By GOAWAY, upon which Restate closes the connection.
  const closeAll = () => {
    for (const connection of connections) connection.close();
  };
  return {
    url: where.url ?? `http://${host.includes(":") ? `[${host}]` : host}:${actualPort}`,
    leave() {
      isLeaving = true;
      return new Promise((resolve) => {
        server.close(() => resolve());
        closeAll();
      });
    },
    turnAway() {
      const now = performance.now();
      if (now - turnedAwayAt < TURN_AWAY_MS) return;
      turnedAwayAt = now;
      closeAll();
    },
    cut() {
      for (const connection of connections) connection.destroy();
    },
  };
}
