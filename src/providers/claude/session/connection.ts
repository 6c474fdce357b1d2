/**
 * A session held with Claude Managed Agents: its stream and history read, its inputs sent.
 *
 *   C1  the stream is open before anything is sent
 *   C2, C3, C4: sender.ts
 *   C5  the stream of a session that is over is not reconnected
 */

import { onAbort } from "../../../core/async/abort.ts";
import type { RetryPolicy } from "../../../core/async/retry.ts";
import type { Clock } from "../../../core/clock.ts";
import { LoophostError, toLoophostError } from "../../../core/errors.ts";
import { isObject } from "../../../core/json.ts";
import type { Connection, HostEvent, HostInput } from "../../../core/provider.ts";
import { AttachedStream } from "../../../core/wire/attached-stream.ts";
import { readSse } from "../../../core/wire/sse.ts";
import type { ClaudeApi } from "../api/client.ts";
import { toHostError } from "../api/host-error.ts";
import { listPages } from "../api/page-list.ts";
import { RestGate } from "./rest-gate.ts";
import { Sender } from "./sender.ts";
import type { ServerTraits } from "./server-traits.ts";
import { SessionReader } from "./session-reader.ts";
import type { ClaudeWireEvent } from "./wire.ts";
import { isWireEvent, keyOf, listedEvent } from "./wire.ts";

/** What a connection is made with. */
export interface ConnectionOptions {
  readonly api: ClaudeApi;
  readonly server: ServerTraits;
  readonly sessionId: string;
  readonly hasPast: boolean;
  /** Tools of the host's that run here, by name. */
  readonly runHere: ReadonlySet<string>;
  readonly deltas: boolean;
  readonly idleMs: number;
  readonly clock: Clock;
  /** For what may be repeated: opening the stream, inputs the host is too busy to take. */
  readonly retry: RetryPolicy;
  readonly emit: (event: HostEvent) => void;
  /** Closes the stream and the sender; the session itself stays at the host. */
  readonly signal: AbortSignal;
}

/** Attaches to a session; resolves once its stream is open and its history was replayed. */
export async function attach(options: ConnectionOptions): Promise<Connection> {
  const connection = new ClaudeConnection(options);
  await connection.open();
  return connection;
}

class ClaudeConnection implements Connection {
  readonly sessionId: string;
  readonly #options: ConnectionOptions;
  readonly #path: string;
  readonly #stream: AttachedStream<ClaudeWireEvent>;
  readonly #reader: SessionReader;
  readonly #sender: Sender;
  readonly #gate: RestGate;
  #unlink: () => void = () => undefined;
  /** The last id the stream gave, where it gives any. */
  #lastEventId = "";
  /** Frames in a row that were no JSON: one may be damaged on its way, several are no event stream. */
  #garbled = 0;

