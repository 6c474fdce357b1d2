/** The health checks of a worker over HTTP; nothing else is answered there. */

import { createServer } from "node:http";

import { toLoophostError } from "../../core/errors.ts";
import type { Health } from "../../server/http/health.ts";
import { HEALTH_PATHS, healthReply } from "../../server/http/health.ts";
import { portProblem } from "../serve/listening.ts";

/** Where health checks are answered. Disposing of it closes every connection. */
export interface HealthServer extends AsyncDisposable {
  readonly url: string;
}

/**
 * Begins to answer.
 *
 * @throws LoophostError `host_failed` when the port cannot be had
 */
export async function answerHealth(port: number, hostname: string, health: Health): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const asked = (request.url ?? "").split("?", 1)[0];
    const path = HEALTH_PATHS.find((known) => known === asked);
    if (path === undefined || (request.method !== "GET" && request.method !== "HEAD")) {
      response.writeHead(404).end();
      return;
    }
    healthReply(path, health).then(
      async (reply) =>
        response.writeHead(reply.status, { "content-type": "application/json" }).end(await reply.text()),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    const address = `${hostname}:${port}`;
    server.once("error", (thrown) =>
      reject(
        portProblem(thrown, address) ?? toLoophostError(thrown, "host_failed", `Cannot listen on ${address}`),
      ),
    );
    server.listen(port, hostname, resolve);
  });
  const address = server.address();
  const actualPort = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${actualPort}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
