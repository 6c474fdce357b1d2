// A session of a planted server: its log, its streams, and an agent that calls look_up, tells a story until it is stopped, or
// says a word.

import type { ServerResponse } from "node:http";

import type { Planted } from "./planted.ts";

/** An event as it is told. */
export type Told = Record<string, unknown> & { readonly type: string; readonly id: string };

/** The refusal of a post. */
export class Refusal extends Error {}

let events = 0;

/** One session. */
export class EventHub {
  readonly log: Told[] = [];
  readonly streams: Set<ServerResponse> = new Set();
  readonly #how: Planted;
  readonly #open = new Set<string>();
  readonly #answered: string[] = [];
  readonly #queue: Told[] = [];
  #isRunning = false;
  #output = 0;

  constructor(how: Planted) {
    this.#how = how;
  }

  get status(): string {
    return this.#isRunning ? "running" : "idle";
  }

  /** Takes all events of a post, or none. */
  post(posted: unknown): readonly Told[] {
    if (!Array.isArray(posted) || posted.length === 0) throw new Refusal("events: at least one");
    const answers = posted.map((event) => event.custom_tool_use_id).filter((id) => id !== undefined);
    for (const { type, custom_tool_use_id: id } of posted) {
      if (!["user.message", "user.interrupt", "user.custom_tool_result"].includes(type))
        throw new Refusal(`no such event: ${type}`);
      if (type === "user.message" && this.#open.size > 0) throw new Refusal("waiting for results");
      if (type === "user.custom_tool_result" && !this.#open.has(id))
        throw new Refusal("no such call is open");
    }
    if (new Set(answers).size < answers.length) throw new Refusal("two results of one call");
    return posted.map((event) => ({ ...this.#take(event) }));
  }

  #take(posted: Told): Told {
    if (posted.type === "user.message") {
      const event = this.#tell(posted.type, { ...posted, processed_at: null });
      this.#queue.push(event);
      setImmediate(() => this.#next());
      return event;
    }
    const event = this.#tell(posted.type, posted);
    if (posted.type === "user.interrupt") {
      this.#open.clear();
      if (this.#isRunning || this.log.length > 1)
        setImmediate(() => this.#rest(this.#how.saysInterrupted ? "interrupted" : "end_turn"));
      return event;
    }
    this.#open.delete(String(posted["custom_tool_use_id"]));
    this.#answered.push(textOf(posted));
    const wasLast = this.#open.size === 0;
    setImmediate(() => {
      if (wasLast) this.#run(`It is ${this.#answered.splice(0).join(" and ")}.`);
      else if (this.#open.size > 0) this.#rest("requires_action", { event_ids: [...this.#open] });
    });
    return event;
  }

  #next(): void {
    if (this.#isRunning || this.#open.size > 0) return;
    const message = this.#queue.shift();
    if (message === undefined) return;
    const words = textOf(message);
    if (words.includes("Write a story")) return this.#begin(message);
    const calls = [...words.matchAll(/^look_up (\{.*\})$/gm)].map(([, json = "{}"]) => JSON.parse(json));
    if (calls.length === 0) return this.#run("hello", message);
    this.#begin(message);
    const ids = calls.map((input) => this.#tell("agent.custom_tool_use", { name: "look_up", input }).id);
    for (const id of ids) this.#open.add(id);
    this.#rest("requires_action", { event_ids: ids });
  }

  #begin(message?: Told): void {
    this.#isRunning = true;
    this.#tell("session.status_running");
    if (message !== undefined && this.#how.marks !== "nowhere") {
      Object.assign(message, { processed_at: new Date().toISOString() });
      if (this.#how.marks === undefined) this.#send(message);
    }
    this.#tell("span.model_request_start");
  }

  #run(says: string, message?: Told): void {
    this.#begin(message);
    const start = this.log.at(-1)?.id;
    this.#tell("agent.message", { content: [{ type: "text", text: says }] });
    const usage = { input_tokens: 1, output_tokens: 5 };
    this.#tell("span.model_request_end", { model_request_start_id: start, model_usage: usage });
    this.#rest("end_turn");
  }

  #rest(reason: string, more: object = {}): void {
    this.#isRunning = false;
    this.#output += 5;
    this.#tell("session.usage", { usage: { input_tokens: 1, output_tokens: this.#output } });
    const isWord = this.#how.words === true && reason !== "requires_action";
    this.#tell("session.status_idle", {
      stop_reason: isWord ? reason : { type: reason, ...more },
      stop_details: null,
    });
    setImmediate(() => this.#next());
  }

  /** Tells an event, and keeps it. */
  #tell(type: string, fields: object = {}): Told {
    const extra = this.#how.extraFields === true ? { hologram: { a: 1 }, thread_id: null } : {};
    const processed_at = new Date().toISOString();
    const event = { processed_at, ...extra, ...fields, id: `evt_${(events += 1)}`, type };
    this.log.push(event);
    this.#send(event);
    return event;
  }

  #send(event: Told): void {
    const name = this.#how.unnamed === true ? "" : `event: ${event.type}\n`;
    const before = this.#how.emptyFrames === true ? "event: heartbeat\ndata:\n\n" : "";
    for (const stream of this.streams) stream.write(`${before}${name}data: ${JSON.stringify(event)}\n\n`);
  }
}

function textOf({ content }: Record<string, unknown>): string {
  return Array.isArray(content) ? content.map(({ text }) => String(text)).join("") : "";
}
