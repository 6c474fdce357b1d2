/**
 * The Anthropic Messages API as a model of the in-process loop host.
 *
 *   M1  a message is written once, and not before a request needs it: what a thread holds is not written at all
 *   M2  what the model said goes back as it said it, character for character
 *   M3  a cache breakpoint moves by changing the message that carries it, and no other
 */

import type { Checks } from "../../../../core/check-options.ts";
import { atLeast, BOOLEAN, fields, isString, listOf, oneOf } from "../../../../core/check-options.ts";
import { LoophostError } from "../../../../core/errors.ts";
import type { JsonObject } from "../../../../core/json.ts";
import { isObject } from "../../../../core/json.ts";
import type { TranscriptMessage } from "../../../../core/transcript.ts";
import { USER_AGENT } from "../../../../core/version.ts";
import { findApiKey, toHeaders } from "../../../../core/wire/headers.ts";
import { MESSAGE_THREADS_BETA, MessageThread } from "../../message-thread.ts";
import type { ConversationSetup, Model, ModelCall, ModelConversation, ModelReply } from "../../model.ts";
import type { ModelClient, ModelTry } from "../ask.ts";
import { createModelClient } from "../ask.ts";
import type { FetchModelOptions } from "../fetch-model.ts";
import { checkFetchOptions, FETCH_OPTIONS, modelIdOf, toUrl } from "../fetch-model.ts";
import { MessageBytes } from "../message-bytes.ts";
import type { OperatorRole } from "../operator-voice.ts";
import { inVoice } from "../operator-voice.ts";
import { ANTHROPIC, AnthropicReply } from "./reply.ts";
import { markToolResults, toAnthropicMessage, toAnthropicSetup } from "./wire.ts";

/** How the Anthropic Messages API is asked. */
export interface AnthropicMessagesOptions extends FetchModelOptions {
  /** The header the key travels in. Default "x-api-key". */
  readonly auth?: "x-api-key" | "bearer" | "both" | undefined;
  /** Beta features to ask for; they go before a header "anthropic-beta". Default: none. */
  readonly betas?: readonly string[] | undefined;
  /** Lets the model think first, within so many tokens: at least 1 024, and fewer than `maxTokens`. Default: it does not. */
  readonly thinking?: { readonly budgetTokens: number } | undefined;
  /** Whether tools, system prompt and newest tool results are marked for the prompt cache. Default true. */
  readonly cache?: boolean | undefined;
  /** Whether the service holds the conversation, so that a request brings only what is new. Default false. */
  readonly threads?: boolean | undefined;
  /** Tools the service runs itself, in its own form. Default: none. */
  readonly serverTools?: readonly JsonObject[] | undefined;
}

/**
 * A Claude model, by the Anthropic Messages API.
 *
 * The key is the option `apiKey`, else the variable ANTHROPIC_API_KEY.
 *
 * @throws LoophostError `invalid_options` when the options cannot work together
 */
export function anthropicMessages(options: AnthropicMessagesOptions = {}): Model {
  checkOptions(options);
  const url = toUrl(options.baseUrl ?? "https://api.anthropic.com", "/v1/messages", FACTORY);
  // Kept: they are the same from turn to turn, until the key changes.
  let sent: { readonly key: string; readonly isOn: boolean; readonly headers: RequestHeaders } | undefined;
  const headersFor = (key: string, isOn: boolean): RequestHeaders => {
    if (sent?.key !== key || sent.isOn !== isOn)
      sent = { key, isOn, headers: toRequestHeaders(options, key, isOn) };
    return sent.headers;
  };
  return {
    name: "anthropic-messages",
    asks: (modelId) => ({ model: options.model ?? modelId, service: "anthropic" }),
    converse(setup) {
      const thread = new MessageThread(options.threads ?? false);
      const client = createModelClient(
        {
          name: ANTHROPIC,
          url,
          keyAdvice: `Check the API key (option apiKey, or ${KEY_VARIABLE}).`,
          apiKey: () => findApiKey(options.apiKey, KEY_VARIABLE, ANTHROPIC),
          headers: (key = "") => headersFor(key, thread.isOn),
        },
        options,
      );
      return new AnthropicConversation(client, thread, options, setup);
    },
  };
}

const FACTORY = "anthropicMessages";
const KEY_VARIABLE = "ANTHROPIC_API_KEY";
const DEFAULT_MAX_TOKENS = 16_384;

class AnthropicConversation implements ModelConversation {
  readonly #client: ModelClient;
  readonly #thread: MessageThread;
  readonly #marksCache: boolean;
  readonly #operatorRole: OperatorRole;
  /** The request up to what depends on the thread, without its closing brace. */
  readonly #head: string;
  /** The system prompt and the tools, which belong to a thread once it is open. */
  readonly #setup: string;
  /** Everything said so far. */
  readonly #said: TranscriptMessage[] = [];
  /** The whole conversation as it is re-sent, which has the first so many messages in it. */
  readonly #messages: MessageBytes;
  #written = 0;
  /** The newest tool results: where they are, and how they read without their breakpoint. */
  #marked: { readonly at: number; readonly plain: string } | undefined;

  constructor(
    client: ModelClient,
    thread: MessageThread,
    options: AnthropicMessagesOptions,
    setup: ConversationSetup,
  ) {
    const { instructions, tools, modelId } = setup;
    const { serverTools = [], cache = true, operatorRole = "user" } = options;
    this.#client = client;
    this.#thread = thread;
    this.#marksCache = cache;
    this.#operatorRole = operatorRole;
    const hasTools = tools.length + serverTools.length > 0;
    this.#head = JSON.stringify(toHead(options, modelIdOf(options, modelId, FACTORY), hasTools)).slice(0, -1);
    this.#setup = toAnthropicSetup(instructions, tools, serverTools, cache);
    this.#messages = new MessageBytes(`${this.#head}${this.#setup},"messages":[`);
  }

