/** API keys: where they come from, and the headers they travel in. No key and no header value ever gets into an error. */

import { LoophostError, toLoophostError } from "../errors.ts";

/** A key, or a function asked for one before every request. */
export type ApiKey = string | (() => string | Promise<string>);

/**
 * Finds the key for a request: the option, else the environment variable, read now because it may be set late.
 *
 * @throws LoophostError `missing_credentials` when there is none, or an empty one
 */
export async function findApiKey(
  option: ApiKey | undefined,
  variable: string,
  service: string,
): Promise<string> {
  const key =
    typeof option === "function" ? await askForKey(option, service) : (option ?? environment(variable));
  if (typeof key === "string" && key.trim() !== "") return key.trim();
  const found = key === undefined ? "There is no API key" : "The API key is empty";
  throw new LoophostError(
    "missing_credentials",
    `${found} for ${service}. Pass the option apiKey, or set ${variable}.`,
  );
}

/**
 * Lays headers over each other, later ones over earlier ones of the same name.
 *
 * @throws LoophostError `invalid_options` naming a header whose value cannot be sent: fetch would quote the value
 */
export function toHeaders(...layers: readonly Readonly<Record<string, string>>[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const layer of layers) {
    for (const [name, value] of Object.entries(layer)) {
      if (!SENDABLE.test(value)) throw unsendable(name);
      headers[name.toLowerCase()] = value;
    }
  }
  return headers;
}

/** What a field value may consist of, by RFC 9110, section 5.5. */
const SENDABLE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;

function unsendable(name: string): LoophostError {
  return new LoophostError(
    "invalid_options",
    `The value of header "${name}" has characters that cannot be sent, such as a line break.`,
  );
}

async function askForKey(ask: () => string | Promise<string>, service: string): Promise<string> {
  try {
    return await ask();
  } catch (thrown) {
    throw toLoophostError(thrown, "missing_credentials", `The function apiKey gave no key for ${service}`);
  }
}

function environment(variable: string): string | undefined {
  // Not every runtime has a process.
  return globalThis.process?.env?.[variable];
}
