/**
 * Authentication: clients need the key, and a host without one refuses requests that a web page made a browser send
 * (CSRF, DNS rebinding).
 */

import { createHash, timingSafeEqual } from "node:crypto";

import { Refusal } from "./errors.ts";

/** The keys a request carries: its `Authorization: Bearer` and its `x-api-key`. */
export function keysOf(headers: Headers): readonly string[] {
  const bearer = headers.get("authorization")?.match(/^Bearer +(.+)$/i)?.[1];
  return [bearer, headers.get("x-api-key")].filter((key) => key !== undefined && key !== null);
}

/** Makes a check whether the host's key is among those of a request. Without a key everybody passes. */
export function keyCheck(apiKey: string | undefined): (keys: readonly string[]) => boolean {
  if (apiKey === undefined) return () => true;
  const expected = digestOf(apiKey);
  return (keys) => keys.some((key) => timingSafeEqual(digestOf(key), expected));
}

/** Refuses a request that carries no key of ours. */
export function unknownKey(): Refusal {
  return new Refusal(
    "authentication_error",
    "The key is missing or wrong. Send it as Authorization: Bearer or as x-api-key.",
  );
}

/** Keys are compared by digest: constant time, and no difference in length leaks. */
export function digestOf(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

/** Whether a host name can only be reached from this machine. */
export function isLoopback(hostname: string): boolean {
  return ["localhost", "127.0.0.1", "::1", "[::1]"].includes(hostname);
}

/**
 * Refuses cross-site requests of browsers on this machine: to a host name that was made to point here (DNS rebinding),
 * or from another site (CSRF).
 */
export function checkIsLocal(headers: Headers): void {
  const host = headers.get("host");
  const origin = headers.get("origin");
  if (host === null || !isOnLoopback(`http://${host}`))
    throw new Refusal(
      "permission_error",
      "This host answers to localhost only. Use http://127.0.0.1 or http://localhost.",
    );
  // Images and links are sent without an origin; browsers mark them only as cross-site.
  const isOurs = origin === null ? headers.get("sec-fetch-site") !== "cross-site" : isOnLoopback(origin);
  if (!isOurs)
    throw new Refusal("permission_error", "This host takes no requests from web pages of other sites.");
}

function isOnLoopback(url: string): boolean {
  return URL.canParse(url) && isLoopback(new URL(url).hostname);
}
