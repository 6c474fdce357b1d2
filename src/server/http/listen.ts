/** Serves the host over HTTP with node. */

import { createServer } from "node:http";

import { LoophostError, toLoophostError } from "../../core/errors.ts";

const KEEP_ALIVE_MS = 75_000;

/** A host that listens. */
export interface Listening {
  /** The base URL for clients. */
  readonly url: string;
  /** Stops listening and cuts every connection. */
  close(): Promise<void>;
}

/**
 * Listens on a port.
 *
 * @throws LoophostError `missing_dependency` without `@hono/node-server`, `host_failed` when the port cannot be had
 */
export async function listenWith(
  answer: (request: Request) => Promise<Response>,
  port: number,
  hostname: string,
): Promise<Listening> {
  const { getRequestListener } = await import("@hono/node-server").catch((cause: unknown) => {
    throw new LoophostError(
      "missing_dependency",
      "listen() needs the package @hono/node-server: npm install @hono/node-server.",
      { cause },
    );
  });
  // Do not let the adapter replace globals: this is a guest in somebody's program.
  const listener = getRequestListener(answer, { overrideGlobalObjects: false });
  const server = createServer((incoming, outgoing) => {
    listener(incoming, outgoing).catch(() => outgoing.destroy());
  });
  // Keep-alive longer than clients pause between posts. Race: a post sent just as the connection is closed would be
  // lost.
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (thrown) =>
      reject(toLoophostError(thrown, "host_failed", `Could not listen on ${hostname}:${port}`)),
    );
    server.listen(port, hostname, resolve);
  });
  const address = server.address();
  const actualPort = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${actualPort}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
