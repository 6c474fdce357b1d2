/**
 * Redacts recordings of real services before they are written, and refuses to write what still leaks. The rules are
 * versioned, so that files written by older ones are known.
 */

/** Raised with every change of the rules. */
export const REDACTION_VERSION = 1;

/** Keys whose values are secrets, in whatever case; exact, so that `modelId` or `tokens` survive. */
const SECRET_KEYS: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "x-api-key",
  "api-key",
  "apikey",
  "api_key",
  "accesskeyid",
  "secretaccesskey",
  "sessiontoken",
  "x-amz-security-token",
  "password",
  "secret",
  "token",
  "access_token",
  "refresh_token",
  "cookie",
  "set-cookie",
]);
/** Keys whose values tell who the account is. */
const ID_KEYS: ReadonlySet<string> = new Set([
  "request_id",
  "request-id",
  "requestid",
  "organization_id",
  "anthropic-organization-id",
  "workspace_id",
  "accountid",
  "userid",
  "runtimeuserid",
  "actorid",
]);
const BEARER = /Bearer\s+[\w.~+/=-]+/gi;
const ACCOUNT = /(?<![\w-])\d{12}(?![\w-])/g;
const KEYS = /\b(?:sk-[\w-]{8,}|(?:AKIA|ASIA)[A-Z0-9]{16})\b/g;

/** Takes secrets, account numbers and ids of accounts out of JSON; all else stays as it is. */
export function redact(value: unknown, secrets: readonly string[] = []): unknown {
  const clean = (text: string): string => {
    let left = text;
    for (const secret of secrets) if (secret.length >= 6) left = left.replaceAll(secret, "[secret]");
    return left
      .replaceAll(BEARER, "Bearer [secret]")
      .replaceAll(KEYS, "[secret]")
      .replaceAll(ACCOUNT, "000000000000");
  };
  const walk = (part: unknown, key: string): unknown => {
    const name = key.toLowerCase();
    if (SECRET_KEYS.has(name) && part !== null && part !== undefined) return "[secret]";
    if (ID_KEYS.has(name) && typeof part === "string") return "[id]";
    if (typeof part === "string") return clean(part);
    if (Array.isArray(part)) return part.map((item) => walk(item, ""));
    if (typeof part !== "object" || part === null) return part;
    return Object.fromEntries(
      Object.entries(part).map(([name_, inner]) => [clean(name_), walk(inner, name_)]),
    );
  };
  return walk(value, "");
}

const LEAKS: readonly (readonly [what: string, pattern: RegExp])[] = [
  ["a bearer token", /Bearer\s+(?!\[secret\])[\w.~+/=-]{8,}/i],
  ["an AWS key id", /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/],
  ["an API key", /\bsk-[\w-]{16,}\b/],
  ["an account number", /\barn:aws[\w-]*:[^:\s"]*:[^:\s"]*:(?!000000000000)\d{12}:/],
];

/** The kinds of secrets that are still in a text, never their values. */
export function leaksIn(text: string, secrets: readonly string[] = []): string[] {
  const found = LEAKS.flatMap(([what, pattern]) => (pattern.test(text) ? what : []));
  if (secrets.some((secret) => secret.length >= 6 && text.includes(secret)))
    found.push("a key of this machine");
  return found;
}
