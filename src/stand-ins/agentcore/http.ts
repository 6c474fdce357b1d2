/** Bodies of requests and answers, as JSON. */

import type { IncomingMessage, ServerResponse } from "node:http";

import { isObject } from "../../core/json.ts";
import { Refusal } from "./refusal.ts";

const MAX_BODY_BYTES = 100 * 1024 * 1024;

/** The whole body of a request. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request) {
    chunks.push(piece);
    bytes += piece.length;
    if (bytes > MAX_BODY_BYTES) throw new Error("The request is too large.");
  }
  return Buffer.concat(chunks);
}

/** The JSON object in a body. */
export function parse(body: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString());
    if (isObject(value)) return value;
  } catch {
    // Told below.
  }
  throw new Refusal(400, "ValidationException", "The body is no JSON object.", { reason: "CannotParse" });
}

/** Refuses a request, as the service does. */
export function refuse(response: ServerResponse, { status, type, message, extra }: Refusal): void {
  response.setHeader("x-amzn-errortype", type);
  sendJson(response, status, { message, ...extra });
}

/** Answers with JSON, or with no body. */
export function sendJson(response: ServerResponse, status: number, body: object | undefined): void {
  response.writeHead(status, { "content-type": "application/json", "x-amzn-requestid": crypto.randomUUID() });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}
