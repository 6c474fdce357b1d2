/** Addresses that users give: checked when they are given, since `fetch` refuses some of them late, quotes them, and is asked again. */

/**
 * Whether `fetch` can be sent there: http or https, without a user and a password, which it refuses and would quote. An address
 * without its scheme, such as `localhost:11434/v1`, is a URL too: of the scheme "localhost".
 */
export function isHttpAddress(value: unknown): value is string {
  const url = typeof value === "string" ? URL.parse(value) : null;
  return url !== null && /^https?:$/.test(url.protocol) && url.username + url.password === "";
}
