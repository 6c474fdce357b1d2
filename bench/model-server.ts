/**
 * A scripted model on loopback, in a process of its own: POST /v1/messages in the Anthropic Messages wire.
 *
 *   M1  it holds no conversation: which turn a request asks for is read off the last tool result in it
 *   M2  it is never the bottleneck: it looks for three strings in a request and writes bytes that are already there
 *   M3  a thread goes on only from the message it ended with, so a client cannot skip a turn
 *
 * Beside the wire: GET /stats says what was asked so far, POST /release lets held streams end.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { setTimeout as wait } from "node:timers/promises";

import type { Replies, Template } from "./replies.ts";
import { makeReplies } from "./replies.ts";
import type { Script } from "./script.ts";
import { fromModelName } from "./script.ts";

/** What the server was asked so far. */
export interface Stats {
  readonly requests: number;
  /** Bytes of request bodies. */
  readonly bytes: number;
}

/** A server that runs. */
export interface ModelServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts a scripted model on a free port. */
export async function startModelServer(): Promise<ModelServer> {
  const desk = new Desk();
  const server = createServer((request, response) => {
    desk
      .serve(request, response)
      .catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The model server has no port.");
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Play {
  readonly script: Script;
  readonly replies: Replies;
}

class Desk {
  readonly #plays = new Map<string, Play>();
  readonly #held: (() => void)[] = [];
  #sessions = 0;
  #requests = 0;
  #bytes = 0;

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    if (request.url === "/stats")
      return sendJson(response, 200, { requests: this.#requests, bytes: this.#bytes });
    if (request.url === "/release") {
      for (const release of this.#held.splice(0)) release();
      return sendJson(response, 200, {});
    }
    this.#requests += 1;
    this.#bytes += body.length;
    const play = this.#playOf(valueAfter(body, '"model":"') ?? "");
    if (play === undefined) return refuse(response, 404, "not_found_error", "model_not_found");
    const last = lastTurnOf(body) ?? { session: (this.#sessions += 1), turn: 0 };
    if (!continuesFrom(body, last)) return refuse(response, 400, "invalid_request_error", "thread_not_found");
    if (play.script.delayMs > 0) await wait(play.script.delayMs);
    this.#answer(
      response,
      play,
      { session: last.session, turn: last.turn + 1 },
      body.includes('"stream":true'),
    );
  }

  #answer(response: ServerResponse, { script, replies }: Play, turn: Turn, streams: boolean): void {
    const isToolTurn = turn.turn <= script.toolTurns;
    const reply = isToolTurn ? replies.toolTurn : replies.closing;
    response.writeHead(200, { "content-type": streams ? "text/event-stream" : "application/json" });
    // Corked, so that pieces and ids leave in as few packets as the bytes need.
    response.cork();
    write(response, streams ? reply.stream : reply.json, idOf(turn));
    response.uncork();
    if (isToolTurn || !streams || replies.closing.held.length === 0) response.end();
    else this.#held.push(() => response.end(replies.closing.held));
  }

  #playOf(model: string): Play | undefined {
    const known = this.#plays.get(model);
    if (known !== undefined) return known;
    const script = fromModelName(model);
    if (script === undefined) return undefined;
    const play = { script, replies: makeReplies(script) };
    this.#plays.set(model, play);
    return play;
  }
}

interface Turn {
  readonly session: number;
  readonly turn: number;
}

function idOf({ session, turn }: Turn): string {
  return `${session}_${turn}`;
}

const LAST_RESULT = '"tool_use_id":"toolu_';

/** The turn whose call the request answers; undefined in the first request of a session. */
function lastTurnOf(body: Buffer): Turn | undefined {
  const at = body.lastIndexOf(LAST_RESULT);
  if (at < 0) return undefined;
  const [session, turn] = (valueAfter(body.subarray(at), LAST_RESULT) ?? "").split("_").map(Number);
  return { session: session ?? 0, turn: turn ?? 0 };
}

function continuesFrom(body: Buffer, last: Turn): boolean {
  const previous = valueAfter(body, '"previous_message_id":"');
  return previous === undefined || previous === `msg_${idOf(last)}`;
}

function valueAfter(body: Buffer, prefix: string): string | undefined {
  const at = body.indexOf(prefix);
  if (at < 0) return undefined;
  const start = at + prefix.length;
  return body.toString("utf8", start, body.indexOf('"', start));
}

function write(response: ServerResponse, template: Template, id: string): void {
  template.forEach((piece, index) => {
    if (index > 0) response.write(id);
    response.write(piece);
  });
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function refuse(response: ServerResponse, status: number, type: string, errorCode: string): void {
  const error = {
    type,
    message: `The scripted model says ${errorCode}.`,
    details: { error_code: errorCode },
  };
  sendJson(response, status, { type: "error", error });
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

if (import.meta.main) {
  const { url } = await startModelServer();
  // Whoever started this process reads the address, and ends it by closing the channel.
  process.send?.(url);
  process.on("disconnect", () => process.exit(0));
}
