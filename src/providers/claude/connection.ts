/**
 * A session held with Claude Managed Agents.
 *
 *   C1  the stream is open before anything is sent
 *   C2  what arrives while a message is being posted is held until its id is known: the turn that takes it is ours
 *   C3  an ambiguous post is resolved by looking into the history, never by posting again unseen (I5)
 */

import { AttachedStream } from "../../core/attached-stream.ts";
import type { Clock } from "../../core/clock.ts";
import { isTransient, LoophostError } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";
import type { Connection, HostEvent, HostInput } from "../../core/provider.ts";
import { readSse } from "../../core/sse.ts";
import type { ClaudeApi } from "./client.ts";
import { toHostError } from "./client.ts";
import { listAll } from "./resources.ts";
import type { WireEvent } from "./wire.ts";
import { fromWire, isWireEvent, keyOf, toWire, toWireContent } from "./wire.ts";

/** What a connection is made with. */
export interface ConnectionOptions {
  readonly api: ClaudeApi;
  readonly sessionId: string;
  readonly hasPast: boolean;
  readonly deltas: boolean;
  readonly idleMs: number;
  readonly clock: Clock;
  readonly emit: (event: HostEvent) => void;
}

type Message = Extract<HostInput, { type: "message" }>;
type Answer = Extract<HostInput, { callId: string }>;

const PAGE = 1_000;

/** Attaches to a session; resolves once its stream is open and its past has been told. */
export async function attach(options: ConnectionOptions): Promise<Connection> {
  const connection = new ClaudeConnection(options);
  await connection.open();
  return connection;
}

class ClaudeConnection implements Connection {
  readonly sessionId: string;
  readonly #api: ClaudeApi;
  readonly #emit: (event: HostEvent) => void;
  readonly #path: string;
  readonly #stream: AttachedStream<WireEvent>;
  /** Messages of ours the host has not begun to work on. */
  readonly #untaken = new Set<string>();
  /** Calls whose answer is being posted, and whether the host has shown it since. */
  readonly #answering = new Map<string, boolean>();
  #held: WireEvent[] | undefined;
  /** User messages told of in the catch-up under way, each once: queued and taken up are the same message. */
  #past: Set<string> | undefined;

