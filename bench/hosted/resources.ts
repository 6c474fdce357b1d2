/** What contenders that do not see to it themselves need at the host before their first session, by plain requests. */

import type { Script } from "../script.ts";
import { toModelName } from "../script.ts";
import { INSTRUCTIONS, LOOK_UP } from "../task.ts";

/** What the host is told about itself and its client. */
export const HEADERS: Readonly<Record<string, string>> = {
  "content-type": "application/json",
  "x-api-key": "bench",
  "anthropic-version": "2023-06-01",
  "anthropic-beta": "managed-agents-2026-04-01",
};

/** The ids a session is created with. */
export interface Resources {
  readonly agent: string;
  readonly environment_id: string;
}

/** Makes the agent that plays a script, and an environment. */
export async function makeResources(url: string, script: Script): Promise<Resources> {
  const { name, description, inputSchema: input_schema } = LOOK_UP;
  const agent = await post(`${url}/v1/agents`, {
    name: "bench",
    model: toModelName(script),
    system: INSTRUCTIONS,
    tools: [{ type: "custom", name, description, input_schema }],
  });
  const environment = await post(`${url}/v1/environments`, { name: "bench", config: { type: "cloud" } });
  return { agent: agent.id, environment_id: environment.id };
}

/** Posts a document, and reads the answer. */
export async function post(url: string, body: object): Promise<{ readonly id: string }> {
  const response = await fetch(url, { method: "POST", headers: HEADERS, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
  return JSON.parse(await response.text());
}
