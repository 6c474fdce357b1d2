/**
 * What a model service says when it does not do as asked, as errors of ours: refused outright, or in the middle of a
 * stream that began well.
 */

import { LoophostError } from "../errors.ts";
import type { ErrorDetails } from "../errors.ts";
import { isObject } from "../json.ts";
import { readRetryAfter } from "./retry-after.ts";

/** What refusals are told about the service. */
export interface ServiceLabel {
  readonly name: string;
  /** What to check when the service does not accept us, as a sentence. */
  readonly keyAdvice: string;
}

/** Reads a response that is not a success. The key is cut out of what the service says. */
export async function toRefusal(
  response: Response,
  service: ServiceLabel,
  key: string | undefined,
): Promise<LoophostError> {
  const { status, headers } = response;
  const text = await readStart(response.body);
  const problem = readProblem(hide(key, text));
  const word = headers.get("x-should-retry");
  return toError(status, `${service.name} answered ${status}${quote(problem)}${advise(status, service)}`, {
    hostCode: problem.code,
    requestId: headers.get("request-id") ?? headers.get("x-request-id") ?? undefined,
    retryAfterMs: readRetryAfter(headers),
    mayRetry: word === "true" ? true : word === "false" ? false : undefined,
  });
}

/** Reads an error the service reported inside a reply that had begun as a success. */
export function toStreamError(error: unknown, service: string): LoophostError {
  const problem = readProblem({ error });
  const code = isObject(error) ? error["code"] : undefined;
  const status = typeof code === "number" ? code : STATUS_OF[problem.code ?? ""];
  return toError(status, `${service} broke its reply off${quote(problem)}`, { hostCode: problem.code });
}

/** The statuses that go with error types, for errors that come without one. An unknown type is worth another try. */
const STATUS_OF: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  rate_limit_exceeded: 429,
  api_error: 500,
  server_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

const MAX_MESSAGE_CHARS = 500;
const MAX_BODY_BYTES = 64 * 1024;

interface Problem {
  readonly code: string | undefined;
  readonly message: string;
}

/** Finds type and message in the shapes services use: `{error: {...}}`, `{error: "..."}`, `{message}`, `{detail}`, text. */
function readProblem(body: unknown): Problem {
  if (typeof body === "string") {
    const parsed = parse(body);
    return parsed === undefined ? { code: undefined, message: body.trim() } : readProblem(parsed);
  }
  const outer = isObject(body) ? (body["error"] ?? body) : body;
  if (!isObject(outer)) return { code: undefined, message: typeof outer === "string" ? outer : "" };
  const details = isObject(outer["details"]) ? outer["details"] : {};
  // The most particular word first.
  const code = [details["error_code"], outer["code"], outer["type"]].find((word) => typeof word === "string");
  const message = [outer["message"], outer["detail"]].find((word) => typeof word === "string");
  return { code, message: message ?? "" };
}

function hide(key: string | undefined, text: string): string {
  // A stand-in key of a letter or two would tear words apart.
  return key === undefined || key.length < 8 ? text : text.replaceAll(key, "[key]");
}

function toError(status: number | undefined, message: string, details: ErrorDetails): LoophostError {
  const isRefusal = status !== undefined && status < 500;
  return new LoophostError(isRefusal ? "host_rejected" : "host_failed", message, { ...details, status });
}

function advise(status: number, { keyAdvice }: ServiceLabel): string {
  if (status === 401 || status === 403) return ` ${keyAdvice}`;
  return status === 404 ? " Check the model's name and baseUrl." : "";
}

function quote({ code, message }: Problem): string {
  const short = message.length > MAX_MESSAGE_CHARS ? `${message.slice(0, MAX_MESSAGE_CHARS)}…` : message;
  const said = short === "" ? "." : `: ${short}${/[.!?…]$/.test(short) ? "" : "."}`;
  return (code === undefined ? "" : ` (${code})`) + said;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The beginning of a body; an error page has no claim to more. */
async function readStart(body: ReadableStream<Uint8Array> | null): Promise<string> {
  let text = "";
  let bytes = 0;
  const decoder = new TextDecoder();
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) break;
  }
  return text;
}
