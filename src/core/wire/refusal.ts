/**
 * Turns refusals of a model service into typed errors: a status that is no success, or an error in the middle of a
 * stream that began well.
 */

import { LoophostError } from "../errors.ts";
import type { ErrorDetails } from "../errors.ts";
import { isObject } from "../json.ts";
import { readRetryAfter } from "./retry-after.ts";
import { hideSecrets } from "./secrets.ts";

/** What an error message names of the service. */
export interface ServiceLabel {
  readonly name: string;
  /** What to check when the service does not accept us, as a sentence. */
  readonly keyAdvice: string;
  /** What to check when it does not know what is asked for. Default: the model's name and `baseUrl`. */
  readonly notFoundAdvice?: string;
}

/**
 * Reads a response that is not a success. Keys are cut out of what the service says: proxies quote the requests they refuse.
 *
 * @param secrets the key, and whatever else went along that nobody may read
 */
export async function toRefusal(
  response: Response,
  service: ServiceLabel,
  secrets: readonly string[],
): Promise<LoophostError> {
  const { status, headers } = response;
  const text = await readStart(response.body);
  const problem = readProblem(hideSecrets(text, secrets));
  const word = headers.get("x-should-retry");
  const retryAfterMs = readRetryAfter(headers);
  const isFinal = word === "false" || (retryAfterMs === undefined && isHopeless(status, problem));
  return toError(status, `${service.name} answered ${status}${quote(problem)}${advise(status, service)}`, {
    hostCode: problem.code,
    requestId: headers.get("request-id") ?? headers.get("x-request-id") ?? undefined,
    retryAfterMs,
    mayRetry: word === "true" ? true : isFinal ? false : undefined,
  });
}

/**
 * Reads an error the service reported inside a reply that had begun as a success. One that says nothing known is transient:
 * the request had been taken, and what fails after that is the service.
 */
export function toStreamError(error: unknown, service: string): LoophostError {
  const problem = readProblem({ error });
  const words = isObject(error) ? [error["code"], error["status"], error["type"], problem.code] : [];
  const status = words.map(statusOf).find((known) => known !== undefined);
  const isKnownFinal = problem.words.some((word) => FINAL.test(word)) || TOO_LONG.test(problem.message);
  const isFinal = isHopeless(status ?? 429, problem) || (status === undefined && isKnownFinal);
  return toError(status, `${service} broke its reply off${quote(problem)}`, {
    hostCode: problem.code,
    mayRetry: isFinal ? false : undefined,
  });
}

/**
 * Finds an error in what a service sent as a success: `{error}`, or an error that is an object of its own.
 *
 * @param isReply whether it has what a reply has on this wire
 */
export function errorIn(sent: Record<string, unknown>, isReply: boolean): unknown {
  const { error, object, message, detail, code, type, base_resp } = sent;
  if (error !== undefined && error !== null && error !== false && error !== "") return error;
  // MiniMax says how it went beside each reply, and answers 200 whatever it says.
  if (isObject(base_resp) && typeof base_resp["status_code"] === "number" && base_resp["status_code"] !== 0)
    return { code: String(base_resp["status_code"]), message: base_resp["status_msg"] };
  const isError = object === "error" || type === "error";
  const looksLikeOne = typeof (message ?? detail) === "string" || code !== undefined;
  return isError || (!isReply && looksLikeOne && !isObject(message)) ? sent : undefined;
}

/** The HTTP status that a word of an error's stands for: a number, also as text, or a type that is known. */
function statusOf(word: unknown): number | undefined {
  const number = typeof word === "string" && /^\d{3}$/.test(word) ? Number(word) : word;
  if (typeof number === "number") return number >= 400 && number < 600 ? number : undefined;
  return typeof word === "string" ? STATUS_OF.get(word) : undefined;
}

/** The HTTP status of each error type, for errors that come without one. An unknown type counts as transient. */
const STATUS_OF: ReadonlyMap<string, number> = new Map([
  ["invalid_request_error", 400],
  ["BadRequestError", 400],
  ["context_length_exceeded", 400],
  ["authentication_error", 401],
  ["billing_error", 402],
  ["permission_error", 403],
  ["not_found_error", 404],
  ["request_too_large", 413],
  ["rate_limit_error", 429],
  ["rate_limit_exceeded", 429],
  ["api_error", 500],
  ["server_error", 500],
  ["timeout_error", 504],
  ["overloaded_error", 529],
]);

/** Codes of refusals that a retry does not mend, in the words services use. */
const FINAL =
  /invalid|bad.?request|not.?found|unauthori[sz]ed|forbidden|denied|unsupported|too.?(long|large)|context.?length/i;

/** What messages say of a prompt that does not fit the model. */
const TOO_LONG = /context.?(length|size|window)/i;

/** Codes of a 429 that waiting does not mend: what was paid for is used up, or a limit on spending is reached. */
const SPENT =
  /insufficient.?(quota|balance|funds|credits?)|credit.?balance|spend.?limit|billing|payment|overdue|exceeded_current_quota|account_?(deactivated|suspended)/i;
/** What messages say of it. Not "quota" or "billing": there are rate limits that speak of those. */
const SPENT_IN_WORDS = /insufficient (account )?(balance|funds|credits?)|余额不足|欠费/i;

function isHopeless(status: number | undefined, { words, message }: Problem): boolean {
  return status === 429 && (words.some((word) => SPENT.test(word)) || SPENT_IN_WORDS.test(message));
}

const NOT_FOUND_ADVICE = "Check the model's name and baseUrl.";
const MAX_MESSAGE_CHARS = 500;
const MAX_BODY_BYTES = 64 * 1024;

interface Problem {
  /** The most particular of the words. */
  readonly code: string | undefined;
  /** All that say of what kind it is. */
  readonly words: readonly string[];
  readonly message: string;
}

/** Finds type and message in the shapes services use: `{error: {...}}`, `{error: "..."}`, `{message}`, `{detail}`, text. */
function readProblem(body: unknown): Problem {
  if (typeof body === "string") {
    const parsed = parse(body);
    return parsed === undefined ? { code: undefined, words: [], message: body.trim() } : readProblem(parsed);
  }
  const outer = isObject(body) ? (body["error"] ?? body) : body;
  if (!isObject(outer))
    return { code: undefined, words: [], message: typeof outer === "string" ? outer : "" };
  const details = isObject(outer["details"]) ? outer["details"] : {};
  // The most particular word first.
  const words = [details["error_code"], outer["code"], outer["type"]].filter(
    (word) => typeof word === "string",
  );
  const message = [outer["message"], outer["detail"]].find((word) => typeof word === "string");
  return { code: words[0], words, message: message ?? "" };
}

function toError(status: number | undefined, message: string, details: ErrorDetails): LoophostError {
  const isRefusal = status !== undefined && status < 500;
  return new LoophostError(isRefusal ? "host_rejected" : "host_failed", message, { ...details, status });
}

function advise(status: number, { keyAdvice, notFoundAdvice = NOT_FOUND_ADVICE }: ServiceLabel): string {
  if (status === 401 || status === 403) return ` ${keyAdvice}`;
  return status === 404 ? ` ${notFoundAdvice}` : "";
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

/** The beginning of a body, bounded: an error page may be of any size. */
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
