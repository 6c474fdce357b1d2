/** The official SDK: a session's tools by its `toolRunner`, one client for all sessions, all its defaults. */

import Anthropic from "@anthropic-ai/sdk";

import { LOOK_UP, Orders, PROMPT } from "../task.ts";
import { makeResources } from "./resources.ts";
import type { HostedSetting, HoldSession } from "./setting.ts";

/** Sets the official SDK up. */
export async function official({ url, script }: HostedSetting): Promise<HoldSession> {
  const client = new Anthropic({ baseURL: url, apiKey: "bench" });
  const resources = await makeResources(url, script);
  const { name, description, inputSchema } = LOOK_UP;
  return async () => {
    const orders = new Orders(script);
    const tool = {
      type: "custom" as const,
      name,
      description,
      input_schema: { ...inputSchema, required: [...inputSchema.required] },
      parse: (input: unknown) => input,
      run: (input: { query: string }) => orders.lookUp(input.query),
    };
    const { id } = await client.beta.sessions.create(resources);
    const { events } = client.beta.sessions;
    const content = [{ type: "text" as const, text: PROMPT }];
    await events.send(id, { events: [{ type: "user.message", content }] });
    // It ends when the session has been idle for so long; the least there is, since 0 is for ever.
    for await (const call of events.toolRunner(id, { tools: [tool], maxIdleMs: 1 }))
      if (!call.posted) throw new Error(`The result of ${call.toolUseId} was not posted.`);
    return orders;
  };
}
