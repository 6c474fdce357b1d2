/** The token a worker gets with an item of work: good for that item and for its session, known here by its digest only. */

import { randomBytes, timingSafeEqual } from "node:crypto";

import { digestOf } from "../http/auth.ts";

/** A new token, in the forms it is needed in. */
export interface WorkToken {
  /** What the worker is given: base64url of a JSON document with the token in it. */
  readonly secret: string;
  readonly digest: string;
}

/** Makes a token. */
export function newWorkToken(): WorkToken {
  const token = `work_token_${randomBytes(32).toString("base64url")}`;
  const secret = Buffer.from(JSON.stringify({ sessions_token: token })).toString("base64url");
  return { secret, digest: digestOf(token).toString("hex") };
}

/** Whether a key is the token of a digest. Takes the same time whether it is or not. */
export function isToken(key: string, digest: string): boolean {
  return timingSafeEqual(digestOf(key), Buffer.from(digest, "hex"));
}
