/** Digests of definitions: what is equal gets the same name, on every machine. */

/** The SHA-256 of some JSON, as lower-case hex. */
export async function digestOf(definition: unknown): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(definition));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
