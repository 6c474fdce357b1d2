// Somebody who holds sessions with the official SDK as its documentation says: opens a stream, lists what came before it,
// answers calls, and begins again when the stream breaks; retries are the SDK's own, and after those asks the other host.
// Each post has an Idempotency-Key, as a post needs that is sent again after its reply was lost.

import { setTimeout as sleep } from "node:timers/promises";

import type Anthropic from "@anthropic-ai/sdk";

import type { SeenEvent } from "./support.ts";
import { answer, customTool, listed, message, stopOf } from "./support.ts";

type Events = Anthropic.Beta.Sessions.EventSendParams["events"];

const MAX_TRIES = 60;
const PAUSE_MS = 50;

/** A session as its user has seen it. */
export interface HeldSession {
  readonly id: string;
  /** Each event once, in the order it was seen. */
  readonly seen: readonly SeenEvent[];
  /** The calls that were answered, in order. */
  readonly answered: readonly string[];
  readonly runs: number;
}

/** A user with a client for each host. */
export class SdkUser {
  /** Streams that broke, or were refused. */
  breaks = 0;
  /** Requests that failed in spite of the SDK's retries, and were sent to the other host. */
  failures = 0;
  /** Events that one stream gave twice. */
  repeats = 0;
  /** Requests that were refused: a host that has lost something would. */
  readonly refused: string[] = [];
  readonly #clients: readonly Anthropic[];
  readonly #name: string;
  #turn: number;
  #sessions = 0;

  constructor(clients: readonly Anthropic[], name: string, first: number) {
    this.#clients = clients;
    this.#name = name;
    this.#turn = first;
  }

  /** Holds a session of so many runs, each with two calls; fewer when it is over before. */
  async hold(runs: number, isOver: () => boolean): Promise<HeldSession> {
    const id = await this.#create();
    const follower = new Follower(id, (callId) => this.#send(id, callId, [answer(callId, "42")]));
    const following = this.#follow(id, follower);
    let done = 0;
    while (done < runs && !isOver()) {
      await this.#send(id, `message ${done}`, [message(`look_up {"n":${done}}\nbook {}`)]);
      done += 1;
      await follower.ended(done);
    }
    // What came with the end of the last run, or after it.
    for (const event of await this.#ask((client) => listed(client, id))) follower.see(event);
    follower.stop();
    await following;
    return { id, seen: follower.seen, answered: follower.answered, runs: done };
  }

  async #create(): Promise<string> {
    const key = `${this.#name} ${(this.#sessions += 1)}`;
    const headers = (what: string) => ({ headers: { "Idempotency-Key": `${key} ${what}` } });
    const agent = await this.#ask(({ beta }) =>
      beta.agents.create(
        { name: key, model: "m", tools: [customTool("look_up"), customTool("book")] },
        headers("agent"),
      ),
    );
    const environment = await this.#ask(({ beta }) =>
      beta.environments.create({ name: key }, headers("environment")),
    );
    const where = { agent: agent.id, environment_id: environment.id, title: key };
    return (await this.#ask(({ beta }) => beta.sessions.create(where, headers("session")))).id;
  }

  #send(id: string, key: string, events: Events): Promise<unknown> {
    const options = { headers: { "Idempotency-Key": `${id} ${key}` } };
    return this.#ask(({ beta }) => beta.sessions.events.send(id, { events }, options));
  }

  /** Asks one host, and the other when that fails in spite of the SDK's retries, until one answers. */
  async #ask<T>(work: (client: Anthropic) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await work(this.#next());
      } catch (thrown) {
        const { status = 500, message: said } = thrown as { status?: number; message: string };
        if (status < 500) this.refused.push(said);
        if (status < 500 || tries === MAX_TRIES) throw thrown;
        this.failures += 1;
        await sleep(PAUSE_MS);
      }
    }
  }

  async #follow(id: string, follower: Follower): Promise<void> {
    for (; !follower.signal.aborted; this.breaks += 1) {
      const client = this.#next();
      const inStream = new Set<string>();
      try {
        const stream = await client.beta.sessions.events.stream(id, {}, { signal: follower.signal });
        for (const event of await listed(client, id)) follower.see(event);
        for await (const event of stream as AsyncIterable<unknown>) {
          const { id: eventId, processed_at: at } = event as SeenEvent;
          const key = `${eventId} ${String(at)}`;
          if (eventId !== undefined && inStream.has(key)) this.repeats += 1;
          inStream.add(key);
          follower.see(event as SeenEvent);
        }
      } catch {
        // Cut off with its host.
      }
      await sleep(PAUSE_MS);
    }
  }

  #next(): Anthropic {
    this.#turn = (this.#turn + 1) % this.#clients.length;
    const client = this.#clients[this.#turn];
    if (client === undefined) throw new Error("a user needs a client");
    return client;
  }
}

/** Takes each event once, answers each call once, and knows how many runs have ended. */
class Follower {
  readonly seen: SeenEvent[] = [];
  readonly answered: string[] = [];
  readonly #over = new AbortController();
  readonly #ids = new Set<string>();
  readonly #answer: (callId: string) => Promise<unknown>;
  readonly #id: string;
  #failed: unknown;
  #wake: () => void = () => undefined;

  constructor(id: string, answerCall: (callId: string) => Promise<unknown>) {
    this.#id = id;
    this.#answer = answerCall;
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  stop(): void {
    this.#over.abort();
  }

  see(event: SeenEvent): void {
    if (event.id === undefined || event.processed_at === null || this.#ids.has(event.id)) return;
    this.#ids.add(event.id);
    this.seen.push(event);
    this.#wake();
    if (event.type !== "agent.custom_tool_use") return;
    this.answered.push(event.id);
    this.#answer(event.id).catch((thrown: unknown) => {
      this.#failed = thrown;
      this.#wake();
    });
  }

  /** Resolves when so many runs have ended. */
  async ended(runs: number): Promise<void> {
    while (this.seen.filter(isEnd).length < runs) {
      if (this.#failed !== undefined)
        throw new Error(`${this.#id}: an answer failed`, { cause: this.#failed });
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** Whether a run ended with this event. */
export function isEnd(event: SeenEvent): boolean {
  return event.type === "session.status_idle" && stopOf(event) === "end_turn";
}
