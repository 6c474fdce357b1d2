/**
 * Exactly-once posting over a network that loses responses: retried blindly a message arrives twice, abandoned it is lost.
 *
 *   what came of a post of messages                  what follows
 *   2xx that names the event                         taken, under that id
 *   2xx without a body, or without an id             taken; the id is looked up in the history
 *   never connected                                  posted again
 *   429, 500, 503, 529                               looked for in the history; where it is not, posted again
 *   no reply, cut off, 408, any other 5xx            looked for, until the tries end; never posted again, but under its key
 *                                                    where the host takes such
 *   any other status                                 refused: the run fails with it
 *
 *   C2  what arrives while a message is being posted is held until its id is known: the turn that takes it is ours
 *   C3  an ambiguous post is resolved by looking into the history, never by posting again unseen (I5); what the host has
 *       refused for being busy is posted again, once the history agrees that it is not there; so is what was lost, under
 *       its key, where the host takes such
 *   C4  inputs go one after another, in the order given; answers wait for nobody
 */

import type { RetryPolicy } from "../../../core/async/retry.ts";
import { withRetry } from "../../../core/async/retry.ts";
import type { Clock } from "../../../core/clock.ts";
import type { LoophostError } from "../../../core/errors.ts";
import { isTransient } from "../../../core/errors.ts";
import { isObject } from "../../../core/json.ts";
import type { HostEvent, HostInput } from "../../../core/provider.ts";
import { isMessage } from "../../../core/provider.ts";
import type { ClaudeApi } from "../api/client.ts";
import { reworded, toHostError, wasNotTaken } from "../api/host-error.ts";
import type { SessionReader } from "./session-reader.ts";
import type { ClaudeWireEvent } from "./wire.ts";
import { text, toWire } from "./wire.ts";

/** What a sender works with. */
export interface SenderOptions {
  readonly api: ClaudeApi;
  /** The path of the session. */
  readonly path: string;
  readonly reader: SessionReader;
  readonly clock: Clock;
  readonly retry: RetryPolicy;
  readonly takesIdempotencyKeys: boolean;
  readonly emit: (event: HostEvent) => void;
  /** Takes the host's events, once they need not be held any more. */
  readonly tell: (event: ClaudeWireEvent) => void;
  /** Looks into the history for what was missed. */
  readonly catchUp: () => Promise<void>;
}

type Answer = Extract<HostInput, { callId: string }>;

/** Held events above this number are released (bounded buffer). */
const MAX_HELD = 20_000;

/** Inputs on their way. */
interface Sent {
  readonly key: string;
  readonly events: readonly unknown[];
  readonly isMessage: boolean;
  /** Our own id of the message. */
  readonly inputId: string | undefined;
  /** Whether the session was at rest when it was sent. */
  readonly wasAtRest: boolean;
  /** The id the host gave the first of them. */
  id: string | undefined;
  /** Whether a request with them may have reached the host. */
  hasLeft: boolean;
  /** The failure that left it unclear whether they were accepted. */
  lost: LoophostError | undefined;
}

/** The way to the host, for one session. */
export class Sender {
  readonly #options: SenderOptions;
  #sent: Sent | undefined;
  #held: ClaudeWireEvent[] | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /**
   * Sends inputs: instructions in one request with the message they follow, all else one per request, since the host
   * refuses a request as a whole.
   */
  async send(inputs: readonly HostInput[], signal: AbortSignal): Promise<void> {
    for (const batch of batches(inputs)) {
      const [first] = batch;
      if (first?.type === "tool_result" || first?.type === "verdict") await this.#sendAnswer(first, signal);
      else await this.#inTurn(() => this.#sendOnce(batch, signal));
    }
  }