  add(message: TranscriptMessage): void {
    this.#said.push(inVoice(message, this.#operatorRole));
    this.#thread.added(message, this.#said.length);
  }

  async reply(call: ModelCall): Promise<ModelReply> {
    try {
      const reply = await this.#client.ask(call, () => this.#try(call));
      this.#thread.replied(reply);
      return reply;
    } catch (thrown) {
      if (thrown instanceof LoophostError && this.#thread.recoversFrom(thrown)) return await this.reply(call);
      throw thrown;
    }
  }

  #try({ emit }: ModelCall): ModelTry {
    return { body: this.#body(), reader: new AnthropicReply(emit, () => this.#thread.began()) };
  }

  #body(): ModelTry["body"] {
    const { isOn, held, field } = this.#thread;
    const thread = isOn ? `,"thread":${JSON.stringify(field)}` : "";
    if (held > 0) return `${this.#head}${thread},"messages":[${this.#sayAfter(held)}]}`;
    for (const message of this.#said.slice(this.#written)) this.#write(message);
    this.#written = this.#said.length;
    return isOn
      ? this.#messages.bodyAfter(`${this.#head}${this.#setup}${thread},"messages":[`)
      : this.#messages.body();
  }

  /** The messages after the first ones the thread holds, as it takes them. */
  #sayAfter(held: number): string {
    const news = this.#said.slice(held);
    const newest = news.findLast(({ role }) => role === "tool");
    return news
      .flatMap((message) => {
        const json = toAnthropicMessage(message);
        return json !== undefined && message === newest && this.#marksCache
          ? markToolResults(json)
          : (json ?? []);
      })
      .join(",");
  }

  /** Adds a message to those that are re-sent. The breakpoint moves to the newest results. */
  #write(message: TranscriptMessage): void {
    const json = toAnthropicMessage(message);
    if (json === undefined) return;
    if (message.role !== "tool" || !this.#marksCache) return this.#messages.add(json);
    if (this.#marked !== undefined) this.#messages.replace(this.#marked.at, this.#marked.plain);
    this.#marked = { at: this.#messages.count, plain: json };
    this.#messages.add(markToolResults(json));
  }
}

function toHead(
  options: AnthropicMessagesOptions,
  model: string,
  hasTools: boolean,
): Record<string, unknown> {
  const { thinking, stream = true, extraBody } = options;
  const toolChoice = hasTools ? toToolChoice(options) : undefined;
  return {
    model,
    max_tokens: maxTokensOf(options),
    ...(stream ? { stream } : {}),
    ...(thinking === undefined
      ? {}
      : { thinking: { type: "enabled", budget_tokens: thinking.budgetTokens } }),
    ...(toolChoice === undefined ? {} : { tool_choice: toolChoice }),
    ...extraBody,
  };
}

function toToolChoice({
  toolChoice,
  parallelToolCalls = true,
}: AnthropicMessagesOptions): object | undefined {
  if (toolChoice === "none") return { type: "none" };
  const oneAtATime = parallelToolCalls ? {} : { disable_parallel_tool_use: true };
  if (toolChoice === undefined) return parallelToolCalls ? undefined : { type: "auto", ...oneAtATime };
  if (typeof toolChoice === "string") return { type: toolChoice, ...oneAtATime };
  return { type: "tool", name: toolChoice.tool, ...oneAtATime };
}

function maxTokensOf({ maxTokens, thinking }: AnthropicMessagesOptions): number {
  return maxTokens ?? DEFAULT_MAX_TOKENS + (thinking?.budgetTokens ?? 0);
}

type RequestHeaders = Record<string, string>;

function toRequestHeaders(
  options: AnthropicMessagesOptions,
  key: string,
  hasThread: boolean,
): RequestHeaders {
  const { auth = "x-api-key", betas = [], stream = true, headers = {} } = options;
  const asked = [...betas, ...(hasThread ? [MESSAGE_THREADS_BETA] : [])];
  return toHeaders(
    {
      "content-type": "application/json",
      accept: stream ? "text/event-stream" : "application/json",
      "anthropic-version": "2023-06-01",
      "user-agent": USER_AGENT,
    },
    auth === "bearer" ? {} : { "x-api-key": key },
    auth === "x-api-key" ? {} : { authorization: `Bearer ${key}` },
    headers,
    asked.length === 0 ? {} : { "anthropic-beta": asked.join(",") },
  );
}

const OPTIONS: Checks<AnthropicMessagesOptions> = {
  ...FETCH_OPTIONS,
  auth: oneOf("x-api-key", "bearer", "both"),
  betas: listOf("strings", isString),
  thinking: fields<{ readonly budgetTokens: number }>({ budgetTokens: atLeast(1_024) }),
  cache: BOOLEAN,
  threads: BOOLEAN,
  serverTools: listOf("objects", isObject),
};

function checkOptions(options: AnthropicMessagesOptions): void {
  const { thinking, toolChoice } = options;
  const refuse = (problem: string) => {
    throw new LoophostError("invalid_options", `${FACTORY}: ${problem}`);
  };
  checkFetchOptions(options, OPTIONS, ["messages", "system", "tools", "thread", "stream"], FACTORY);
  if (thinking === undefined) return;
  const { budgetTokens } = thinking;
  if (!(budgetTokens >= 1_024 && budgetTokens < maxTokensOf(options)))
    refuse(
      `thinking.budgetTokens must be at least 1024 and less than maxTokens (${maxTokensOf(options)}); got ${budgetTokens}.`,
    );
  if (toolChoice === "any" || typeof toolChoice === "object")
    refuse("thinking does not go with a forced tool call; leave out toolChoice, or thinking.");
}
