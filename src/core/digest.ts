/** Digests of definitions: what is equal gets the same name, on every machine. */

import type { Agent } from "./agent.ts";

/** The SHA-256 of some JSON, as lower-case hex. */
export async function digestOf(definition: unknown): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(definition));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What an agent is to a model: instructions, model, tools as shown, output. Its name and limits are not part of it. */
export function agentDigest({ instructions, model, tools, output }: Agent): Promise<string> {
  const shown = tools.map(({ name, description, schema }) => [name, description, schema.jsonSchema]);
  return digestOf([instructions, model ?? null, shown, output?.schema.jsonSchema ?? null]);
}
