/** Redacts keys from what a service says: proxies quote the requests they refuse, and errors are printed and logged. */

/** The text with `[key]` in place of each secret. */
export function hideSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce(hideOne, text);
}

function hideOne(text: string, secret: string): string {
  // A placeholder key of a few letters would match parts of ordinary words.
  return secret.length < 8 ? text : text.replaceAll(secret, "[key]");
}
