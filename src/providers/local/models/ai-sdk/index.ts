/**
 * AI SDK language models as models of the in-process loop host: every provider of `ai` 6 and `ai` 7.
 *
 *   S1  a message is converted to the prompt's form once, when it enters the conversation
 *   S2  what the model said is sent back unchanged, with the metadata its provider gave to each part
 *   S3  a call settles when its signal aborts or its stream stalls, whether or not the model heeds that
 */

import { onAbort } from "../../../../core/async/abort.ts";
import { retryPolicy, withRetry } from "../../../../core/async/retry.ts";
import type { Checks } from "../../../../core/check-options.ts";
import { checkOptions, listOf, MILLISECONDS, must } from "../../../../core/check-options.ts";
import type { Clock } from "../../../../core/clock.ts";
import { LoophostError, toLoophostError } from "../../../../core/errors.ts";
import { isObject } from "../../../../core/json.ts";
import type { TranscriptMessage } from "../../../../core/transcript.ts";
import type { ConversationSetup, Model, ModelCall, ModelConversation, ModelReply } from "../../model.ts";
import type { FetchModelOptions, ToolChoice } from "../fetch-model.ts";
import { FETCH_OPTIONS } from "../fetch-model.ts";
import { inVoice } from "../operator-voice.ts";
import { toModelError } from "./error.ts";
import { AiSdkReply } from "./reply.ts";
import type { AiSdkCall, AiSdkLanguageModel, AiSdkPart } from "./wire.ts";
import { toFunctionTools, toPromptMessage } from "./wire.ts";

/** How a language model of the AI SDK is asked. */
export interface AiSdkModelOptions extends Pick<
  FetchModelOptions,
  "headers" | "maxTokens" | "operatorRole" | "retry" | "stream" | "toolChoice"
> {
  /** Further settings of a call in the AI SDK's words, such as `temperature`, `reasoning` or `providerOptions`. Default: none. */
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
  /** Tools the service runs itself, in the AI SDK's form: `{ type: "provider", id, name, args }`. Default: none. */
  readonly serverTools?: readonly object[] | undefined;
  /** Milliseconds without a part after which a reply is given up and asked for again. Default 300 000; 600 000 when not streaming. */
  readonly idleTimeoutMs?: number | undefined;
}

/**
 * A language model of the AI SDK, of specification v3 (`ai` 6) or v4 (`ai` 7).
 *
 * Which model it is was settled when it was made: the agent's `model` is not looked at.
 *
 * @throws LoophostError `invalid_options` for anything else, a model's name or a model of an older generation included
 */
export function aiSdkModel(model: AiSdkLanguageModel, options: AiSdkModelOptions = {}): Model {
  checkModel(model);
  checkOptions(`${FACTORY}()`, options, OPTIONS);
  checkSettings(options.settings ?? {});
  return {
    name: `${model.provider} ${model.modelId}`,
    asks: () => ({ model: model.modelId, service: serviceOf(model.provider) }),
    converse: (setup) => new AiSdkConversation(model, options, setup),
  };
}

/** The AI SDK's names of services that OpenTelemetry's conventions name otherwise; what follows a point is the kind of API. */
const SERVICES: ReadonlyMap<string, string> = new Map([
  ["amazon-bedrock", "aws.bedrock"],
  ["azure", "azure.ai.openai"],
  ["google", "gcp.gemini"],
  ["google.vertex", "gcp.vertex_ai"],
  ["mistral", "mistral_ai"],
  ["moonshotai", "moonshot_ai"],
  ["xai", "x_ai"],
]);

function serviceOf(provider: string): string {
  const [maker = "", kind] = provider.split(".", 2);
  return SERVICES.get(`${maker}.${kind}`) ?? SERVICES.get(maker) ?? maker;
}

/** Whether a value is a language model of the AI SDK, of whatever generation. */
export function isAiSdkModel(value: unknown): value is AiSdkLanguageModel {
  return isObject(value) && "specificationVersion" in value;
}

class AiSdkConversation implements ModelConversation {
  readonly #model: AiSdkLanguageModel;
  readonly #name: string;
  readonly #options: AiSdkModelOptions;
  /** What every call is made with. */
  readonly #fixed: Omit<AiSdkCall, "prompt">;
  readonly #prompt: object[] = [];

  constructor(model: AiSdkLanguageModel, options: AiSdkModelOptions, setup: ConversationSetup) {
    this.#model = model;
    this.#name = `${model.provider} ${model.modelId}`;
    this.#options = options;
    this.#fixed = toFixed(options, setup);
    if (setup.instructions !== "") this.#prompt.push({ role: "system", content: setup.instructions });
  }