  constructor({ api, sessionId, hasPast, deltas, idleMs, clock, emit }: ConnectionOptions) {
    this.sessionId = sessionId;
    this.#api = api;
    this.#emit = emit;
    this.#path = `/v1/sessions/${encodeURIComponent(sessionId)}/events`;
    const query = deltas ? { event_deltas: ["agent.message"] } : {};
    this.#stream = new AttachedStream<WireEvent>(
      {
        connect: async (signal, deliver, alive) => {
          const body = await api.stream(`${this.#path}/stream`, query, signal);
          const ended = readSse(body, ({ data }) => readFrame(data, deliver), { signal, onBytes: alive });
          return {
            ended: ended.catch((thrown: unknown) => Promise.reject(toHostError(thrown, "The event stream"))),
          };
        },
        list: (order, signal) => this.#list(order === "oldest first" ? "asc" : "desc", signal),
        keyOf,
      },
      {
        deliver: (event) => this.#hear(event),
        onCatchUp: (mark) => {
          this.#past = mark === "started" ? new Set() : undefined;
          this.#emit({ type: `catchup.${mark}` });
        },
        onLost: (reason) => this.#emit({ type: "stream.lost", reason }),
        onRestored: () => this.#emit({ type: "stream.restored" }),
        onFailed: (error) => this.#emit({ type: "failed", error, sessionOver: true }),
        hasPast,
        clock,
        idleMs,
      },
    );
  }

  open(): Promise<void> {
    return this.#stream.open();
  }

  async send(inputs: readonly HostInput[], signal: AbortSignal): Promise<void> {
    // One event a request: the host refuses a whole request for one event it does not like.
    for (const input of inputs) {
      if (input.type === "message") await this.#sendMessage(input, signal);
      else if (input.type === "tool_result" || input.type === "verdict")
        await this.#sendAnswer(input, signal);
      else await this.#post(input, signal);
    }
  }

  catchUp(): Promise<void> {
    return this.#stream.catchUp();
  }

  transcript(): null {
    return null;
  }

  close(): Promise<void> {
    return this.#stream.close();
  }

  /** Posts a message and learns its id, from the reply or, when that is lost, from the history. */
  async #sendMessage(input: Message, signal: AbortSignal): Promise<void> {
    this.#held = [];
    try {
      this.#untaken.add(await this.#post(input, signal));
    } catch (thrown) {
      const error = toHostError(thrown, "The message could not be sent");
      const found = await this.#findLost(input, error);
      if (found === undefined) throw error;
      this.#untaken.add(found);
    } finally {
      const held = this.#held;
      this.#held = undefined;
      for (const event of held) this.#hear(event);
    }
  }

  async #findLost(message: Message, error: LoophostError): Promise<string | undefined> {
    if (!isTransient(error)) return undefined;
    await this.#stream.catchUp();
    const content = JSON.stringify(toWireContent(message.content));
    const isOurs = (event: WireEvent) =>
      event.type === "user.message" && JSON.stringify(event["content"]) === content;
    const id = this.#held?.find(isOurs)?.["id"];
    return typeof id === "string" ? id : undefined;
  }

  /** Posts an answer to a call. One the host already has is a success. */
  async #sendAnswer(input: Answer, signal: AbortSignal): Promise<void> {
    this.#answering.set(input.callId, false);
    try {
      await this.#post(input, signal);
    } catch (thrown) {
      await this.#stream.catchUp().catch(() => undefined);
      if (this.#answering.get(input.callId) !== true)
        throw toHostError(thrown, "The answer could not be sent");
    } finally {
      this.#answering.delete(input.callId);
    }
  }

  async #post(input: HostInput, signal: AbortSignal): Promise<string> {
    const { data } = await this.#api.post(this.#path, { events: [toWire(input)] }, signal);
    const [stored] = Array.isArray(data) ? data : [];
    return isObject(stored) && typeof stored["id"] === "string" ? stored["id"] : "";
  }

  async *#list(order: "asc" | "desc", signal: AbortSignal): AsyncGenerator<readonly WireEvent[]> {
    for await (const page of listAll(this.#api, this.#path, { limit: PAGE, order }, signal))
      yield page.filter(isWireEvent);
  }

  #hear(event: WireEvent): void {
    if (this.#held !== undefined) {
      this.#held.push(event);
      return;
    }
    if (event.type === "user.message") this.#hearMessage(event);
    for (const told of fromWire(event)) {
      if (told.type === "call.answered" && this.#answering.has(told.id)) this.#answering.set(told.id, true);
      this.#emit(told);
    }
  }

  #hearMessage(event: WireEvent): void {
    const id = event["id"];
    if (typeof id !== "string") return;
    if (this.#past?.has(id) === false) {
      this.#past.add(id);
      this.#emit({ type: "message.seen" });
    }
    if (event["processed_at"] !== null && this.#untaken.delete(id))
      this.#emit({ type: "input.taken", raw: event });
  }
}

/** Pings, and frames without a type, are signs of life and nothing more. */
function readFrame(data: string, deliver: (event: WireEvent) => void): void {
  const event: unknown = JSON.parse(data);
  if (!isWireEvent(event) || event.type === "ping") return;
  if (event.type === "error") throw streamError(event);
  deliver(event);
}

/** The host's error inside a stream that began well. */
function streamError(event: WireEvent): LoophostError {
  const { type, message } = isObject(event["error"]) ? event["error"] : {};
  const hostCode = typeof type === "string" ? type : undefined;
  return new LoophostError(
    "host_failed",
    `The event stream failed: ${typeof message === "string" ? message : (hostCode ?? "no reason given")}`,
    { hostCode },
  );
}
