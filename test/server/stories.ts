// Sessions as stories: a client that knows nothing but the list of events plays one to its end, whatever becomes of the
// hosts and their store.

import Anthropic, { BadRequestError, InternalServerError } from "@anthropic-ai/sdk";
import type { Store } from "loophost";
import type { EmbeddedHost } from "loophost/server";
import { embeddedHost } from "loophost/server";
import { memoryStore } from "loophost/stores/memory";
import { settleMicrotasks } from "loophost/testing";

import type { TranscriptMessage } from "../../src/core/transcript.ts";
import type { ModelFunction } from "../../src/providers/local/models/function-model.ts";
import type { DyingStore } from "./dying-store.ts";
import { dyingStore } from "./dying-store.ts";
import type { SeenEvent } from "./support.ts";
import { answer, call, customTool, listed, message, scripted, stopOf } from "./support.ts";

/** A session, and what its client wants of it. */
export interface Story {
  readonly name: string;
  readonly model: ModelFunction;
  /** What to post next, for a client that knows nothing but the list of events. */
  readonly next: (events: readonly SeenEvent[]) => readonly object[] | "wait" | "done";
  readonly requests: number;
}

/** What became of it, whatever happened to its hosts. */
export interface Played {
  readonly events: readonly SeenEvent[];
  /** The conversation at the model's last request. */
  readonly conversation: readonly TranscriptMessage[];
  readonly requests: number;
  /** Writes of the host that was alive at the end. */
  readonly writes: number;
  readonly deaths: number;
  readonly status: string;
  /** Sessions the store believes to have work open. */
  readonly open: number;
}

const ended = (events: readonly SeenEvent[]): number =>
  events.filter((event) => event.type === "session.status_idle" && stopOf(event) === "end_turn").length;
const count = (events: readonly SeenEvent[], type: string): number =>
  events.filter((event) => event.type === type).length;
const openCall = (events: readonly SeenEvent[]): SeenEvent | undefined => {
  const answered = new Set(events.map((event) => event["custom_tool_use_id"]));
  return events.find(({ type, id }) => type === "agent.custom_tool_use" && !answered.has(id));
};

/** Sessions that go through what can happen to one. */
export const stories: readonly Story[] = [
  {
    name: "two runs with calls",
    requests: 5,
    model: scripted(
      [{ type: "text", text: "Two things." }, call("c1", "a"), call("c2", "b")],
      [call("c1", "a"), call("n", "nowhere")],
      "That is all.",
      [{ type: "thinking", text: "hm" }, call("c1", "b")],
      "Still all.",
    ),
    next(events) {
      const open = openCall(events);
      if (open !== undefined) return [answer(open.id, `result ${count(events, "user.custom_tool_result")}`)];
      const said = count(events, "user.message");
      if (ended(events) < said) return "wait";
      return said === 2 ? "done" : [message(`run ${said}`)];
    },
  },
  {
    name: "an interrupt with a message behind it",
    requests: 2,
    model: scripted([call("c1", "a"), call("c2", "b")], "Another thing, then."),
    next(events) {
      if (count(events, "user.message") === 0) return [message("go")];
      const isBlocked = count(events, "session.status_idle") > 0;
      if (isBlocked && count(events, "user.interrupt") === 0)
        return [answer(openCall(events)?.id, "1"), { type: "user.interrupt" }, message("something else")];
      return ended(events) === 2 ? "done" : "wait";
    },
  },
  {
    name: "an outcome that is gone over once",
    requests: 4,
    model({ instructions, messages, tools }) {
      if (!instructions.includes("rubric")) return `draft ${messages.length}`;
      const isGood = JSON.stringify(messages).includes("draft 3");
      const result = isGood ? "satisfied" : "needs_revision";
      return [call("g", tools[0]?.name ?? "", { result, explanation: "as it is" })];
    },
    next(events) {
      const rubric = { type: "text", content: "Third drafts are good" };
      if (count(events, "user.define_outcome") === 0)
        return [{ type: "user.define_outcome", description: "Draft it", rubric }];
      return ended(events) === 1 ? "done" : "wait";
    },
  },
];

