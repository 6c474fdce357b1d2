/** What models asked over HTTP have in common: their options, and how those are checked. */

import type { RetryPolicy } from "../../../core/async/retry.ts";
import type { Checks } from "../../../core/check-options.ts";
import {
  atLeast,
  BOOLEAN,
  checkOptions,
  fields,
  FUNCTION,
  isString,
  MILLISECONDS,
  must,
  NAME,
  oneOf,
  STRING,
  STRINGS_BY_NAME,
} from "../../../core/check-options.ts";
import { LoophostError } from "../../../core/errors.ts";
import type { JsonObject } from "../../../core/json.ts";
import { isObject } from "../../../core/json.ts";
import { isHttpAddress } from "../../../core/wire/address.ts";
import type { ApiKey } from "../../../core/wire/headers.ts";
import type { OperatorRole } from "./operator-voice.ts";

/** How a model behind an HTTP API is asked. */
export interface FetchModelOptions {
  /** The model's id, as the service knows it. Default: the agent's `model`. */
  readonly model?: string | undefined;
  /** A key, or a function asked for one before every request. Default: an environment variable, read when it is needed. */
  readonly apiKey?: ApiKey | undefined;
  /** Where the service is, for proxies, gateways and compatible servers. Default: the service itself. */
  readonly baseUrl?: string | undefined;
  /** Sent with every request, over our own of the same name. Default: none. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** What requests are sent with. Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Whether the reply comes as it is written. Default true. */
  readonly stream?: boolean | undefined;
  /** Tokens a reply may have; beyond it the run ends with `max_tokens`. Default: of `anthropicMessages()` 16 384 and what thinking may take, else the service's. */
  readonly maxTokens?: number | undefined;
  /** Whether the model calls tools: as it likes ("auto"), always ("any"), never ("none"), or always one. Default "auto". */
  readonly toolChoice?: ToolChoice | undefined;
  /** Whether the model may make several calls in one turn. Default true. */
  readonly parallelToolCalls?: boolean | undefined;
  /**
   * How instructions of the operator's in mid-conversation reach the model: in messages of the role "system", or in marks among
   * what the "user" says, for models that take no such role there. Default "system" with chat completions, else "user".
   */
  readonly operatorRole?: OperatorRole | undefined;
  /** Further fields of the request, in the service's own form, over our own of the same name. Default: none. */
  readonly extraBody?: JsonObject | undefined;
  /** Overrides fields of the retry policy: `attempts` (4), `firstDelayMs` (1000), `maxDelayMs` (30 000), `maxRetryAfterMs` (60 000). Default: these. */
  readonly retry?: Partial<RetryPolicy> | undefined;
  /** Milliseconds without a byte after which a reply is given up and asked for again. Default 120 000; 300 000 when not streaming. */
  readonly idleTimeoutMs?: number | undefined;
  /** Bytes a reply may have; beyond it the run fails with `reply_too_large`. Default 32 MiB. */
  readonly maxReplyBytes?: number | undefined;
}

/**
 * Whether the model calls tools: as it likes, always ("any"), never, or always this one.
 *
 * It holds for every turn: a model that must call a tool goes on until a limit or an external tool stops the run.
 */
export type ToolChoice = "auto" | "any" | "none" | { readonly tool: string };

/** The id of the model to ask. */
export function modelIdOf(options: FetchModelOptions, ofAgent: string | undefined, factory: string): string {
  const id = options.model ?? ofAgent;
  if (id !== undefined && id !== "") return id;
  throw new LoophostError(
    "invalid_options",
    `No model is named. Give the agent a \`model\`, or pass ${factory}({ model }).`,
  );
}

/** An address of a service, from its base and a path. What the base has as its query, such as the version of Azure's API, stays. */
export function toUrl(baseUrl: string, path: string, factory: string): string {
  // The value is not quoted: it may hold a password.
  if (!isHttpAddress(baseUrl))
    throw new LoophostError(
      "invalid_options",
      `${factory}: baseUrl must be an http or https address, such as "http://127.0.0.1:11434/v1"; ` +
        "a user or password goes into headers.",
    );
  const url = new URL(baseUrl);
  url.pathname = url.pathname.replace(/\/+$/, "") + path;
  return url.href;
}

/** What the options that all models over HTTP have must be. */
export const FETCH_OPTIONS: Checks<FetchModelOptions> = {
  model: NAME,
  apiKey: must(
    "a string, or a function that gives one",
    (value) => isString(value) || FUNCTION(value) === undefined,
  ),
  baseUrl: STRING,
  headers: STRINGS_BY_NAME,
  fetch: FUNCTION,
  stream: BOOLEAN,
  maxTokens: atLeast(1),
  toolChoice: must(
    '"auto", "any", "none" or { tool: "its name" }',
    (value) =>
      value === "auto" || value === "any" || value === "none" || (isObject(value) && isString(value["tool"])),
  ),
  parallelToolCalls: BOOLEAN,
  operatorRole: oneOf("system", "user"),
  extraBody: must("an object", isObject),
  retry: fields<RetryPolicy>({
    attempts: atLeast(1),
    firstDelayMs: atLeast(0),
    maxDelayMs: atLeast(0),
    maxRetryAfterMs: atLeast(0),
  }),
  idleTimeoutMs: MILLISECONDS,
  maxReplyBytes: atLeast(1),
};

/** Validates options that would fail late, or silently. */
export function checkFetchOptions<Options extends FetchModelOptions>(
  options: Options,
  checks: Checks<Options>,
  written: readonly string[],
  factory: string,
): void {
  checkOptions(`${factory}()`, options, checks);
  const { extraBody = {} } = options;
  const taken = written.find((field) => Object.hasOwn(extraBody, field));
  if (taken !== undefined)
    throw new LoophostError(
      "invalid_options",
      `${factory}: extraBody may not set "${taken}"; it is written from the agent and the conversation.`,
    );
}