  constructor(options: ConnectionOptions) {
    const { api, clock, emit, idleMs, hasPast, retry, runHere, server, sessionId } = options;
    this.sessionId = sessionId;
    this.#options = options;
    this.#path = `/v1/sessions/${encodeURIComponent(sessionId)}`;
    this.#reader = new SessionReader({ runHere, clock, onEvents: (events) => this.#tell(events) });
    const { messages } = this.#reader;
    this.#gate = new RestGate({
      areWaiting: () => messages.areWaiting,
      look: () => this.#stream.catchUp(),
      conclude: () => messages.takeAnswered(),
      emit,
    });
    this.#sender = new Sender({
      api,
      path: this.#path,
      reader: this.#reader,
      clock,
      retry,
      takesIdempotencyKeys: server.takesIdempotencyKeys,
      emit,
      tell: (event) => this.#tell(this.#reader.read(event)),
      catchUp: () => this.#stream.catchUp(),
    });
    this.#stream = new AttachedStream<ClaudeWireEvent>(
      {
        connect: (within, deliver, alive) => this.#connect(within, deliver, alive),
        list: (order, within) => this.#list(order, within),
        keyOf,
      },
      {
        deliver: (event) => this.#sender.hear(event),
        onCatchUp: (mark) => this.#gate.pass({ type: `catchup.${mark}` }),
        onLost: (reason) => this.#tell([{ type: "stream.lost", reason }, ...this.#reader.loseStream()]),
        onRestored: () => this.#gate.pass({ type: "stream.restored" }),
        onFailed: (error) => this.#fail(error),
        hasPast,
        clock,
        idleMs,
        retry,
      },
    );
  }

  async open(): Promise<void> {
    const { signal } = this.#options;
    this.#unlink = onAbort([signal], () => this.close());
    try {
      await this.#stream.open();
      this.#reader.messages.endPast();
    } catch (thrown) {
      await this.close();
      const doing = "The session could not be attached to";
      throw signal.aborted ? toLoophostError(signal.reason, "aborted", doing) : toHostError(thrown, doing);
    }
  }

  send(inputs: readonly HostInput[], signal: AbortSignal): Promise<void> {
    return this.#sender.send(inputs, signal);
  }

  catchUp(): Promise<void> {
    return this.#stream.catchUp();
  }

  transcript(): null {
    return null;
  }

  async close(): Promise<void> {
    this.#unlink();
    this.#reader.turns.stop();
    await this.#stream.close();
  }

  async #connect(
    signal: AbortSignal,
    deliver: (event: ClaudeWireEvent) => void,
    alive: () => void,
  ): Promise<{ ended: Promise<void> }> {
    const { api, deltas } = this.#options;
    const query = deltas ? { event_deltas: ["agent.message"] } : {};
    // Lets servers that support it resume the stream there; the history is read all the same.
    const headers = this.#lastEventId === "" ? {} : { "last-event-id": this.#lastEventId };
    const body = await api.stream(`${this.#path}/events/stream`, query, signal, headers);
    const onFrame = ({ data, id }: { readonly data: string; readonly id: string }) => {
      // An id that is no valid header value would make every reconnect fail.
      this.#lastEventId = SENDABLE.test(id) ? id : "";
      this.#garbled += 1;
      readFrame(data, deliver, this.#garbled);
      this.#garbled = 0;
    };
    const ended = readSse(body, onFrame, { signal, onBytes: alive });
    return {
      ended: ended.catch((thrown: unknown) => Promise.reject(toHostError(thrown, "The event stream"))),
    };
  }

  async *#list(
    order: "oldest first" | "newest first",
    signal: AbortSignal,
  ): AsyncGenerator<readonly ClaudeWireEvent[]> {
    const { api, server } = this.#options;
    const isTurned = order === "newest first" && !server.listsNewestFirst;
    const query = { limit: server.pageSize, order: order === "oldest first" || isTurned ? "asc" : "desc" };
    const all: ClaudeWireEvent[] = [];
    for await (const page of listPages(api, `${this.#path}/events`, query, signal)) {
      const events = page.map(listedEvent);
      if (isTurned) all.push(...events);
      else yield events;
    }
    if (isTurned) yield all.toReversed();
  }

  #tell(events: readonly HostEvent[]): void {
    for (const event of events) {
      if (event.type === "session.over") this.#stream.finish();
      this.#gate.pass(event);
    }
  }

  /** A session that existed and is now not found was deleted, even if no event said so. */
  #fail(error: LoophostError): void {
    if (error.status !== 404) this.#options.emit({ type: "failed", error, sessionOver: true });
    else this.#tell([{ type: "session.over", ending: "deleted", stopReason: null }]);
  }
}

const SENDABLE = /^[\u0020-\u007e]*$/;

/** Frames in a row that may be no JSON before the stream counts as something else. */
const MAX_GARBLED = 3;

/**
 * Reads one frame. Pings, frames without data or type, and the word some servers end with, only count as signs of life.
 */
function readFrame(data: string, deliver: (event: ClaudeWireEvent) => void, garbled: number): void {
  if (data.trim() === "" || data === "[DONE]") return;
  let event: unknown;
  try {
    event = JSON.parse(data);
  } catch {
    throw new LoophostError(
      "host_protocol",
      `The event stream sent something that is no JSON: ${JSON.stringify(data.slice(0, 60))}. Check baseUrl.`,
      { mayRetry: garbled < MAX_GARBLED },
    );
  }
  if (!isWireEvent(event) || event.type === "ping") return;
  if (event.type === "error") throw streamError(event);
  deliver(event);
}

/** The host's error inside a stream that began well. */
function streamError(event: ClaudeWireEvent): LoophostError {
  const { type, message } = isObject(event["error"]) ? event["error"] : {};
  const hostCode = typeof type === "string" ? type : undefined;
  return new LoophostError(
    "host_failed",
    `The event stream failed: ${typeof message === "string" ? message : (hostCode ?? "no reason given")}`,
    { hostCode },
  );
}