  add(message: TranscriptMessage): void {
    const { operatorRole = "user" } = this.#options;
    const written = toPromptMessage(inVoice(message, operatorRole), this.#model.specificationVersion);
    if (written !== undefined) this.#prompt.push(written);
  }

  async reply(call: ModelCall): Promise<ModelReply> {
    const { signal, clock, emit } = call;
    let reply = new AiSdkReply(emit);
    try {
      return await withRetry(() => this.#try((reply = new AiSdkReply(emit)), call), {
        policy: retryPolicy(this.#options.retry),
        clock,
        signal,
        toError: (thrown) => toLoophostError(thrown, "host_failed", this.#name),
        onRetry: (attempt, delayMs, { message: reason }) => {
          if (reply.hasEmitted) emit({ type: "deltas.retracted", reason });
          emit({ type: "retrying", attempt, delayMs, reason });
        },
      });
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
      throw new LoophostError("aborted", "The model call was aborted.", { cause: signal.reason });
    }
  }

  async #try(reply: AiSdkReply, { signal, clock }: ModelCall): Promise<ModelReply> {
    const { stream: streams = true, idleTimeoutMs = streams ? 300_000 : 600_000 } = this.#options;
    const stopping = new AbortController();
    const unlink = onAbort([signal], (reason) => stopping.abort(reason));
    const silence = watchSilence(clock, idleTimeoutMs, () => stopping.abort(this.#fellSilent(idleTimeoutMs)));
    // A copy: providers and middleware may keep the prompt they were given, and ours grows.
    const call = { ...this.#fixed, prompt: [...this.#prompt], abortSignal: stopping.signal };
    try {
      if (streams) {
        const { stream } = await heeding(stopping.signal, this.#model.doStream(call));
        await readParts(stream, stopping.signal, (part) => {
          silence.heard();
          if (part.type === "error") throw part.error;
          reply.take(part);
        });
      } else reply.takeWhole(await heeding(stopping.signal, this.#model.doGenerate(call)));
      return reply.finish(this.#name);
    } catch (thrown) {
      throw await toModelError(stopping.signal.aborted ? stopping.signal.reason : thrown, this.#name);
    } finally {
      silence.end();
      unlink();
    }
  }

  #fellSilent(ms: number): LoophostError {
    return new LoophostError(
      "host_unreachable",
      `${this.#name} sent nothing for ${ms} ms. Raise idleTimeoutMs if it needs longer.`,
    );
  }
}

function toFixed(options: AiSdkModelOptions, { tools }: ConversationSetup): Omit<AiSdkCall, "prompt"> {
  const { maxTokens, toolChoice, headers, settings, serverTools = [] } = options;
  const declared = [...toFunctionTools(tools), ...serverTools];
  return {
    ...(maxTokens === undefined ? {} : { maxOutputTokens: maxTokens }),
    ...(headers === undefined ? {} : { headers }),
    ...(declared.length === 0 ? {} : { tools: declared }),
    ...(declared.length === 0 || toolChoice === undefined ? {} : { toolChoice: toToolChoice(toolChoice) }),
    ...settings,
  };
}

function toToolChoice(choice: ToolChoice): object {
  if (typeof choice === "object") return { type: "tool", toolName: choice.tool };
  return { type: choice === "any" ? "required" : choice };
}

/** Rejects as soon as the signal aborts: not every model heeds it, and the call would hang. */
function heeding<T>(signal: AbortSignal, work: PromiseLike<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const unlink = onAbort([signal], reject);
    Promise.resolve(work).then(resolve, reject).finally(unlink);
  });
}

/** Reads a stream to its end, and releases its reader on every path, errors included, so that no connection leaks. */
async function readParts(
  stream: ReadableStream<AiSdkPart>,
  signal: AbortSignal,
  take: (part: AiSdkPart) => void,
): Promise<void> {
  const reader = stream.getReader();
  const cancel = (reason?: unknown) => void reader.cancel(reason).catch(() => undefined);
  // Reads of a cancelled stream end at once, whatever its source does.
  const unlink = onAbort([signal], cancel);
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) take(next.value);
    signal.throwIfAborted();
  } finally {
    unlink();
    cancel();
  }
}

/** One timer for a whole reply: hearing something costs a look at the clock. */
function watchSilence(
  clock: Clock,
  maxMs: number,
  onSilence: () => void,
): { readonly heard: () => void; readonly end: () => void } {
  let heardAt = clock.now();
  let cancel = clock.after(maxMs, check);
  function check(): void {
    const leftMs = heardAt + maxMs - clock.now();
    if (leftMs > 0) cancel = clock.after(leftMs, check);
    else onSilence();
  }
  return { heard: () => void (heardAt = clock.now()), end: () => cancel() };
}

const FACTORY = "aiSdkModel";
const { headers, maxTokens, operatorRole, retry, stream, toolChoice } = FETCH_OPTIONS;
const OPTIONS: Checks<AiSdkModelOptions> = {
  headers,
  maxTokens,
  operatorRole,
  retry,
  stream,
  toolChoice,
  settings: must("an object", isObject),
  serverTools: listOf("objects", isObject),
  idleTimeoutMs: MILLISECONDS,
};
const NO_MODEL = { specificationVersion: undefined, provider: "", modelId: "" };

function checkModel(model: unknown): void {
  const { specificationVersion: version, provider, modelId } = isAiSdkModel(model) ? model : NO_MODEL;
  if (version === "v3" || version === "v4") return;
  throw new LoophostError(
    "invalid_options",
    version === undefined
      ? `${FACTORY} needs a language model of the AI SDK, such as anthropic("claude-sonnet-5-5") of @ai-sdk/anthropic. ` +
          "A name alone belongs to a gateway: make the model with the gateway's provider."
      : `${FACTORY} takes language models of specification v3 (ai 6) or v4 (ai 7), but ${provider} ${modelId} is ` +
          `${String(version)}. Update the package the model comes from.`,
  );
}

/** Refuses settings that are written from the agent and the conversation. */
function checkSettings(settings: Readonly<Record<string, unknown>>): void {
  const taken = ["prompt", "tools", "abortSignal"].find((field) => Object.hasOwn(settings, field));
  if (taken === undefined) return;
  throw new LoophostError(
    "invalid_options",
    `${FACTORY}: settings may not set "${taken}"; it is written from the agent and the conversation.`,
  );
}
