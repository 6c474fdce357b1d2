/**
 * The way to the service: the official SDK as transport, reached through a port smaller than it, so that any release of it
 * fits and a test can stand in for it.
 */

import { LoophostError } from "../../../core/errors.ts";
import { isObject } from "../../../core/json.ts";
import { USER_AGENT } from "../../../core/version.ts";
import { toHostError } from "./host-error.ts";
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
  download(path: string, signal?: AbortSignal): Promise<Uint8Array>;
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
      // Without its message, which would quote the beginning of the reply.
      if (thrown instanceof SyntaxError) throw notJson(`${method.toUpperCase()} ${path}`);
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
    download: (path, signal) =>
      request(
        "get",
        path,
        { signal },
        async (response) => new Uint8Array(await (await response.asResponse()).arrayBuffer()),
      ),
    stream: (path, query, signal, headers = {}) =>
      request("get", path, { query, headers, signal }, async (response) =>
        bodyOf(await response.asResponse()),
      ),
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
      ...(options.fetch && { fetch: options.fetch }),
    });
  };
  return { load, secrets };
}

function bodyOf(response: Response): ReadableStream<Uint8Array> {
  // An HTML page in place of a stream ends at once, and would be reconnected to until the run's timeout.
  if (response.headers.get("content-type")?.includes("text/html") === true) throw webPage(response.url);
  if (response.body !== null) return response.body;
  throw new LoophostError("host_protocol", "The host answered without a body.");
}

/**
 * An HTML page with status 200: a sign-in, a proxy, the wrong path. The query is left out of the error, since it may
 * hold secrets.
 */
function webPage(url: string): LoophostError {
  const where = url === "" ? "What was asked for" : url.replace(/[?#].*$/, "");
  return new LoophostError("host_protocol", `${where} is a web page, not the API. Check baseUrl.`);
}

function notJson(doing: string): LoophostError {
  return new LoophostError("host_protocol", `${doing}: the reply is not the JSON it claims to be.`);
}

/** Refuses a reply that is not a JSON object. */
async function asRecord(response: ClaudeResponse): Promise<Record<string, unknown>> {
  const { url } = await response.asResponse();
  const body = await response;
  if (isObject(body)) return body;
  const start = typeof body === "string" ? `: ${JSON.stringify(body.slice(0, 60))}` : "";
  if (typeof body === "string" && body.trimStart().startsWith("<")) throw webPage(url);
  throw new LoophostError(
    "host_protocol",
    `The host answered with something that is not a JSON object${start}. Check baseUrl.`,
  );
}

/**
 * The reply to an accepted post: a 2xx counts whatever its body says, since servers answer with 202 and nothing, or
 * with a word. A caller that needs an id from it looks it up in the history.
 */
async function asTaken(response: ClaudeResponse): Promise<Record<string, unknown>> {
  const reply = await response.asResponse();
  const said = await reply.text();
  if (said.trimStart().startsWith("<")) throw webPage(reply.url);
  try {
    const body: unknown = JSON.parse(said);
    return isObject(body) ? body : {};
  } catch {
    return {};
  }
}
