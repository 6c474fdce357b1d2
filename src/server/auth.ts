/** Who may talk to the host: those with the key, and, on this machine, only those who meant to. */

import { createHash, timingSafeEqual } from "node:crypto";

import { Refusal } from "./errors.ts";

/** Makes a check for the key, as `Authorization: Bearer` or as `x-api-key`. Without a key everybody passes. */
export function keyCheck(apiKey: string | undefined): (headers: Headers) => void {
  if (apiKey === undefined) return () => undefined;
  const expected = digest(apiKey);
  return (headers) => {
    const bearer = headers.get("authorization")?.match(/^Bearer +(.+)$/i)?.[1];
    const given = [bearer, headers.get("x-api-key")];
    // Digests, so that neither the time taken nor a difference in length tells anything about the key.
    const fits = given.some(
      (key) => key !== null && key !== undefined && timingSafeEqual(digest(key), expected),
    );
    if (!fits)
      throw new Refusal(
        "authentication_error",
        "The key is missing or wrong. Send it as Authorization: Bearer or as x-api-key.",
      );
  };
}

/** Whether a host name can only be reached from this machine. */
export function isLoopback(hostname: string): boolean {
  return ["localhost", "127.0.0.1", "::1", "[::1]"].includes(hostname);
}

/**
 * Refuses requests a web page made this machine's browser send: those to a name that was made to point here (DNS
 * rebinding), and those from another site.
 */
export function checkIsLocal(headers: Headers): void {
  const host = headers.get("host");
  const origin = headers.get("origin");
  if (host === null || !isOnLoopback(`http://${host}`))
    throw new Refusal(
      "permission_error",
      "This host answers to localhost only. Use http://127.0.0.1 or http://localhost.",
    );
  if (origin !== null && !isOnLoopback(origin))
    throw new Refusal("permission_error", "This host takes no requests from web pages of other sites.");
}

function isOnLoopback(url: string): boolean {
  return URL.canParse(url) && isLoopback(new URL(url).hostname);
}

function digest(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
