// A model service on loopback that answers as told, one answer a request, and keeps what it was asked.

import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text as textOf } from "node:stream/consumers";

/** What the service answers to one request. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** How the answer ends: as it should, by a cut connection, or not at all. */
  readonly ends?: "end" | "cut" | "silence";
}

/** What the service was asked. */
interface Asked {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

/** A service, and what it has seen. */
export interface ModelService extends AsyncDisposable {
  readonly url: string;
  readonly asked: readonly Asked[];
  /** Resolves when the connection of the last request has been closed by the other side. */
  readonly hungUp: Promise<void>;
}

/** An answer as a stream of server-sent events. */
export function streamed(body: string | Uint8Array, ends: Answer["ends"] = "end"): Answer {
  return { body, headers: { "content-type": "text/event-stream" }, ends };
}

/** An answer as JSON. */
export function json(body: unknown, status = 200, headers: Answer["headers"] = {}): Answer {
  return { body: JSON.stringify(body), status, headers: { "content-type": "application/json", ...headers } };
}

/** Starts a service; the last answer serves all further requests. */
export async function startService(...answers: readonly Answer[]): Promise<ModelService> {
  const asked: Asked[] = [];
  const hungUp = Promise.withResolvers<void>();
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const text = await textOf(request);
    const {
      status = 200,
      headers = {},
      body = "",
      ends = "end",
    } = answers[Math.min(asked.length, answers.length - 1)] ?? {};
    asked.push({ path: request.url ?? "", headers: request.headers, text, body: JSON.parse(text) });
    response.on("close", hungUp.resolve);
    response.writeHead(status, { ...headers });
    response.flushHeaders();
    if (ends === "end") response.end(body);
    // The bytes first, the cut after them: a socket that is destroyed at once takes them along.
    else response.write(body, () => ends === "cut" && setImmediate(() => response.destroy()));
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    hungUp: hungUp.promise,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
