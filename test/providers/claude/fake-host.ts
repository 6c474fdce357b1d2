// A loop host that does what a test says, over real HTTP on loopback: it keeps a log, streams it, and lists it in pages.

import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

/** An event of the log. */
export type Told = Record<string, unknown> & { readonly type: string };

/** What becomes of a post: it is taken; taken, and its reply lost; lost on its way; or refused with a status. */
export type Fate = "taken" | "reply lost" | "lost" | number;

/** How a host behaves. */
export interface FakeHostOptions {
  /** What becomes of a post of an event; `times` counts those of its type from 1. Default "taken". */
  readonly fate?: (event: Told, times: number) => Fate;
  /** How often listings are refused before they are answered. */
  readonly refusedLists?: number;
  /** What the host does once it has taken an event. */
  readonly react?: ((event: Told, host: FakeHost) => void) | undefined;
  /** Objects that can be had by GET, by path. */
  readonly objects?: Readonly<Record<string, object>>;
  readonly paging?: "next_page" | "has_more";
  readonly pageSize?: number;
  readonly ignoresOrder?: boolean;
  readonly sendsIds?: boolean;
}

/** A host that listens. */
export interface FakeHost extends AsyncDisposable {
  readonly url: string;
  readonly log: readonly Told[];
  /** What was posted, taken or not. */
  readonly posts: readonly (readonly Told[])[];
  readonly requests: readonly { readonly line: string; readonly lastEventId: string | undefined }[];
  /** Things happen: they are in the log, and those who listen are told. */
  tell(...events: Told[]): void;
  /** Writes something to every stream. */
  write(text: string): void;
  /** Cuts every stream. */
  cut(): void;
  /** The session is gone, and nobody is told. */
  delete(): void;
}

/** The id of the one session there is. */
export const SESSION = "sesn_1";

/** Starts a host on a free port. */
export async function fakeHost(options: FakeHostOptions = {}): Promise<FakeHost> {
  const { fate = () => "taken", react, objects = {}, paging = "next_page", pageSize = 1_000 } = options;
  const log: Told[] = [];
  const posts: Told[][] = [];
  const requests: { line: string; lastEventId: string | undefined }[] = [];
  const streams = new Set<ServerResponse>();
  let isGone = false;
  let lists = 0;
  const counts = new Map<string, number>();

  const write = (text: string) => {
    for (const stream of streams) stream.write(text);
  };
  const tell = (...events: Told[]) => {
    for (const event of events) {
      const kept = { id: `sevt_${log.length + 1}`, processed_at: "2026-01-01T00:00:00Z", ...event };
      log.push(kept);
      const id = options.sendsIds === true ? `id: ${kept.id}\n` : "";
      write(`${id}event: ${kept.type}\ndata: ${JSON.stringify(kept)}\n\n`);
    }
  };

  const take = (response: ServerResponse, events: Told[]) => {
    posts.push(events);
    const [first] = events;
    const times = (counts.get(first?.type ?? "") ?? 0) + 1;
    counts.set(first?.type ?? "", times);
    const end = first === undefined ? "taken" : fate(first, times);
    if (typeof end === "number") return refuse(response, end);
    if (end === "lost") return response.destroy();
    const from = log.length;
    tell(...events);
    if (end === "reply lost") response.destroy();
    else send(response, 200, { data: log.slice(from) });
    for (const event of log.slice(from)) react?.(event, host);
    return undefined;
  };

  const list = (query: URLSearchParams) => {
    const limit = Number(query.get("limit"));
    lists += 1;
    if (lists <= (options.refusedLists ?? 0)) return 529;
    if (limit > pageSize) return 400;
    const all = query.get("order") === "desc" && options.ignoresOrder !== true ? log.toReversed() : log;
    const cursor = query.get("page") ?? query.get("after_id");
    const start = cursor === null ? 0 : all.findIndex(({ id }) => id === cursor) + 1;
    const data = all.slice(start, start + limit);
    const isMore = start + limit < all.length;
    const last = data.at(-1)?.["id"] ?? null;
    return paging === "has_more"
      ? { data, has_more: isMore, last_id: last }
      : { data, next_page: isMore ? last : null };
  };

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://localhost");
    const lastEventId = request.headers["last-event-id"];
    requests.push({
      line: `${request.method} ${pathname}`,
      lastEventId: typeof lastEventId === "string" ? lastEventId : undefined,
    });
    if (isGone) return refuse(response, 404);
    if (request.method === "POST" && pathname.endsWith("/events"))
      return take(response, ((await json(request)) as { events: Told[] }).events);
    if (request.method === "POST") return send(response, 200, { id: SESSION });
    if (pathname.endsWith("/stream")) {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.flushHeaders();
      streams.add(response);
      response.once("close", () => streams.delete(response));
      return undefined;
    }
    const found = pathname.endsWith("/events") ? list(searchParams) : (objects[pathname] ?? 404);
    return typeof found === "number" ? refuse(response, found) : send(response, 200, found);
  };

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = () => {
    for (const stream of streams) stream.destroy();
  };
  const host: FakeHost = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    log,
    posts,
    requests,
    tell,
    write,
    cut,
    delete: () => {
      isGone = true;
      cut();
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return host;
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function refuse(response: ServerResponse, status: number): void {
  send(response, status, { type: "error", error: { type: "some_error", message: "Refused." } });
}
