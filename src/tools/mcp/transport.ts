/** How an MCP server is reached: a process over its standard input and output, or an address over HTTP. */

import type { Client } from "@modelcontextprotocol/sdk/client/index.js";

import { contained } from "../../core/async/contained.ts";
import { systemClock } from "../../core/clock.ts";
import { LoophostError } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";
import { isHttpAddress } from "../../core/wire/address.ts";
import { hideSecrets, secretsIn, withoutSecrets } from "../../core/wire/secrets.ts";
import type { HttpServer, StdioServer } from "./connection.ts";
import { boundedFetch, messageTooLarge } from "./message-size.ts";

/** How a server that has just been told to stop is waited for; the SDK kills it after four seconds. */
const MAX_EXIT_MS = 6_000;
const MAX_GOODBYE_MS = 2_000;

/** A transport, and what there is to know about the server at its end. */
export interface Line {
  readonly transport: Parameters<Client["connect"]>[0];
  readonly close: (client: Client) => Promise<void>;
  /** Whether an error says that the server has forgotten the session. */
  readonly isGone: (thrown: unknown) => boolean;
  /** Whether a request failed because the server sent too much, and then the error that says so. */
  readonly tooMuch: (thrown: unknown) => LoophostError | undefined;
  /** The last lines the server wrote to its standard error. */
  readonly lastWords: () => string;
  /** The error without the credentials that the server was given: servers and proxies quote the requests they refuse. */
  readonly withoutSecrets: (thrown: unknown) => unknown;
}

/** The bound of the SDK, which copies what it has of a line with each piece that comes. */
const MAX_LINE_BYTES = 10 * 1024 * 1024;
/** A number for our own error among those the protocol leaves to implementations. */
const TOO_MUCH = -32_099;
const MAX_STDERR_CHARS = 2_000;
const MAX_STDERR_LINES = 5;

/** Starts a process. */
export async function overStdio(server: StdioServer): Promise<Line> {
  const { command, args = [], env = {}, cwd, onStderr } = server;
  const { StdioClientTransport } = await load(import("@modelcontextprotocol/sdk/client/stdio.js"));
  const transport = new StdioClientTransport({
    command,
    args: [...args],
    env: { ...env },
    stderr: "pipe",
    maxBufferSize: MAX_LINE_BYTES,
    ...(cwd === undefined ? {} : { cwd }),
  });
  const secrets = Object.entries(env).flatMap(([variable, value]) =>
    SECRET_NAME.test(variable) ? (value ?? []) : [],
  );
  let stderr = "";
  transport.stderr?.on("data", (chunk: unknown) => {
    stderr = `${stderr}${String(chunk)}`.slice(-MAX_STDERR_CHARS);
    // Contained: thrown in an event of a stream it would end the process.
    contained(() => onStderr?.(String(chunk)));
  });
  const exited = Promise.withResolvers<void>();
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- a transport has no other way to tell
  transport.onclose = exited.resolve;
  let tooMuch: LoophostError | undefined;
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- as above; what follows is that the transport closes
  transport.onerror = ({ message }) => {
    if (/exceeded maximum size/.test(message)) tooMuch = messageTooLarge(server.name, MAX_LINE_BYTES);
  };
  return {
    transport,
    close: async (client) => {
      await client.close();
      // The client may have been closing already, and then does not wait.
      await atMost(MAX_EXIT_MS, exited.promise);
    },
    isGone: () => false,
    tooMuch: () => tooMuch,
    lastWords: () => hideSecrets(stderr.trim().split("\n").slice(-MAX_STDERR_LINES).join("\n"), secrets),
    withoutSecrets: (thrown) => withoutSecrets(thrown, secrets),
  };
}

/** Variables that hold credentials, by their names: what else is in `env` is rather needed to understand an error. */
const SECRET_NAME: RegExp = /key|token|secret|passw|auth|cred/i;

/** Speaks to an address. */
export async function overHttp({ name, url, headers = {}, fetch: send = fetch }: HttpServer): Promise<Line> {
  const { StreamableHTTPClientTransport, StreamableHTTPError } = await load(
    import("@modelcontextprotocol/sdk/client/streamableHttp.js"),
  );
  const address = toUrl(url, name);
  const secrets = secretsIn(headers, url);
  const transport = new StreamableHTTPClientTransport(address, {
    requestInit: { headers: toHeaders(headers, name) },
    fetch: boundedFetch(send, name, (id, why) => {
      const error = { code: TOO_MUCH, message: why.message, data: why };
      if (typeof id === "number") transport.onmessage?.({ jsonrpc: "2.0", id, error });
    }),
  });
  return {
    transport,
    close: async (client) => {
      await atMost(MAX_GOODBYE_MS, transport.terminateSession());
      await client.close();
    },
    isGone: (thrown) => thrown instanceof StreamableHTTPError && thrown.code === 404,
    tooMuch: (thrown) =>
      isObject(thrown) && thrown["data"] instanceof LoophostError ? thrown["data"] : undefined,
    lastWords: () => "",
    withoutSecrets: (thrown) => withoutSecrets(thrown, secrets),
  };
}

/** Loads a part of the SDK, which need not be there. */
export async function load<T>(loading: Promise<T>): Promise<T> {
  try {
    return await loading;
  } catch (cause) {
    throw new LoophostError(
      "missing_dependency",
      "mcpTools() needs the package @modelcontextprotocol/sdk: npm install @modelcontextprotocol/sdk",
      { cause },
    );
  }
}

function toUrl(url: string, name: string): URL {
  if (isHttpAddress(url)) return new URL(url);
  // The value is not quoted: it may hold a password.
  throw new LoophostError(
    "invalid_options",
    `MCP server "${name}": url must be an http or https address without credentials, which go into headers.`,
  );
}

function toHeaders(headers: Readonly<Record<string, string>>, name: string): Headers {
  const checked = new Headers();
  for (const [header, value] of Object.entries(headers)) {
    try {
      checked.set(header, value);
    } catch {
      // The original error quotes the value, which may be a secret.
      throw new LoophostError(
        "invalid_options",
        `MCP server "${name}": the header ${JSON.stringify(header)} has characters that cannot be sent.`,
      );
    }
  }
  return checked;
}

/** Waits for something, whatever becomes of it, but not for long. */
async function atMost(ms: number, something: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const cancel = systemClock.after(ms, late.resolve);
  await Promise.race([something.catch(() => undefined), late.promise]);
  cancel();
}
