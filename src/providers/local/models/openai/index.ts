/**
 * Any service that speaks OpenAI's chat completions as a model of the in-process loop host: OpenAI itself, Ollama, vLLM,
 * LM Studio, llama.cpp, OpenRouter and many more.
 *
 *   C1  a message is written once, when it enters the conversation; a request sends what is written
 *   C2  what the model said goes back as it said it, its arguments character for character
 */

import type { Checks } from "../../../../core/check-options.ts";
import { BOOLEAN } from "../../../../core/check-options.ts";
import type { TranscriptMessage } from "../../../../core/transcript.ts";
import { USER_AGENT } from "../../../../core/version.ts";
import { findApiKey, toHeaders } from "../../../../core/wire/headers.ts";
import type { ConversationSetup, Model, ModelCall, ModelConversation, ModelReply } from "../../model.ts";
import type { ModelClient } from "../ask.ts";
import { createModelClient } from "../ask.ts";
import type { FetchModelOptions, ToolChoice } from "../fetch-model.ts";
import { checkFetchOptions, FETCH_OPTIONS, modelIdOf, toUrl } from "../fetch-model.ts";
import { MessageBytes } from "../message-bytes.ts";
import type { OperatorRole } from "../operator-voice.ts";
import { inVoice } from "../operator-voice.ts";
import { CHAT_SERVICE, ChatReply } from "./reply.ts";
import { toChatMessages, toChatTools } from "./wire.ts";

/** How a service that speaks chat completions is asked. */
export interface OpenAICompatibleOptions extends FetchModelOptions {
  /** Whether a stream is asked to end with the tokens spent. Switch it off for servers that refuse the field. Default true. */
  readonly streamUsage?: boolean | undefined;
  /**
   * For models whose template wants an assistant message between the results of tools and what a user says: one is put there.
   * Default false.
   */
  readonly strictRoles?: boolean | undefined;
}

/**
 * A model behind an API that speaks OpenAI's chat completions; `baseUrl` defaults to OpenAI's own.
 *
 * The key is the option `apiKey`, else, for OpenAI's own service, the variable OPENAI_API_KEY. Other services are never
 * sent that one, and may need none. `maxTokens` has no default here.
 *
 * @throws LoophostError `invalid_options` when the options cannot work together
 */
export function openAICompatible(options: OpenAICompatibleOptions = {}): Model {
  checkFetchOptions(options, OPTIONS, ["messages", "tools", "stream"], FACTORY);
  const url = toUrl(options.baseUrl ?? "https://api.openai.com/v1", "/chat/completions", FACTORY);
  const atOpenAI = new URL(url).hostname === "api.openai.com";
  const client = createModelClient(
    {
      name: CHAT_SERVICE,
      url,
      keyAdvice: "Check the API key (option apiKey).",
      apiKey: async () => {
        // The variable holds a key to OpenAI's own service, which must not be sent to another.
        if (!atOpenAI && options.apiKey === undefined) return undefined;
        return await findApiKey(options.apiKey, KEY_VARIABLE, CHAT_SERVICE);
      },
      headers: (key) => toRequestHeaders(options, key),
    },
    options,
  );
  return {
    name: "openai-compatible",
    asks: (modelId) => ({ model: options.model ?? modelId, service: atOpenAI ? "openai" : undefined }),
    converse: (setup) => new ChatConversation(client, options, setup, atOpenAI),
  };
}

const FACTORY = "openAICompatible";
const OPTIONS: Checks<OpenAICompatibleOptions> = {
  ...FETCH_OPTIONS,
  streamUsage: BOOLEAN,
  strictRoles: BOOLEAN,
};

/** What stands between results and a user's message where the order of roles is strict. */
const BETWEEN = JSON.stringify({ role: "assistant", content: "I have the results." });
const KEY_VARIABLE = "OPENAI_API_KEY";

class ChatConversation implements ModelConversation {
  readonly #client: ModelClient;
  readonly #messages: MessageBytes;
  readonly #operatorRole: OperatorRole;
  readonly #isStrict: boolean;
  #lastWasResult = false;

  constructor(
    client: ModelClient,
    options: OpenAICompatibleOptions,
    setup: ConversationSetup,
    atOpenAI: boolean,
  ) {
    this.#client = client;
    this.#operatorRole = options.operatorRole ?? "system";
    this.#isStrict = options.strictRoles ?? false;
    this.#messages = new MessageBytes(
      `${JSON.stringify(toHead(options, setup, atOpenAI)).slice(0, -1)},"messages":[`,
    );
    const { instructions } = setup;
    if (instructions !== "") this.#messages.add(JSON.stringify({ role: "system", content: instructions }));
  }

  add(message: TranscriptMessage): void {
    for (const json of toChatMessages(inVoice(message, this.#operatorRole))) {
      if (
        this.#isStrict &&
        this.#lastWasResult &&
        !json.startsWith('{"role":"tool"') &&
        !json.startsWith('{"role":"assistant"')
      )
        this.#messages.add(BETWEEN);
      this.#messages.add(json);
      this.#lastWasResult = json.startsWith('{"role":"tool"');
    }
  }

  reply(call: ModelCall): Promise<ModelReply> {
    return this.#client.ask(call, () => ({ body: this.#messages.body(), reader: new ChatReply(call.emit) }));
  }
}

function toHead(
  options: OpenAICompatibleOptions,
  { tools, modelId }: ConversationSetup,
  atOpenAI: boolean,
): Record<string, unknown> {
  const { stream = true, streamUsage = true, maxTokens, toolChoice, parallelToolCalls = true } = options;
  const withTools = tools.length > 0;
  return {
    model: modelIdOf(options, modelId, FACTORY),
    ...(stream ? { stream } : {}),
    ...(stream && streamUsage ? { stream_options: { include_usage: true } } : {}),
    // OpenAI's newer models refuse the name that everybody else still uses.
    ...(maxTokens === undefined ? {} : { [atOpenAI ? "max_completion_tokens" : "max_tokens"]: maxTokens }),
    ...(withTools ? { tools: toChatTools(tools) } : {}),
    ...(withTools && toolChoice !== undefined ? { tool_choice: toToolChoice(toolChoice) } : {}),
    ...(withTools && !parallelToolCalls ? { parallel_tool_calls: false } : {}),
    ...options.extraBody,
  };
}

function toToolChoice(toolChoice: ToolChoice): unknown {
  if (typeof toolChoice === "object") return { type: "function", function: { name: toolChoice.tool } };
  return toolChoice === "any" ? "required" : toolChoice;
}

function toRequestHeaders(
  { stream = true, headers = {} }: OpenAICompatibleOptions,
  key: string | undefined,
): Record<string, string> {
  return toHeaders(
    {
      "content-type": "application/json",
      accept: stream ? "text/event-stream" : "application/json",
      "user-agent": USER_AGENT,
    },
    key === undefined ? {} : { authorization: `Bearer ${key}` },
    headers,
  );
}