  /** Takes an event of the host's. */
  hear(event: ClaudeWireEvent): void {
    const { reader, tell } = this.#options;
    const sent = this.#sent;
    const id = text(event["id"]);
    if (
      sent !== undefined &&
      id !== undefined &&
      !reader.messages.isExpected(id) &&
      isEcho(event, sent.events[0])
    ) {
      sent.id ??= id;
      // While it is held its id can still be learned for certain.
      if (this.#held === undefined) this.#expect(sent);
    }
    if (this.#held === undefined) return tell(event);
    this.#held.push(event);
    if (this.#held.length > MAX_HELD) this.#release();
  }

  /** Sends inputs the host must not have twice. */
  async #sendOnce(inputs: readonly HostInput[], signal: AbortSignal): Promise<void> {
    const { retry: policy, clock, emit } = this.#options;
    const sent: Sent = {
      key: crypto.randomUUID(),
      events: inputs.map(toWire),
      isMessage: inputs.some(isMessage),
      inputId: inputs.find(isMessageInput)?.id,
      wasAtRest: this.#options.reader.turns.isAtRest && !this.#options.reader.messages.areWaiting,
      id: undefined,
      hasLeft: false,
      lost: undefined,
    };
    this.#sent = sent;
    try {
      await withRetry((attempt) => this.#try(sent, attempt, signal), {
        policy,
        clock,
        signal,
        toError: (thrown) => toHostError(thrown, "The input could not be sent"),
        onRetry: (attempt, delayMs, { message }) =>
          emit({ type: "retrying", attempt, delayMs, reason: message }),
      });
    } catch (thrown) {
      throw sent.lost === undefined ? thrown : mayHaveArrived(sent.lost);
    } finally {
      this.#sent = undefined;
    }
  }

  async #try(sent: Sent, attempt: number, signal: AbortSignal): Promise<void> {
    if (attempt > 1 && sent.hasLeft && (await this.#isThere(sent))) return;
    if (sent.lost !== undefined) throw sent.lost;
    if (sent.isMessage) this.#held = [];
    try {
      sent.id = (await this.#post(sent.events, signal, sent.key)) ?? sent.id;
      // Some servers neither return its id nor list it.
      const isKnown = sent.id !== undefined || (await this.#isThere(sent).catch(() => false));
      if (sent.isMessage && !isKnown) this.#options.emit({ type: "input.taken", inputId: sent.inputId });
    } catch (thrown) {
      const error = toHostError(thrown, "The input could not be sent");
      if (!isTransient(error) || neverLeft(error)) throw error;
      sent.hasLeft = true;
      sent.lost = wasNotTaken(error) || this.#options.takesIdempotencyKeys ? undefined : error;
      if (await this.#isThere(sent)) return;
      // The host has answered that it failed, and its history agrees.
      if (error.status === 500) sent.lost = undefined;
      throw error;
    } finally {
      this.#release();
    }
  }

  /** Whether the history has what was sent; `hear` finds it there. */
  async #isThere(sent: Sent): Promise<boolean> {
    await this.#options.catchUp();
    return sent.id !== undefined;
  }

  /** Sends an answer to a call. One the host has, or does not want any more, is a success. */
  async #sendAnswer(answer: Answer, signal: AbortSignal): Promise<void> {
    const { reader, catchUp, emit } = this.#options;
    const { calls } = reader;
    // Its confirmation may have arrived since the last attempt.
    if (calls.isAnswered(answer.callId)) return;
    try {
      // No key: an answer the host has is refused, and that is as good.
      await this.#post([calls.toWire(answer)], signal, undefined);
    } catch (thrown) {
      const error = toHostError(thrown, "The answer could not be sent");
      if (neverLeft(error)) throw error;
      await catchUp().catch(() => undefined);
      if (calls.isAnswered(answer.callId)) return;
      if (isTransient(error) || (await this.#mayBeNeeded(answer.callId, signal))) throw error;
      const { status, hostCode, message } = error;
      emit({
        type: "provider",
        raw: { type: "answer_not_wanted", id: answer.callId, status, hostCode, message },
      });
    }
  }

  /** Whether the host may still wait for an answer that it refused. */
  async #mayBeNeeded(callId: string, signal: AbortSignal): Promise<boolean> {
    const { api, path, reader } = this.#options;
    const thread = reader.calls.threadOf(callId);
    if (!reader.turns.mayNeed(callId)) return false;
    if (thread === undefined) return true;
    const { status, archived_at } = await api.get(
      `${path}/threads/${encodeURIComponent(thread)}`,
      {},
      signal,
    );
    return status !== "terminated" && (archived_at ?? null) === null;
  }

  async #post(
    events: readonly unknown[],
    signal: AbortSignal,
    key: string | undefined,
  ): Promise<string | undefined> {
    const { api, path, takesIdempotencyKeys } = this.#options;
    const headers = takesIdempotencyKeys && key !== undefined ? { "idempotency-key": key } : {};
    const { data } = await api.post(`${path}/events`, { events }, signal, headers);
    const stored: unknown = Array.isArray(data) ? data[0] : undefined;
    return isObject(stored) ? text(stored["id"]) : undefined;
  }

  /** Releases held events, as history; by then our message must be known. */
  #release(): void {
    const { emit, tell } = this.#options;
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#expect(this.#sent);
    if (held.length === 0) return;
    emit({ type: "catchup.started" });
    for (const event of held) tell(event);
    emit({ type: "catchup.ended" });
  }

  #expect(sent: Sent | undefined): void {
    if (sent?.isMessage !== true || sent.id === undefined) return;
    this.#options.reader.messages.expect(sent.id, sent.inputId, sent.wasAtRest);
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}

function isMessageInput(input: HostInput): input is Extract<HostInput, { type: "message" | "outcome" }> {
  return isMessage(input);
}

function batches(inputs: readonly HostInput[]): HostInput[][] {
  const all: HostInput[][] = [];
  for (const input of inputs) {
    const last = input.type === "system" ? all.at(-1) : undefined;
    if (last === undefined) all.push([input]);
    else last.push(input);
  }
  return all;
}

/** The request never reached a server. */
function neverLeft(error: LoophostError): boolean {
  return error.status === undefined && wasNotTaken(error);
}

function mayHaveArrived(error: LoophostError): LoophostError {
  const wayOut = "It may have arrived all the same: look at the session before you send it again.";
  return reworded(error, `${error.message} ${wayOut}`, { mayRetry: false });
}

/** Whether an event is the echo of what was sent: all of its fields are in it, and perhaps more. */
function isEcho(event: unknown, sent: unknown): boolean {
  if (Array.isArray(sent))
    return (
      Array.isArray(event) &&
      event.length === sent.length &&
      sent.every((item, at) => isEcho(event[at], item))
    );
  if (!isObject(sent)) return event === sent;
  return isObject(event) && Object.entries(sent).every(([key, value]) => isEcho(event[key], value));
}
