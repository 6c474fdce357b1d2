/**
 * The way to the service: the official SDK as transport, reached through a port smaller than it, so that any release of it
 * fits and a test can stand in for it.
 */

import { LoophostError, messageOf } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";

/** What is used of an `Anthropic` client of `@anthropic-ai/sdk`. */
export interface ClaudeClient {
  get(path: string, options?: RequestOptions): ClaudeResponse;
  post(path: string, options?: RequestOptions): ClaudeResponse;
}

interface ClaudeResponse extends PromiseLike<unknown> {
  asResponse(): Promise<Response>;
}

interface RequestOptions {
  readonly query?: Record<string, unknown>;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
  readonly maxRetries?: number;
}

/** How the service is reached. */
export interface ClaudeConnectionOptions {
  /** A ready client of `@anthropic-ai/sdk`; the options below are then not used. */
  readonly client?: ClaudeClient | undefined;
  /** Default: the environment variable ANTHROPIC_API_KEY. Not needed on a loopback base URL. */
  readonly apiKey?: string | undefined;
  /** Any server that speaks the Claude Managed Agents wire. Default: ANTHROPIC_BASE_URL, else the real service. */
  readonly baseUrl?: string | undefined;
  /** How the key is sent: servers differ. Default "both". */
  readonly auth?: "bearer" | "x-api-key" | "both" | undefined;
  readonly fetch?: typeof fetch | undefined;
}

const BETA = "managed-agents-2026-04-01";
const REAL_SERVICE = "https://api.anthropic.com";

/**
 * The service's API, with errors typed.
 *
 * Nothing is retried in here: a repeated POST would be a second message or a second session. Who may repeat what is
 * decided by the callers.
 */
export interface ClaudeApi {
  get(path: string, query?: Record<string, unknown>, signal?: AbortSignal): Promise<Record<string, unknown>>;
  post(path: string, body: unknown, signal?: AbortSignal): Promise<Record<string, unknown>>;
  stream(
    path: string,
    query: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>>;
}

/**
 * Connects to the service.
 *
 * @throws LoophostError `missing_dependency` without the SDK, `missing_credentials` without a key
 */
export async function connectClaude(options: ClaudeConnectionOptions): Promise<ClaudeApi> {
  const client = options.client ?? (await makeClient(options));
  const headers = { "anthropic-beta": BETA };
  return {
    get: (path, query = {}, signal) =>
      ask(`GET ${path}`, () =>
        client.get(path, { query, headers, maxRetries: 0, ...(signal && { signal }) }),
      ).then(asRecord),
    post: (path, body, signal) =>
      ask(`POST ${path}`, () =>
        client.post(path, { body, headers, maxRetries: 0, ...(signal && { signal }) }),
      ).then(asRecord),
    stream: async (path, query, signal) => {
      const response = await ask(`GET ${path}`, () =>
        client.get(path, { query, headers, signal, maxRetries: 0 }).asResponse(),
      );
      if (response.body === null)
        throw new LoophostError("host_protocol", `GET ${path} answered without a body.`);
      return response.body;
    },
  };
}

async function ask<T>(doing: string, request: () => PromiseLike<T>): Promise<T> {
  try {
    return await request();
  } catch (thrown) {
    throw toHostError(thrown, doing);
  }
}

async function makeClient(options: ClaudeConnectionOptions): Promise<ClaudeClient> {
  const { auth = "both", fetch } = options;
  const baseUrl = options.baseUrl ?? (fromEnvironment("ANTHROPIC_BASE_URL") || REAL_SERVICE);
  const apiKey =
    options.apiKey || fromEnvironment("ANTHROPIC_API_KEY") || (isLoopback(baseUrl) ? "loopback" : undefined);
  if (apiKey === undefined) {
    throw new LoophostError(
      "missing_credentials",
      `claude() has no key for ${new URL(baseUrl).host}: pass apiKey, or set ANTHROPIC_API_KEY.`,
    );
  }
  const { Anthropic } = await import("@anthropic-ai/sdk").catch((cause: unknown) => {
    throw new LoophostError(
      "missing_dependency",
      "claude() needs the package @anthropic-ai/sdk: npm install @anthropic-ai/sdk",
      { cause },
    );
  });
  return new Anthropic({
    baseURL: baseUrl,
    apiKey: null,
    authToken: null,
    defaultHeaders: {
      ...(auth === "x-api-key" ? {} : { authorization: `Bearer ${apiKey}` }),
      ...(auth === "bearer" ? {} : { "x-api-key": apiKey }),
    },
    ...(fetch && { fetch }),
  });
}

/** The typed error for anything a request threw. The SDK's error classes are told apart by their fields alone. */
export function toHostError(thrown: unknown, doing: string): LoophostError {
  if (thrown instanceof LoophostError) return thrown;
  const { status, requestID, type, errorCode, headers } = isObject(thrown) ? thrown : {};
  const details = {
    cause: thrown,
    requestId: typeof requestID === "string" ? requestID : undefined,
    hostCode: typeof errorCode === "string" ? errorCode : typeof type === "string" ? type : undefined,
  };
  if (typeof status !== "number")
    return new LoophostError("host_unreachable", `${doing}: ${messageOf(thrown)}`, details);
  const retryAfter =
    headers instanceof Headers
      ? Number(headers.get("retry-after-ms") ?? Number(headers.get("retry-after")) * 1_000)
      : 0;
  return new LoophostError(
    status >= 500 ? "host_failed" : "host_rejected",
    `${doing}: ${messageOf(thrown)}`,
    {
      ...details,
      status,
      retryAfterMs: retryAfter > 0 ? retryAfter : undefined,
    },
  );
}

function asRecord(body: unknown): Record<string, unknown> {
  if (isObject(body)) return body;
  throw new LoophostError("host_protocol", "The host answered with something that is not a JSON object.");
}

/** An environment variable that is set and not empty, on runtimes that have them. */
function fromEnvironment(name: string): string | undefined {
  return globalThis.process?.env?.[name] || undefined;
}

function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}
