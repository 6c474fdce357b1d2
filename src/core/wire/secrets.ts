/** Redacts keys from what a service says: proxies quote the requests they refuse, and errors are printed and logged. */

import { messageOf } from "../errors.ts";
import { isObject } from "../json.ts";

/** The text with `[key]` in place of each secret. */
export function hideSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce(hideOne, text);
}

function hideOne(text: string, secret: string): string {
  // A placeholder key of a few letters would match parts of ordinary words.
  return secret.length < 8 ? text : text.replaceAll(secret, "[key]");
}

/** The error itself, or a copy in other words where a secret is anywhere a printed error would show it. */
export function withoutSecrets(thrown: unknown, secrets: readonly string[]): unknown {
  if (secrets.length === 0 || !mentions(thrown, secrets)) return thrown;
  const copy = new Error(hideSecrets(messageOf(thrown), secrets));
  if (!(thrown instanceof Error)) return copy;
  copy.name = thrown.name;
  copy.stack = hideSecrets(thrown.stack ?? "", secrets);
  return copy;
}

function mentions(thrown: unknown, secrets: readonly string[], depth = 0): boolean {
  if (!isObject(thrown) || depth > 8) return false;
  const { message, stack, cause, headers } = thrown;
  const shown = headers instanceof Headers ? [...headers] : [];
  try {
    const text = JSON.stringify([message, stack, { ...thrown, cause: undefined }, shown]);
    return hideSecrets(text, secrets) !== text || mentions(cause, secrets, depth + 1);
  } catch {
    return true;
  }
}

/** What of a request must not be read back in an error: every header but those that say what is sent, and keys in the address. */
export function secretsIn(headers: Readonly<Record<string, string>>, url: string): readonly string[] {
  const { pathname, searchParams } = new URL(url);
  return [
    ...Object.entries(headers).flatMap(([name, value]) =>
      OPEN_HEADERS.has(name.toLowerCase()) ? [] : [value, value.replace(/^\w+ +/, "")],
    ),
    ...searchParams.values(),
    // Some services put the key into the path; words are shorter.
    ...pathname.split("/").filter(({ length }) => length >= 16),
  ];
}

const OPEN_HEADERS: ReadonlySet<string> = new Set([
  "accept",
  "anthropic-beta",
  "anthropic-version",
  "content-type",
  "user-agent",
]);
