/** Requests to Restate: its ingress, where sessions are woken, and its admin API, where workers are registered. */

import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:http";
import { Agent as TlsAgent, request as requestByTls } from "node:https";

import { LoophostError, messageOf } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import { byteLimit } from "../../core/wire/body.ts";
import { toRefusal } from "../../core/wire/refusal.ts";
import { secretsIn, withoutSecrets } from "../../core/wire/secrets.ts";
import type { RestateSettings } from "./options.ts";

/**
 * A connection pool, with a bound: fetch() opens a connection for each request under way, a thousand of them for a thousand messages
 * sent at once, at some 100 KB each and twice the CPU.
 */
const POOL = {
  keepAlive: true,
  maxSockets: 32,
  /** Milliseconds a connection is kept that is idle. */
  timeout: 4_000,
  // As fetch() does, where Node is told to go through a proxy.
  proxyEnv: process.env["NODE_USE_ENV_PROXY"] === "1" ? process.env : undefined,
};
const BY_PROTOCOL = {
  "http:": { request, agent: new Agent(POOL) },
  "https:": { request: requestByTls, agent: new TlsAgent(POOL) },
};

/** Something asked of Restate. */
export interface Question {
  readonly method: "GET" | "POST";
  readonly url: URL;
  readonly body?: Json | undefined;
  /** Headers besides those of the settings. */
  readonly along?: Readonly<Record<string, string>> | undefined;
}

/**
 * Asks Restate; resolves with its answer as text once it has done it, which is durable there.
 *
 * @throws LoophostError `host_unreachable` when there is no answer in time, `host_rejected` or `host_failed` for a refusal
 */
export async function ask(
  settings: RestateSettings,
  { method, url, body, along }: Question,
): Promise<string> {
  const { headers, timeoutMs } = settings;
  const by = BY_PROTOCOL[url.protocol === "https:" ? "https:" : "http:"];
  const text = body === undefined ? "" : JSON.stringify(body);
  const sent = {
    ...headers,
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    ...along,
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const reply = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = by.request(url, { method, agent: by.agent, headers: sent }, resolve);
      asked.on("error", reject).end(text);
      // The time it waits for a connection is part of it.
      timer = setTimeout(() => asked.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    });
    // Read, or the connection is not free for the next request. One that breaks meanwhile leaves the status to go by.
    const said = await readAll(reply).catch(() => "");
    const { statusCode: status = 0 } = reply;
    if (status >= 200 && status < 300) return said;
    throw await toRefusal(new Response(said === "" ? null : said, { status }), RESTATE, secretsOf(settings));
  } catch (thrown) {
    if (thrown instanceof LoophostError) throw thrown;
    const cause = withoutSecrets(thrown, secretsOf(settings));
    const message = `Restate at ${url.host} did not answer: ${messageOf(cause)}.`;
    throw new LoophostError("host_unreachable", message, { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** Reads a reply to its end, or ends the connection of one that has too many bytes. */
async function readAll(reply: IncomingMessage): Promise<string> {
  const count = byteLimit(MAX_REPLY_BYTES, RESTATE.name);
  let text = "";
  for await (const chunk of reply.setEncoding("utf8")) {
    count(chunk.length);
    text += chunk;
  }
  return text;
}

/** An address below another, whose own path is kept. */
export function below(base: string, path: string): URL {
  return new URL(path, base.endsWith("/") ? base : `${base}/`);
}

const MAX_REPLY_BYTES = 1024 * 1024;

const RESTATE = {
  name: "Restate",
  keyAdvice: "Check the headers of restateEngine().",
  notFoundAdvice:
    "Register the address of the workers: restate deployments register, or restateEngine({ admin }).",
};

/** By the addresses as they were given: what is put behind them, such as a session's id, is no secret. */
function secretsOf({ headers, ingress, admin = ingress }: RestateSettings): readonly string[] {
  return [...secretsIn(headers, ingress), ...secretsIn({}, admin)];
}
