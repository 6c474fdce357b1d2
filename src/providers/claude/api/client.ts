/**
 * The way to the service: the official SDK as transport, reached through a port smaller than it, so that any release of it
 * fits and a test can stand in for it.
 */

import { LoophostError } from "../../../core/errors.ts";
import { USER_AGENT } from "../../../core/version.ts";
import { toHostError } from "./host-error.ts";
import { asBytes, asRecord, asStream, asTaken, boundedErrors } from "./reply.ts";
import type { ClaudeConnectionOptions } from "./settings.ts";
import { findAccess } from "./settings.ts";

/** What is used of an `Anthropic` client of `@anthropic-ai/sdk`. */
export interface ClaudeTransport {
  get(path: string, options?: RequestOptions): ClaudeResponse;
  post(path: string, options?: RequestOptions): ClaudeResponse;
  delete(path: string, options?: RequestOptions): ClaudeResponse;
}

interface ClaudeResponse extends PromiseLike<unknown> {
  asResponse(): Promise<Response>;
}

interface RequestOptions {
  readonly query?: Record<string, unknown>;
  readonly body?: unknown;
  readonly headers?: Record<string, string | null>;
  readonly signal?: AbortSignal | undefined;
  readonly maxRetries?: number;
  readonly fetchOptions?: Record<string, unknown>;
}

/**
 * The service's API, with errors typed.
 *
 * Nothing is retried in here: a repeated POST would be a second message or a second session. Who may repeat what is
 * decided by the callers.
 */
export interface ClaudeApi {
  get(path: string, query?: Record<string, unknown>, signal?: AbortSignal): Promise<Record<string, unknown>>;
  post(
    path: string,
    body?: unknown,
    signal?: AbortSignal,
    headers?: Record<string, string>,
  ): Promise<Record<string, unknown>>;
  delete(path: string, signal?: AbortSignal): Promise<Record<string, unknown>>;
  upload(path: string, form: FormData, signal?: AbortSignal): Promise<Record<string, unknown>>;
  /** Uploads a body of that content type as it is read, which may be done once. */
  uploadStream(
    path: string,
    body: ReadableStream<Uint8Array>,
    contentType: string,
    signal?: AbortSignal,
  ): Promise<Record<string, unknown>>;
  /** Rejects with `reply_too_large` for more than `maxBytes`. */
  download(path: string, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** Resolves with the bytes as they come, once the reply begins. */
  downloadStream(path: string, signal?: AbortSignal): Promise<ReadableStream<Uint8Array>>;
  stream(
    path: string,
    query: Record<string, unknown>,
    signal: AbortSignal,
    headers?: Record<string, string>,
  ): Promise<ReadableStream<Uint8Array>>;
}

/**
 * Connects to the service. The SDK is loaded with the first request, which rejects with `missing_dependency` without it.
 *
 * @throws LoophostError `missing_credentials` or `invalid_options`, as `findAccess` does
 */
export function connectClaude(connection: ClaudeConnectionOptions): ClaudeApi {
  const { load, secrets } =
    connection.client === undefined ? ownClient(connection) : given(connection.client);
  let client: Promise<ClaudeTransport> | undefined;

  const request = async <T>(
    method: "get" | "post" | "delete",
    path: string,
    options: RequestOptions,
    read: (response: ClaudeResponse) => PromiseLike<T>,
  ): Promise<T> => {
    try {
      const sender = await (client ??= load());
      const headers = { ...commonHeaders(connection, method, path), ...options.headers };
      return await read(sender[method](path, { ...options, headers, maxRetries: 0 }));
    } catch (thrown) {
      throw toHostError(thrown, `${method.toUpperCase()} ${path}`, secrets);
    }
  };
  return {
    get: (path, query = {}, signal) => request("get", path, { query, signal }, asRecord),
    post: (path, body, signal, headers = {}) => request("post", path, { body, signal, headers }, asTaken),
    delete: (path, signal) => request("delete", path, { signal }, asTaken),
    upload: (path, body, signal) => request("post", path, { body, signal }, asTaken),
    uploadStream: (path, body, contentType, signal) =>
      request(
        "post",
        path,
        {
          body,
          headers: { "content-type": contentType },
          signal,
          // With any other mode Node's fetch buffers the whole body, to send it again after a redirect.
          fetchOptions: { redirect: "error" },
        },
        asTaken,
      ),
    downloadStream: (path, signal) =>
      request(
        "get",
        path,
        { signal },
        async (response) => (await response.asResponse()).body ?? new Blob([]).stream(),
      ),
    download: (path, maxBytes, signal) =>
      request("get", path, { signal }, (response) => asBytes(response, maxBytes)),
    stream: (path, query, signal, headers = {}) => request("get", path, { query, headers, signal }, asStream),
  };
}

const BETA = "managed-agents-2026-04-01";
const FILES_BETA = "files-api-2025-04-14";

/** An upload is refused with the other beta, a listing by session without it. */
function commonHeaders(
  { beta = BETA, filesBeta = FILES_BETA, version }: ClaudeConnectionOptions,
  method: string,
  path: string,
): Record<string, string | null> {
  const isFile = path.startsWith("/v1/files");
  const betas = [isFile && method === "post" ? null : beta, isFile ? filesBeta : null];
  const named = betas.filter((name) => name !== null && name !== "");
  return {
    "anthropic-beta": named.length === 0 ? null : named.join(","),
    ...(version !== undefined && { "anthropic-version": version }),
  };
}

interface ClientSource {
  readonly load: () => Promise<ClaudeTransport>;
  /** Secrets to redact from errors. */
  readonly secrets: readonly string[];
}

function given(
  client: ClaudeTransport & { readonly apiKey?: unknown; readonly authToken?: unknown },
): ClientSource {
  const secrets = [client.apiKey, client.authToken].filter((secret) => typeof secret === "string");
  return { load: async () => client, secrets };
}

function ownClient(options: ClaudeConnectionOptions): ClientSource {
  const { baseUrl, headers, secrets } = findAccess(options);
  const load = async () => {
    const { Anthropic } = await import("@anthropic-ai/sdk").catch((cause: unknown) => {
      throw new LoophostError(
        "missing_dependency",
        "claude() needs the package @anthropic-ai/sdk: npm install @anthropic-ai/sdk",
        { cause },
      );
    });
    return new Anthropic({
      baseURL: baseUrl,
      // Without a key the SDK would search the user's profiles for one and send that; the headers are what counts.
      apiKey: "unused",
      defaultHeaders: { "user-agent": USER_AGENT, ...headers },
      // A redirect would take the key along. Told "error", fetch hides it behind a failure that looks like a lost connection.
      fetchOptions: { redirect: "manual" },
      fetch: boundedErrors(options.fetch ?? globalThis.fetch),
    });
  };
  return { load, secrets };
}
