// A server of the Claude Managed Agents wire that differs from the one described in every way the wire leaves open, each by a
// switch. It knows nothing of src/server: what it does is what servers of other people were seen to do.

import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text as textOf } from "node:stream/consumers";

/** How the server differs; nothing given, it does as described. */
export interface Differences {
  /** What a POST of events is answered with. */
  readonly postReply?: "202 empty" | "204" | "a word" | "200 empty JSON";
  /** Where it is told that a message was taken: never in the stream, or nowhere at all. */
  readonly marks?: "in the list" | "nowhere";
  /** What made things are answered with. */
  readonly created?: 201;
  /** Each item of an event list inside an object of the list's own. */
  readonly wraps?: "event" | "data";
  /** Stop reasons as a word in place of an object. */
  readonly words?: true;
  /** Heartbeats that are frames without data, ids that fit into no header, fields nobody knows, nulls for what is absent. */
  readonly noise?: true;
  /** An interrupted turn ends with a stop reason of that name. */
  readonly saysInterrupted?: true;
}

type Event = Record<string, unknown> & { readonly type: string; readonly id: string };

/** A server that listens. */
export interface OtherServer extends AsyncDisposable {
  readonly url: string;
  /** Texts of the messages it took. */
  readonly heard: string[];
  readonly results: string[];
  /** Cuts every stream. */
  cut(): void;
}

/** Starts a server on a free port. */
export async function startOtherServer(how: Differences = {}): Promise<OtherServer> {
  const log: Event[] = [];
  const streams = new Set<ServerResponse>();
  const heard: string[] = [];
  const results: string[] = [];
  const open = new Set<string>();
  let count = 0;
  const noise = how.noise === true ? { hologram: { a: 1 }, thread_id: null } : {};

  const write = (stream: ServerResponse, event: Event) => {
    const id = how.noise === true ? "id: ключ\n" : "";
    stream.write(`${how.noise === true ? "data:\n\n" : ""}${id}data: ${JSON.stringify(event)}\n\n`);
  };
  const tell = (type: string, fields: Record<string, unknown> = {}) => {
    const event = {
      id: `evt_${(count += 1)}`,
      type,
      processed_at: new Date().toISOString(),
      ...noise,
      ...fields,
    };
    log.push(event);
    for (const stream of streams) write(stream, event);
    return event;
  };
  const rest = (reason: string, more: object = {}) =>
    tell("session.status_idle", {
      stop_reason: how.words === true && reason !== "requires_action" ? reason : { type: reason, ...more },
    });
  const say = (words: string) => tell("agent.message", { content: [{ type: "text", text: words }] });

  const answer = (message: Event, words: string) => {
    heard.push(words);
    tell("session.status_running");
    if (how.marks === undefined) for (const stream of streams) write(stream, mark(message));
    else if (how.marks === "in the list") mark(message);
    if (words === "wait") return;
    if (words !== "three") {
      say(`You said ${words}.`);
      rest("end_turn");
      return;
    }
    const ids = [1, 2, 3].map((n) => tell("agent.custom_tool_use", { name: "double", input: { n } }).id);
    for (const id of ids) open.add(id);
    rest("requires_action", { event_ids: ids });
  };
  /** In the log the message is shown as taken from here on. */
  const mark = (message: Event) => Object.assign(message, { processed_at: new Date().toISOString() });

  const take = (posted: Record<string, unknown>): Event => {
    const { type } = posted;
    if (type === "user.message") {
      const words = (posted["content"] as { text: string }[]).map(({ text }) => text).join("");
      const event = tell("user.message", { ...posted, processed_at: null });
      setImmediate(() => answer(event, words));
      return { ...event };
    }
    const event = tell(String(type), posted);
    if (type === "user.interrupt")
      setImmediate(() => rest(how.saysInterrupted === true ? "interrupted" : "end_turn"));
    if (type === "user.custom_tool_result") {
      results.push((posted["content"] as { text: string }[]).map(({ text }) => text).join(""));
      open.delete(String(posted["custom_tool_use_id"]));
      if (open.size === 0)
        setImmediate(() => {
          tell("session.status_running");
          say(`Results: ${results.toSorted().join(", ")}.`);
          rest("end_turn");
        });
      else setImmediate(() => rest("requires_action", { event_ids: [...open] }));
    }
    return event;
  };

  const answerRequest = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://host");
    const body = request.method === "POST" ? JSON.parse((await textOf(request)) || "{}") : {};
    const send = (value: unknown, status = 200) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(value));
    };
    const made = (value: object) => send({ ...value, ...noise }, how.created ?? 200);
    if (pathname.endsWith("/events/stream")) {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.flushHeaders();
      streams.add(response);
      response.on("close", () => streams.delete(response));
      return;
    }
    if (pathname.endsWith("/events") && request.method === "POST") {
      const taken = body.events.map(take);
      if (how.postReply === undefined) return send({ data: taken });
      if (how.postReply === "204") return void response.writeHead(204).end();
      const status = how.postReply === "202 empty" ? 202 : 200;
      response.writeHead(status, {
        "content-type": how.postReply === "a word" ? "text/plain" : "application/json",
      });
      return void response.end(how.postReply === "a word" ? "accepted" : "");
    }
    if (pathname.endsWith("/events")) {
      const listed = searchParams.get("order") === "desc" ? log.toReversed() : log;
      return send({
        data: listed.map((event) => (how.wraps ? { [how.wraps]: event } : event)),
        has_more: false,
      });
    }
    if (request.method === "POST") {
      const kind = pathname.split("/").at(-1) ?? "";
      return made({
        id: `${kind.slice(0, 4)}_1`,
        type: kind.slice(0, -1),
        name: body.name,
        ...body,
        version: 1,
      });
    }
    if (/^\/v1\/(agents|environments|sessions)$/.test(pathname)) return send({ data: [], has_more: false });
    return send({
      id: pathname.split("/").at(-1),
      type: "session",
      status: "idle",
      agent: { id: "agen_1", tools: [] },
      ...noise,
    });
  };
  const server = createServer((request, response) => {
    answerRequest(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    results,
    cut() {
      for (const stream of streams) stream.destroy();
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
