// Plays a recording over real HTTP: lists what has happened, streams what happens, and waits where the client has to
// post something. What is posted too early waits for its place in the log; what has no place in it is refused.
//
//   R1  an event is in the log before any stream is told of it
//   R2  each post of the recording is taken once

import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";

import type { Posted, Recording, Told } from "./recording.ts";
import { isPosted } from "./recording.ts";

/** How a recording is played. */
export interface ReplayOptions {
  /** How many steps have happened before anybody attaches. Default 0. */
  readonly from?: number;
  /** Cuts the stream once, after it has told so many events. */
  readonly cutAfter?: number | undefined;
  /** Whether a stream begins with everything that happened, as some servers have it. */
  readonly replaysHistory?: boolean;
  /** How listings say that there is more. Default "next_page". */
  readonly paging?: "next_page" | "has_more";
}

/** A recording being played. */
export interface Replay extends AsyncDisposable {
  readonly url: string;
  readonly sessionId: string;
  /** What was posted and taken, by its id in the recording. */
  readonly posted: readonly string[];
  /** What was posted and refused. */
  readonly refused: readonly unknown[];
}

const SESSION = "sesn_recorded";
const PAGE = 4;

/** Plays a recording on a free port of 127.0.0.1. */
export async function replay(recording: Recording, options: ReplayOptions = {}): Promise<Replay> {
  const player = new Player(recording, options);
  const server = createServer((request, response) => {
    player.answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sessionId: SESSION,
    posted: player.posted,
    refused: player.refused,
    async [Symbol.asyncDispose]() {
      player.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

class Player {
  readonly posted: string[] = [];
  readonly refused: unknown[] = [];
  readonly #recording: Recording;
  readonly #options: ReplayOptions;
  readonly #log: Told[] = [];
  readonly #open = new Set<ServerResponse>();
  /** Posts that came, and what to call when their place in the log is reached. */
  readonly #came = new Map<Posted, () => void>();
  readonly #wake = new Set<() => void>();
  #told = 0;
  #isCut = false;
  #isPlaying = false;
  #isGone = false;
  #isStopped = false;

  constructor(recording: Recording, options: ReplayOptions) {
    this.#recording = recording;
    this.#options = options;
    for (const step of recording.steps.slice(0, options.from ?? 0)) {
      if (isPosted(step)) this.posted.push(step.id);
      else this.#keep(step);
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#wakeUp();
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://localhost");
    const isPost = request.method === "POST";
    if (isPost && pathname === "/v1/sessions") return send(response, 200, { id: SESSION, type: "session" });
    if (this.#isGone || !pathname.startsWith(`/v1/sessions/${SESSION}`))
      return refuse(response, 404, "not_found_error");
    if (pathname.endsWith("/events/stream")) return this.#stream(response);
    if (pathname.endsWith("/events"))
      return isPost ? this.#take(request, response) : send(response, 200, this.#list(searchParams));
    return send(response, 200, { id: SESSION, type: "session", status: "idle" });
  }

  /** Tells step after step, waiting for the client where it has to post something. */
  async #play(): Promise<void> {
    this.#isPlaying = true;
    for (const step of this.#recording.steps.slice(this.#options.from ?? 0)) {
      if (isPosted(step)) await this.#awaitPost(step);
      else this.#tell(step);
      // Each event in a piece of its own, as it would come.
      await turn();
      if (this.#isStopped) return;
    }
  }

  async #awaitPost(step: Posted): Promise<void> {
    while (!this.#came.has(step) && !this.#isStopped)
      await new Promise<void>((resolve) => this.#wake.add(resolve));
    this.posted.push(step.id);
    this.#came.get(step)?.();
  }

  #tell(event: Told): void {
    this.#keep(event);
    for (const response of this.#open) this.#write(response, event);
    if (this.#isGone) for (const response of this.#open) response.end();
  }

  /** Previews are kept nowhere; an event that is told again stands where it was told last. */
  #keep(event: Told): void {
    this.#isGone = event.type === "session.deleted";
    if (event.id === undefined) return;
    const earlier = this.#log.findIndex(({ id }) => id === event.id);
    if (earlier >= 0) this.#log.splice(earlier, 1);
    this.#log.push(event);
  }

  #write(response: ServerResponse, event: Told): void {
    this.#told += 1;
    response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    this.#cutIfDue(response);
  }

  #cutIfDue(response: ServerResponse): void {
    if (this.#isCut || this.#told !== this.#options.cutAfter) return;
    this.#isCut = true;
    this.#open.delete(response);
    // Once a comment behind it is on its way, so is everything before.
    response.write(":\n\n", () => response.destroy());
  }

  #stream(response: ServerResponse): void {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    this.#open.add(response);
    response.once("close", () => this.#open.delete(response));
    if (this.#options.replaysHistory === true) for (const event of this.#log) this.#write(response, event);
    this.#cutIfDue(response);
    if (!this.#isPlaying) this.#play().catch(() => this.stop());
  }

  #list(query: URLSearchParams): object {
    const types = query.getAll("types[]");
    const events = this.#log.filter(({ type }) => types.length === 0 || types.includes(type));
    if (query.get("order") === "desc") events.reverse();
    const after = query.get("page") ?? query.get("after_id");
    const start = after === null ? 0 : events.findIndex(({ id }) => id === after) + 1;
    const data = events.slice(start, start + PAGE);
    const isMore = start + PAGE < events.length;
    const last = data.at(-1)?.id ?? null;
    if (this.#options.paging === "has_more")
      return { data, has_more: isMore, first_id: data[0]?.id ?? null, last_id: last };
    return { data, next_page: isMore ? last : null };
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { events } = (await json(request)) as { events: readonly Told[] };
    const data: Told[] = [];
    for (const event of events) {
      const step = this.#recording.steps.find((one) => isPosted(one) && this.#fits(one, event));
      if (step === undefined || !isPosted(step)) {
        this.refused.push(event);
        return refuse(response, 400, "invalid_request_error");
      }
      await new Promise<void>((resolve) => {
        this.#came.set(step, resolve);
        this.#wakeUp();
      });
      data.push({ ...event, id: step.id, processed_at: null });
    }
    send(response, 200, { data });
  }

  /** Whether an event is the one a step waits for, now or later. */
  #fits({ post, id }: Posted, event: Told): boolean {
    return (
      !this.posted.includes(id) &&
      post.type === event.type &&
      post["custom_tool_use_id"] === event["custom_tool_use_id"] &&
      post["tool_use_id"] === event["tool_use_id"] &&
      (post.type !== "user.message" || JSON.stringify(post["content"]) === JSON.stringify(event["content"]))
    );
  }

  #wakeUp(): void {
    const waiting = [...this.#wake];
    this.#wake.clear();
    for (const resolve of waiting) resolve();
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function refuse(response: ServerResponse, status: number, type: string): void {
  send(response, status, { type: "error", error: { type, message: "Refused." }, request_id: "req_1" });
}