/** Plays a story on a store as its first host sees it; when that host dies, another follows, which sees the store itself. */
export async function play({ model, next }: Story, seen: (kept: Store) => DyingStore): Promise<Played> {
  const kept = memoryStore();
  let conversation: readonly TranscriptMessage[] = [];
  let requests = 0;
  let tries = 0;
  let deaths = 0;
  const start = (store: Store): EmbeddedHost =>
    embeddedHost({
      store,
      // The one before it died without a word, though its process lives.
      ifOwned: "take",
      model: (request, context) => {
        ({ messages: conversation } = request);
        requests += 1;
        return model(request, context);
      },
    });
  const made = await makeAgent(kept);
  let process: DyingStore = seen(kept);
  let host = start(process.store);

  /** Asks the host; undefined when it refused, or died before it answered, and the next one is to be asked. */
  const ask = async <T>(work: (client: Anthropic) => Promise<T>): Promise<T | undefined> => {
    tries += 1;
    if (tries > 2_000) throw new Error("the session never ends");
    const refused = (thrown: unknown) => {
      if (!(thrown instanceof BadRequestError || thrown instanceof InternalServerError)) throw thrown;
      return undefined;
    };
    const died = process.died.then(() => undefined);
    const reply = await Promise.race([work(clientOf(host)).catch(refused), died]);
    if (process.isDead()) {
      deaths += 1;
      process = dyingStore(kept, undefined);
      host = start(process.store);
    }
    return reply;
  };

  let id: string | undefined;
  while (id === undefined)
    id =
      (await ask((client) => client.beta.sessions.create(made)))?.id ??
      (await ask((client) => client.beta.sessions.list()))?.data[0]?.id;
  for (;;) {
    const events = await ask((client) => listed(client, id));
    const posts = events === undefined ? "wait" : next(events);
    if (events !== undefined && posts === "done") {
      const status = (await ask((client) => client.beta.sessions.retrieve(id)))?.status;
      if (status === undefined) continue;
      await settleMicrotasks();
      const open = (await kept.records.list("host.open", "", 10)).length;
      return { events, conversation, requests, writes: process.writes(), deaths, status, open };
    }
    if (posts === "wait") await new Promise((resolve) => setImmediate(resolve));
    else await ask((client) => client.beta.sessions.events.send(id, { events: posts as never }));
  }
}

function clientOf(host: EmbeddedHost): Anthropic {
  const fetch: typeof globalThis.fetch = (input, init) => host.fetch(new Request(input, init));
  return new Anthropic({ baseURL: "http://127.0.0.1", apiKey: "any", maxRetries: 0, fetch });
}

/** Makes what a session is made of, on a host that lives. */
async function makeAgent(store: Store): Promise<{ agent: string; environment_id: string }> {
  await using host = embeddedHost({ store, model: () => "" });
  const { agents, environments } = clientOf(host).beta;
  const tools = [customTool("a"), customTool("b")];
  const agent = await agents.create({ name: "helper", model: "m", tools });
  const environment = await environments.create({ name: "dev" });
  return { agent: agent.id, environment_id: environment.id };
}

/** What was said and done. How often the model was asked, and when the session ran, may differ. */
export function essence(events: readonly SeenEvent[]): string[] {
  return events
    .filter(
      ({ type }) =>
        !type.startsWith("span.model") && !type.includes("status_running") && type !== "session.usage",
    )
    .map(({ type, content, name, result, stop_reason: stop }) =>
      JSON.stringify([type, content, name, result, (stop as { type: string } | undefined)?.type]),
    );
}

/** The grader's prompt has a mark nobody can foresee. */
export function withoutMarks(said: TranscriptMessage): string {
  return JSON.stringify(said).replaceAll(/=== [\w-]+ ===/g, "===");
}

/** Model requests that were begun and not ended, and idles not told in threes. */
export function unbalanced(events: readonly SeenEvent[]): string[] {
  const closed = new Set(events.map((event) => event["model_request_start_id"]));
  const open = events.filter(({ type, id }) => type === "span.model_request_start" && !closed.has(id));
  const idles = events.filter(
    ({ type }, index) =>
      type === "session.status_idle" &&
      (events[index - 1]?.type !== "session.usage" ||
        events[index - 2]?.type !== "session.thread_status_idle"),
  );
  return [...open, ...idles].map(({ type, id }) => `${type} ${id}`);
}
