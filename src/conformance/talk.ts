/** A session in conversation: what is said to it, and what it says on its stream. */

import { Inapplicable, Mismatch } from "./check.ts";
import type { EventFeed, WireEvent } from "./event-feed.ts";
import { eventsOf } from "./event-feed.ts";
import { at, must, ok, textIn } from "./expect.ts";
import type { Reply, Wire } from "./wire.ts";

const MAX_PAGES = 200;
const LAG_MS = 5_000;

/** A session, followed from before anything was said. */
export class Talk {
  readonly id: string;
  readonly feed: EventFeed;
  readonly path: string;
  readonly #wire: Wire;

  constructor(wire: Wire, id: string, feed: EventFeed) {
    this.#wire = wire;
    this.id = id;
    this.feed = feed;
    this.path = `/v1/sessions/${id}`;
  }

  /** Posts events, which may be refused. */
  post(...events: readonly object[]): Promise<Reply> {
    return this.#wire.post(`${this.path}/events`, { events });
  }

  /** Says something and waits until the session rests; gives the events of that, the idle being the last. */
  async turn(...events: readonly object[]): Promise<readonly WireEvent[]> {
    const from = this.feed.events.length;
    ok(await this.post(...events));
    return this.untilIdle(from);
  }

  /** Waits for the next idle from a position on; gives the events up to it. */
  async untilIdle(from: number, reason?: string): Promise<readonly WireEvent[]> {
    const expected = `session.status_idle${reason === undefined ? "" : ` with ${reason}`}`;
    const fits = (event: WireEvent) =>
      event.type === "session.status_idle" && (reason === undefined || reasonOf(event) === reason);
    const end = await this.feed.until(expected, fits, from);
    return this.feed.events.slice(from, end + 1);
  }

  /**
   * Has the model call the tool for these words in one reply, and waits for the idle that asks for the results.
   *
   * @throws Inapplicable when the model calls otherwise
   */
  async calls(...words: readonly string[]): Promise<readonly WireEvent[]> {
    const events = await this.turn(instructCalls(words));
    const calls = events.filter(({ type }) => type === "agent.custom_tool_use");
    if (calls.length === words.length) return calls;
    throw new Inapplicable(
      `the model made ${calls.length} of ${words.length} calls of look_up in one reply`,
      true,
    );
  }

  /** Everything the session has on record, all pages of it. */
  async list(query = ""): Promise<readonly WireEvent[]> {
    const { events } = await this.pages(query);
    return events;
  }

  /** The pages of a listing, and what they hold together. */
  async pages(query: string): Promise<{ events: readonly WireEvent[]; pages: readonly Reply[] }> {
    await this.#catchUp();
    const pages: Reply[] = [];
    const cursors = new Set<string>();
    for (let page: string | undefined = ""; page !== undefined;) {
      const next: string = page === "" ? "" : `&page=${encodeURIComponent(page)}`;
      const reply = ok(await this.#wire.get(`${this.path}/events?${query}${next}`));
      pages.push(reply);
      const cursor = at(reply.body, "next_page");
      page = typeof cursor === "string" ? cursor : undefined;
      if (page !== undefined && (cursors.has(page) || pages.length > MAX_PAGES))
        throw new Mismatch(reply, "a next_page that moves on with each page, and ends");
      if (page !== undefined) cursors.add(page);
    }
    return { events: pages.flatMap(eventsOf), pages };
  }

  /** Waits until the list has what the stream has told: it may lag by a moment, and no more. */
  async #catchUp(): Promise<void> {
    const last = this.feed.events.findLast(({ id }) => id !== "");
    if (last === undefined) return;
    await this.#wire.poll(
      () => this.#wire.get(`${this.path}/events?limit=1000`),
      (reply) => eventsOf(ok(reply)).some(({ id }) => id === last.id),
      `${last.type} ${last.id} in the list, as the stream has told it`,
      LAG_MS,
    );
  }
}

/** A message of one text. */
export function message(text: string): object {
  return { type: "user.message", content: [{ type: "text", text }] };
}

/** A message any model has a short answer to. */
export const HELLO: object = message("Answer with the single word: hello");

/** A message that keeps a model busy for a while. */
export const LONG: object = message(
  "Write a story of about 600 words about a lighthouse keeper. Begin at once.",
);

/** A stop. */
export const INTERRUPT: object = { type: "user.interrupt" };

/** The result of a call. */
export function result(call: WireEvent | string | undefined, text: string, isError = false): object {
  return {
    type: "user.custom_tool_result",
    custom_tool_use_id: typeof call === "object" ? call.id : (call ?? ""),
    content: [{ type: "text", text }],
    is_error: isError,
  };
}

/** Why a session rests. */
export function reasonOf(idle: WireEvent | undefined): string {
  return textIn(idle, "stop_reason", "type");
}

/** The calls an idle waits for. */
export function awaitedBy(idle: WireEvent | undefined): readonly unknown[] {
  const ids = at(idle, "stop_reason", "event_ids");
  return Array.isArray(ids) ? ids : [];
}

/** The text of a message. */
export function textOf(event: WireEvent | undefined): string {
  const content = at(event, "content");
  if (!Array.isArray(content)) return "";
  return content.map((block: unknown) => textIn(block, "text")).join("");
}

/** The position of the first event of a type, which must be there. */
export function mustFind(events: readonly WireEvent[], type: string, feed: EventFeed): number {
  const position = events.findIndex((event) => event.type === type);
  must(position >= 0, feed.evidence, `a ${type}`);
  return position;
}

/** Asks for a call of the tool with each word: plainly for a language model, in lines for a scripted one. */
export function instructCalls(words: readonly string[]): object {
  const how = words.length === 1 ? "once, with this input" : "in parallel in one reply, with these inputs";
  const lines = words.map((word) => `look_up ${JSON.stringify({ word })}`);
  return message(
    `Call the tool look_up ${how}, then answer with what it returned, word for word.\n${lines.join("\n")}`,
  );
}
