/** Cuts keys out of what a service says: proxies quote the requests they refuse, and an error is printed and logged. */

/** The text with `[key]` in place of each secret. */
export function hideSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce(hideOne, text);
}

function hideOne(text: string, secret: string): string {
  // A stand-in key of a letter or two would tear words apart.
  return secret.length < 8 ? text : text.replaceAll(secret, "[key]");
}
