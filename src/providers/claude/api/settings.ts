/**
 * Resolves how the service is reached: an explicit option, else an environment variable, else a default.
 *
 * Presence decides, not truth: an option that is given wins over a variable, and null says "none". An empty variable
 * counts as not set.
 */

import type { RetryPolicy } from "../../../core/async/retry.ts";
import type { Checks } from "../../../core/check-options.ts";
import {
  atLeast,
  CLOCK,
  fields,
  FUNCTION,
  withMethods,
  MILLISECONDS,
  oneOf,
  STRING,
  STRING_OR_NULL,
} from "../../../core/check-options.ts";
import type { Clock } from "../../../core/clock.ts";
import { LoophostError } from "../../../core/errors.ts";
import { isHttpAddress } from "../../../core/wire/address.ts";
import type { ClaudeTransport } from "./client.ts";

/** How the service is reached. */
export interface ClaudeConnectionOptions {
  /**
   * A ready client of `@anthropic-ai/sdk`; `apiKey`, `authToken`, `auth`, `baseUrl` and `fetch` are then not used. Default:
   * one of ours.
   */
  readonly client?: ClaudeTransport | undefined;
  /**
   * The key; null sends none. Default: the environment variable ANTHROPIC_API_KEY; where there is no key and the base URL
   * is not on loopback, opening a session fails with `missing_credentials`.
   */
  readonly apiKey?: string | null | undefined;
  /** A bearer token in place of the key. Default: ANTHROPIC_AUTH_TOKEN, where there is no key. */
  readonly authToken?: string | null | undefined;
  /** How the key is sent: servers differ. Default "both". */
  readonly auth?: "bearer" | "x-api-key" | "both" | undefined;
  /** Any server that speaks the Claude Managed Agents wire. Default: ANTHROPIC_BASE_URL, else the real service. */
  readonly baseUrl?: string | undefined;
  /** What requests are sent with. Default: the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
  /** The `anthropic-beta` of all requests; null sends none. Default "managed-agents-2026-04-01". */
  readonly beta?: string | null | undefined;
  /** The one that requests about files have besides; null for none. Default "files-api-2025-04-14". */
  readonly filesBeta?: string | null | undefined;
  /** The `anthropic-version` of all requests. Default: what the installed SDK sends. */
  readonly version?: string | undefined;
  /** Milliseconds a request has until its reply is there, and an event stream until it is open. Default 60 000. */
  readonly timeoutMs?: number | undefined;
  /** How requests that may safely be repeated are repeated. Default: four tries over some seven seconds. */
  readonly retry?: Partial<RetryPolicy> | undefined;
  /** Called before each retry, also of calls that have no session to report events. Default: none. */
  readonly onRetry?: ((attempt: number, delayMs: number, error: LoophostError) => void) | undefined;
  /** Where time comes from, for tests. Default: the clock of this machine. */
  readonly clock?: Clock | undefined;
}

/** What each of these options has to be. */
export const CONNECTION: Checks<ClaudeConnectionOptions> = {
  client: withMethods("get", "post", "delete"),
  apiKey: STRING_OR_NULL,
  authToken: STRING_OR_NULL,
  auth: oneOf("bearer", "x-api-key", "both"),
  baseUrl: STRING,
  fetch: FUNCTION,
  beta: STRING_OR_NULL,
  filesBeta: STRING_OR_NULL,
  version: STRING,
  timeoutMs: MILLISECONDS,
  retry: fields<RetryPolicy>({
    attempts: atLeast(1),
    firstDelayMs: atLeast(0),
    maxDelayMs: atLeast(0),
    maxRetryAfterMs: atLeast(0),
  }),
  onRetry: FUNCTION,
  clock: CLOCK,
};

/** The address of the service, and the credentials. */
export interface Access {
  readonly baseUrl: string;
  /** The headers of the key; null for one that is not to be sent, whoever else would set it. */
  readonly headers: { readonly authorization: string | null; readonly "x-api-key": string | null };
  /** Secrets to redact from errors. */
  readonly secrets: readonly string[];
}

const REAL_SERVICE = "https://api.anthropic.com";
const KEY_VARIABLE = "ANTHROPIC_API_KEY";
const TOKEN_VARIABLE = "ANTHROPIC_AUTH_TOKEN";

/**
 * Finds address and key.
 *
 * @throws LoophostError `missing_credentials` when there is no key, or an empty one; `invalid_options` when one cannot be used
 */
export function findAccess(options: ClaudeConnectionOptions): Access {
  const { auth = "both" } = options;
  const baseUrl = checkUrl(options.baseUrl ?? environment("ANTHROPIC_BASE_URL") ?? REAL_SERVICE);
  const { key, token } = findCredentials(options, baseUrl);
  const secret = key ?? token;
  return {
    baseUrl: baseUrl.href.replace(/\/$/, ""),
    headers: {
      authorization:
        secret === undefined || (auth === "x-api-key" && token === undefined) ? null : `Bearer ${secret}`,
      "x-api-key": key === undefined || auth === "bearer" ? null : key,
    },
    secrets: secret === undefined ? [] : [secret],
  };
}

/** The host of the service, for those who watch; undefined where the address cannot be used, which opening a session says. */
export function findHost({ baseUrl }: ClaudeConnectionOptions): string | undefined {
  const url = baseUrl ?? environment("ANTHROPIC_BASE_URL") ?? REAL_SERVICE;
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

interface Credentials {
  readonly key?: string | undefined;
  readonly token?: string | undefined;
}

/** A credential given in code is the only one: the environment is then not read for another. */
function findCredentials({ apiKey, authToken }: ClaudeConnectionOptions, baseUrl: URL): Credentials {
  if (typeof apiKey === "string" && typeof authToken === "string")
    throw new LoophostError("invalid_options", "Pass apiKey or authToken, not both.");
  if (apiKey !== undefined || authToken !== undefined) {
    return {
      key: typeof apiKey === "string" ? check(apiKey, "The option apiKey") : undefined,
      token: typeof authToken === "string" ? check(authToken, "The option authToken") : undefined,
    };
  }
  const key = environment(KEY_VARIABLE);
  if (key !== undefined) return { key: check(key, KEY_VARIABLE) };
  const token = environment(TOKEN_VARIABLE);
  if (token !== undefined) return { token: check(token, TOKEN_VARIABLE) };
  if (isLoopback(baseUrl)) return { key: "loopback" };
  throw new LoophostError(
    "missing_credentials",
    `There is no key for ${baseUrl.host}: pass the option apiKey, or set ${KEY_VARIABLE}.`,
  );
}

/** What can be sent in a header. Anything else is refused here, because `fetch` would quote it in its error. */
const SENDABLE = /^[\u0021-\u007e]+$/;

function check(value: string, name: string): string {
  const trimmed = value.trim();
  if (trimmed === "") {
    throw new LoophostError(
      "missing_credentials",
      `${name} is empty: give it a value, leave it out to use ${KEY_VARIABLE}, or pass null to send none.`,
    );
  }
  if (SENDABLE.test(trimmed)) return trimmed;
  throw new LoophostError("invalid_options", `${name} has characters that cannot be sent in a header.`);
}

function checkUrl(value: string): URL {
  if (isHttpAddress(value)) return new URL(value);
  // The value is not quoted: it may hold a password.
  throw new LoophostError(
    "invalid_options",
    "The base URL, from the option baseUrl or ANTHROPIC_BASE_URL, must be an http or https address without credentials.",
  );
}

function environment(name: string): string | undefined {
  // Not every runtime has a process.
  return globalThis.process?.env?.[name] || undefined;
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}
