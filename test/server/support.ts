// What the server's tests share: a host on a free port, the official client on it, and a reader that waits for events.

import Anthropic, { APIError } from "@anthropic-ai/sdk";
import type { EmbeddedHost, EmbeddedHostOptions } from "loophost/server";
import { embeddedHost } from "loophost/server";

import type { Model } from "../../src/providers/local/model.ts";
import type {
  ModelFunction,
  ModelPart,
  ModelRequest,
} from "../../src/providers/local/models/function-model.ts";

/** An event of the wire, as the tests look at it. */
export interface SeenEvent {
  readonly type: string;
  readonly id?: string;
  readonly processed_at?: string | null;
  readonly [field: string]: unknown;
}

/** A host under test and a client of it. */
export interface HostUnderTest extends AsyncDisposable {
  readonly url: string;
  readonly host: EmbeddedHost;
  readonly client: Anthropic;
  /** Creates agent, environment and session, with a custom tool for each name. */
  session(tools?: readonly string[]): Promise<string>;
  /** Sends a request without the client, for what it would not send. */
  raw(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
}

/** A reply, read. */
interface Reply {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- replies are looked at field by field
  readonly body: any;
}

/** Starts a host on a free port of this machine. */
export async function startHost(
  model: ModelFunction | Model,
  options: Omit<EmbeddedHostOptions, "model"> = {},
): Promise<HostUnderTest> {
  const host = embeddedHost({ model, ...options });
  const { url } = await host.listen();
  const client = new Anthropic({ baseURL: url, apiKey: options.apiKey ?? "any", maxRetries: 0 });
  return {
    url,
    host,
    client,
    session: (tools) => createSession(client, tools),
    async raw(method, path, body, headers = {}) {
      const response = await fetch(url + path, {
        method,
        headers: { "content-type": "application/json", ...headers },
        ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        body: text === "" ? null : JSON.parse(text),
      };
    },
    [Symbol.asyncDispose]: () => host.close(),
  };
}

/** Creates agent, environment and session, with a custom tool for each name. */
export async function createSession(client: Anthropic, tools: readonly string[] = []): Promise<string> {
  const agent = await client.beta.agents.create({
    name: "helper",
    model: "test-model",
    tools: tools.map((name) => customTool(name)),
  });
  const environment = await client.beta.environments.create({ name: "dev" });
  const session = await client.beta.sessions.create({ agent: agent.id, environment_id: environment.id });
  return session.id;
}

/** A custom tool that takes anything. */
export function customTool(name: string): Anthropic.Beta.BetaManagedAgentsCustomToolParams {
  return { type: "custom", name, description: `The tool ${name}`, input_schema: { type: "object" } };
}

/** What a scripted model says in one reply. */
type Scripted = string | readonly ModelPart[];
/** A reply, or what makes it when it is asked for. */
type Step = Scripted | ((request: ModelRequest, signal: AbortSignal) => ReturnType<ModelFunction>);

/** A model that plays its replies in order, by how often it has spoken in the conversation it is given. */
export function scripted(...steps: readonly Step[]): ModelFunction {
  return (request, { signal }) => {
    const step = steps[request.messages.filter(({ role }) => role === "assistant").length];
    if (step === undefined) throw new Error("the script is over");
    return typeof step === "function" ? step(request, signal) : step;
  };
}

/** A call of a tool. */
export function call(id: string, name: string, input: unknown = {}): ModelPart {
  return { type: "tool_call", id, name, input };
}

/** A promise settled by hand. */
export function gate<T = void>(): { readonly opened: Promise<T>; readonly open: (value: T) => void } {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { opened: promise, open: resolve };
}

/** Reads a stream as it comes. */
export class StreamReader implements AsyncDisposable {
  readonly events: SeenEvent[] = [];
  readonly ended: Promise<void>;
  readonly #abort: () => void;
  readonly #waiting = new Set<() => void>();
  #isOver = false;

  constructor(stream: AsyncIterable<unknown>, abort: () => void) {
    this.#abort = abort;
    this.ended = this.#read(stream);
  }

  /** Resolves with the first event after the given position that fits, whenever it comes. */
  async until(fits: string | ((event: SeenEvent) => boolean), from = 0): Promise<SeenEvent> {
    const isIt = typeof fits === "string" ? (event: SeenEvent) => event.type === fits : fits;
    for (let position = from; ; position += 1) {
      while (position >= this.events.length) {
        if (this.#isOver) throw new Error(`the stream ended; it had ${this.types().join(", ")}`);
        await new Promise<void>((resolve) => this.#waiting.add(resolve));
      }
      const event = this.events[position];
      if (event !== undefined && isIt(event)) return event;
    }
  }

  /** Waits for an idle with a stop reason. */
  idle(reason: string, from = 0): Promise<SeenEvent> {
    return this.until((event) => event.type === "session.status_idle" && stopOf(event) === reason, from);
  }

  types(): string[] {
    return this.events.map(({ type }) => type);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort();
    await this.ended;
  }

  async #read(stream: AsyncIterable<unknown>): Promise<void> {
    const wake = () => {
      const waiting = [...this.#waiting];
      this.#waiting.clear();
      for (const resolve of waiting) resolve();
    };
    try {
      for await (const event of stream) {
        this.events.push(event as SeenEvent);
        wake();
      }
    } catch {
      // Cut off, by the test or by the host.
    }
    this.#isOver = true;
    wake();
  }
}

/** The stop reason of an idle. */
export function stopOf(event: SeenEvent): string {
  return (event["stop_reason"] as { type: string }).type;
}

/** Follows a session with the official client. */
export async function follow(
  client: Anthropic,
  sessionId: string,
  params: Anthropic.Beta.Sessions.EventStreamParams = {},
): Promise<StreamReader> {
  const stream = await client.beta.sessions.events.stream(sessionId, params);
  return new StreamReader(stream, () => stream.controller.abort());
}

/** Sends a message of one text. */
export async function say(client: Anthropic, sessionId: string, text: string): Promise<void> {
  await client.beta.sessions.events.send(sessionId, { events: [message(text)] });
}

/** A message of one text. */
export function message(text: string): { type: "user.message"; content: { type: "text"; text: string }[] } {
  return { type: "user.message", content: [{ type: "text", text }] };
}

/** The answer to a call. */
export function answer(
  toolUseId: string | undefined,
  text: string,
): Anthropic.Beta.Sessions.BetaManagedAgentsUserCustomToolResultEventParams {
  return {
    type: "user.custom_tool_result",
    custom_tool_use_id: toolUseId ?? "",
    content: [{ type: "text", text }],
  };
}

/** All events of a session, by its listing. */
export async function listed(client: Anthropic, sessionId: string): Promise<SeenEvent[]> {
  const events: SeenEvent[] = [];
  for await (const event of client.beta.sessions.events.list(sessionId))
    events.push(event as unknown as SeenEvent);
  return events;
}

/** What a request that should be refused was refused with: status, and error code or type. */
export async function refusal(request: Promise<unknown>): Promise<string> {
  try {
    await request;
  } catch (error) {
    if (error instanceof APIError) return `${String(error.status)} ${String(error.errorCode ?? error.type)}`;
    throw error;
  }
  return "taken";
}

/** Refused as wrong. */
export const BAD = "400 invalid_request_error";
/** Refused as not there. */
export const GONE = "404 not_found_error";
